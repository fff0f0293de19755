// Skin: the baked photograph with its pores, sweat and sebum, and the folds that the expression makes.
uniform sampler2D picture;      // rgb: square root of the albedo, alpha: height of pores and hairs
uniform vec4 gloss;             // strength, roughness, height of the pores, depth of the folds
uniform vec3 wrap;
uniform vec2 oily;              // more gloss on forehead, nose and cheekbones; age of the folds 0..1
float ridge(float x) { x = abs(fract(x) - 0.5) * 2.0; return x * x * (3.0 - 2.0 * x); }
float segment(vec2 p, vec2 a, vec2 b) {
    return length(p - a - (b - a) * clamp(dot(p - a, b - a) / dot(b - a, b - a), 0.0, 1.0));
}
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    vec4 t = texture(picture, uv);
    vec3 base = t.rgb * t.rgb;
    vec3 p = neutral;
    float ax = abs(p.x), front = smoothstep(2.0, 6.0, p.z);
    // Lines across the way in which the skin is pushed together.
    float pushed = max(fold.y, 0.0) * gloss.w;
    float wave = 0.35 * sin(p.x * 0.8 + 1.0) + 0.3 * noise2(p.xy * 1.3);
    float brow = smoothstep(5.4, 6.6, p.y) * smoothstep(12.0, 10.5, p.y) * smoothstep(6.0, 4.2, ax) * front;
    float frown = smoothstep(1.7, 0.9, ax) * smoothstep(4.0, 4.8, p.y) * smoothstep(7.4, 6.2, p.y) * front;
    vec2 corner = vec2(ax - 4.35, p.y - 3.45);
    float feet = smoothstep(0.15, 0.5, corner.x) * smoothstep(2.2, 1.2, length(corner)) * step(0.0, corner.x);
    float lips = smoothstep(3.4, 2.6, ax) * smoothstep(-5.6, -5.0, p.y) * smoothstep(-1.3, -1.9, p.y) * front;
    float lines = brow * ridge(p.y * 0.85 + wave) + frown * ridge(p.x * 0.8 + 0.5 + 0.1 * wave)
                + feet * ridge(atan(corner.y, corner.x) * 2.6 + 0.3 * wave) + lips * 0.6 * ridge(p.x * 2.3 + wave);
    // The fold from the wing of the nose round the corner of the mouth.
    vec2 side = vec2(ax, p.y);
    float beside = min(segment(side, vec2(1.75, -0.3), vec2(2.75, -1.9)), segment(side, vec2(2.75, -1.9), vec2(3.35, -3.7)));
    float laugh = smoothstep(0.42, 0.04, beside) * smoothstep(-4.0, -2.4, p.y) * front;
    lines += 1.5 * laugh;
    float depth = pushed * lines + gloss.w * (0.04 + 0.22 * oily.y) * laugh + gloss.w * oily.y * 0.03 * (brow * ridge(p.y * 0.85 + wave) + feet * 0.6);
    float hollow = clamp(fold.x * gloss.w, -0.5, 1.0);
    // Heights bend the normal by their slope on the screen.
    float h = t.a * gloss.z + 0.09 * depth;
    vec3 sx = dFdx(world), sy = dFdy(world), rx = cross(sy, n), ry = cross(n, sx);
    float det = dot(sx, rx);
    vec3 slope = sign(det) * (dFdx(h) * rx + dFdy(h) * ry);
    n = normalize(abs(det) * n - clamp(slope, -0.7 * abs(det), 0.7 * abs(det)));
    base *= 1.0 - clamp(0.55 * depth + 0.4 * max(hollow, 0.0), 0.0, 0.75) * vec3(0.85, 1.0, 1.0);
    base *= 1.0 + 0.25 * max(-hollow, 0.0);
    float open_sky = ao * (1.0 - 0.45 * clamp(depth + max(hollow, 0.0), 0.0, 1.0));
    float key = key_visibility(n);
    vec3 c = base * diffuse_light(n, open_sky, wrap, key);
    float zone = exp(-dot(p - vec3(0, 0.8, 11), p - vec3(0, 0.8, 11)) / 9.0) + smoothstep(5.0, 7.5, p.y) * smoothstep(5.0, 2.0, ax)
               + exp(-dot(vec3(ax, p.y, p.z) - vec3(5.0, 1.2, 7.5), vec3(ax, p.y, p.z) - vec3(5.0, 1.2, 7.5)) / 3.0);
    float fresnel = 0.5 + 1.6 * pow(1.0 - max(dot(n, v), 0.0), 4.0);
    float wet = (0.75 + oily.x * zone * front) * (0.6 + 0.8 * t.a);
    c += specular_light(n, v, gloss.y, key) * gloss.x * wet * fresnel * open_sky;
    colour = vec4(develop(c), 1.0);
}
