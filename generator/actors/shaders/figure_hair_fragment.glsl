// Hair, lashes, brows and beards: cards with a photographed alpha, dyed, with two highlights along the strands.
uniform sampler2D picture;
uniform vec3 root_colour, tip_colour;
uniform vec4 strands;           // contrast of the photograph, shine, 1: colour of the picture as it is, opacity
uniform float pass;             // 0: the dense part, 1: the soft rest
void main() {
    vec4 t = texture(picture, uv);
    float alpha = clamp(t.a * strands.w, 0.0, 1.0);
    if (pass < 0.5 ? alpha < 0.72 : (alpha >= 0.72 || alpha < 0.03)) discard;
    vec3 v = normalize(to_eye), n = normalize(normal);
    if (dot(n, v) < 0.0) n = -n;
    float light = dot(t.rgb, vec3(0.3, 0.5, 0.2));
    vec3 base = mix(root_colour, tip_colour, clamp(light * 1.4, 0.0, 1.0)) * mix(1.0, 0.25 + 1.5 * light, strands.x);
    base = mix(base, t.rgb * t.rgb, strands.z);
    vec3 tangent = normalize(along + vec3(1e-5));
    float key = key_visibility(n);
    vec3 c = base * diffuse_light(n, ao, vec3(0.3), key);
    for (int k = 0; k < 4; k++) {
        vec3 h = normalize(light_direction[k] + v);
        float a = dot(normalize(tangent + n * (0.1 + (light - 0.5) * 0.3)), h);
        float b = dot(normalize(tangent - n * (0.1 - (light - 0.5) * 0.3)), h);
        float facing = smoothstep(-0.1, 0.6, dot(n, light_direction[k])) * (k == 0 ? key : 1.0) * ao;
        c += light_colour[k] * facing * strands.y * (0.035 * pow(sqrt(max(1.0 - a * a, 0.0)), 80.0)
             + base * 0.8 * pow(sqrt(max(1.0 - b * b, 0.0)), 16.0)) * (0.3 + light);
    }
    colour = vec4(develop(c) * alpha, alpha);
}
