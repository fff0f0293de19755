// Garments and hats: their photograph, dyed, with woven grain; or plain surfaces such as frames and jewellery.
uniform sampler2D picture;
uniform vec3 base_colour, second_colour;
uniform vec4 dye;               // 0 the picture's colours .. 1 its light and dark alone, contrast, plain (no picture), pattern
uniform vec4 surface;           // gloss, roughness, grain, scale of the pattern
void main() {
    vec4 t = texture(picture, uv);
    if (t.a < 0.5 && dye.z < 0.5) discard;
    vec3 n = normalize(normal), v = normalize(to_eye);
    if (dot(n, v) < 0.0) n = -n;
    float light = dot(t.rgb, vec3(0.3, 0.55, 0.15));
    float pattern = 0.0;
    if (dye.w > 2.5) pattern = smoothstep(0.47, 0.53, noise3(neutral * surface.w * 0.7));
    else if (dye.w > 1.5) pattern = 0.5 * step(0.5, fract(neutral.x * surface.w)) + 0.5 * step(0.5, fract(neutral.y * surface.w));
    else if (dye.w > 0.5) pattern = smoothstep(0.45, 0.5, abs(fract(neutral.y * surface.w) - 0.5) * 2.0);
    vec3 dyed = mix(base_colour, second_colour, pattern) * mix(1.0, 0.4 + 1.2 * light, dye.y);
    vec3 base = mix(mix(t.rgb * t.rgb, dyed, dye.x), dyed, dye.z);
    base *= 1.0 + (noise2(neutral.xy * 9.0) + noise2(neutral.yz * 31.0) - 1.0) * surface.z;
    float key = key_visibility(n);
    vec3 c = base * diffuse_light(n, ao, vec3(0.12), key);
    float rim = 1.0 - max(dot(n, v), 0.0);
    c += base * rim * rim * rim * 0.3 * sky * ao;
    c += specular_light(n, v, surface.y, key) * surface.x;
    colour = vec4(develop(c), 1.0);
}
