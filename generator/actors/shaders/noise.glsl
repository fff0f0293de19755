float hash1(vec3 p) {
    p = fract(p * vec3(0.1031, 0.1127, 0.0973) + 0.37);
    p += dot(p, p.yzx + 31.32);
    return fract((p.x + p.y) * p.z);
}
float noise3(vec3 p) {
    vec3 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    vec4 low = vec4(hash1(i), hash1(i + vec3(1, 0, 0)), hash1(i + vec3(0, 1, 0)), hash1(i + vec3(1, 1, 0)));
    i.z += 1.0;
    vec4 high = vec4(hash1(i), hash1(i + vec3(1, 0, 0)), hash1(i + vec3(0, 1, 0)), hash1(i + vec3(1, 1, 0)));
    vec4 m = mix(low, high, f.z);
    return mix(mix(m.x, m.y, f.x), mix(m.z, m.w, f.x), f.y);
}
float fbm(vec3 p) {
    float s = 0.0, a = 0.5;
    for (int k = 0; k < 4; k++) { s += a * noise3(p); p = p * 2.03 + 17.1; a *= 0.5; }
    return s / 0.9375;
}
float hash2(vec2 p) {
    vec3 q = fract(p.xyx * vec3(0.1031, 0.1030, 0.0973) + 0.37);
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}
float noise2(vec2 p) {
    vec2 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(hash2(i), hash2(i + vec2(1, 0)), f.x), mix(hash2(i + vec2(0, 1)), hash2(i + vec2(1, 1)), f.x), f.y);
}
// Distance to a random dot of the cell (in its middle, so that dots of radius 0.3 stay in it), and a random number.
vec2 dots(vec3 p) {
    vec3 i = floor(p);
    vec3 q = i + 0.3 + 0.4 * vec3(hash1(i), hash1(i + 57.0), hash1(i + 113.0));
    return vec2(length(p - q), hash1(i + 191.0));
}
