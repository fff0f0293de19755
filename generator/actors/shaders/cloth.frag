// Woven or knitted cloth with folds, stripes or checks and a darker collar edge.
uniform vec3 base_colour, second_colour;
uniform vec4 weave;            // fold strength, grain, pattern (0 plain, 1 stripes, 2 checks, 3 blobs), pattern scale
uniform vec3 offset;
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    if (dot(n, v) < 0.0) n = -n;
    vec3 q = neutral + offset;
    // Folds bend the normal by the slope of a stretched noise.
    vec3 s = vec3(q.x * 0.16, q.y * 0.09, q.z * 0.16);
    float e = 0.08, h0 = fbm(s);
    vec3 slope = vec3(fbm(s + vec3(e, 0, 0)), fbm(s + vec3(0, e, 0)), fbm(s + vec3(0, 0, e))) - h0;
    n = normalize(n - slope * weave.x * 5.0);
    float pattern = 0.0;
    if (weave.z > 2.5) pattern = smoothstep(0.52, 0.56, fbm(q * weave.w * 0.5));
    else if (weave.z > 1.5) pattern = 0.5 * step(0.5, fract(q.x * weave.w)) + 0.5 * step(0.5, fract(q.y * weave.w));
    else if (weave.z > 0.5) pattern = smoothstep(0.45, 0.5, abs(fract(q.y * weave.w) - 0.5) * 2.0);
    vec3 base = mix(base_colour, second_colour, pattern);
    base *= 1.0 + (noise3(q * vec3(9.0, 9.0, 9.0)) - 0.5) * weave.y + (h0 - 0.5) * 0.35;
    float key = key_visibility(n);
    vec3 c = base * diffuse_light(n, extra.y, vec3(0.12), key);
    float rim = pow(1.0 - max(dot(n, v), 0.0), 3.0);
    c += base * rim * 0.25 * sky;
    colour = vec4(develop(c), 1.0);
}
