// Woven or knitted cloth: stripes, checks or blobs, and the shading of the folds that bend the normals (extra.z).
uniform vec3 base_colour, second_colour;
uniform vec4 weave;            // grain, pattern (0 plain, 1 stripes, 2 checks, 3 blobs), pattern scale, 0
uniform vec3 offset;
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    if (dot(n, v) < 0.0) n = -n;
    vec3 q = neutral + offset;
    float pattern = 0.0;
    if (weave.y > 2.5) pattern = smoothstep(0.47, 0.53, noise3(q * weave.z * 0.7));
    else if (weave.y > 1.5) pattern = 0.5 * step(0.5, fract(q.x * weave.z)) + 0.5 * step(0.5, fract(q.y * weave.z));
    else if (weave.y > 0.5) pattern = smoothstep(0.45, 0.5, abs(fract(q.y * weave.z) - 0.5) * 2.0);
    vec3 base = mix(base_colour, second_colour, pattern);
    base *= 1.0 + (noise2(q.xy * 7.0) - 0.5) * weave.x + extra.z;
    float key = key_visibility(n);
    vec3 c = base * diffuse_light(n, extra.y, vec3(0.12), key);
    float rim = 1.0 - max(dot(n, v), 0.0);
    c += base * rim * rim * rim * 0.25 * sky;
    colour = vec4(develop(c), 1.0);
}
