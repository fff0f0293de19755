// Strands: streaks across the flow, two shifted highlights along it (Kajiya and Kay 1989), ragged edges.
uniform vec3 root_colour, tip_colour;
uniform vec4 strands;          // streak frequency, contrast, edge raggedness, shine
uniform vec4 curl;             // amplitude, frequency, coverage threshold, flow axis (0: uv.y, 1: model height)
uniform vec3 offset;
uniform mat4 head;             // turns the strands' direction, which comes in place of the neutral position
uniform float pass;            // 0: the dense part, 1: the soft rest
void main() {
    vec3 v = normalize(to_eye), n = normalize(normal);
    if (dot(n, v) < 0.0) n = -n;
    float along = uv.y, across = uv.x;
    if (curl.x > 0.0) across += curl.x * sin(along * curl.y + noise2(vec2(across * 2.0, along * 0.5) + offset.x) * 4.0);
    float lock = noise2(vec2(across * strands.x * 0.12, along * 0.13) + offset.x);
    float thick = noise2(vec2(across * strands.x * 0.4 + lock, along * 0.22) + offset.y);
    float thin = noise2(vec2(across * strands.x + thick, along * 0.35) + offset.z);
    float streak = 0.38 * thin + 0.36 * thick + 0.26 * lock;
    // extra.z: 0 at the free edges of the surface, 1 well inside; extra.w: 0 root, 1 tip.
    float cover = smoothstep(0.0, 1.0, extra.z * strands.z) * 1.35 + 2.0 * min(extra.z, 0.0) + (streak - 0.5) * 1.6 - curl.z * extra.w;
    float alpha = smoothstep(0.30, 0.62, cover);
    if (pass < 0.5 ? alpha < 0.85 : (alpha >= 0.85 || alpha < 0.03)) discard;
    vec3 base = mix(root_colour, tip_colour, smoothstep(0.0, 1.0, extra.w + (lock - 0.5) * 0.6));
    base *= mix(1.0, 0.35 + 1.3 * streak, strands.y);
    vec3 tangent = normalize(mat3(head) * neutral + vec3(1e-5));
    float key = key_visibility(n);
    // Locks look round: the normal leans to both sides across a strand.
    vec3 bent = normalize(n + ((lock - 0.5) * 0.9 + (thick - 0.5) * 0.5) * cross(tangent, n));
    vec3 light = diffuse_light(bent, extra.y, vec3(0.25), key);
    vec3 c = base * light;
    for (int k = 0; k < 2; k++) {
        vec3 h = normalize(light_direction[k] + v);
        float a = dot(normalize(tangent + n * (0.12 + (streak - 0.5) * 0.35)), h);
        float b = dot(normalize(tangent - n * (0.10 - (streak - 0.5) * 0.35)), h);
        float facing = smoothstep(-0.1, 0.6, dot(n, light_direction[k])) * (k == 0 ? key : 1.0);
        c += light_colour[k] * facing * strands.w * (0.05 * pow(sqrt(max(1.0 - a * a, 0.0)), 90.0)
             + base * 0.9 * pow(sqrt(max(1.0 - b * b, 0.0)), 18.0)) * (0.4 + streak);
    }
    colour = vec4(develop(c) * alpha, alpha);
}
