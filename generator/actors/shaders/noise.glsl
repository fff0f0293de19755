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
// Distance to the nearest of one random dot per cell, and that dot's random number.
vec2 dots(vec3 p) {
    vec3 i = floor(p);
    vec2 best = vec2(9.0, 0.0);
    for (int x = -1; x <= 1; x++) for (int y = -1; y <= 1; y++) for (int z = -1; z <= 1; z++) {
        vec3 c = i + vec3(x, y, z);
        vec3 q = c + vec3(hash1(c), hash1(c + 57.0), hash1(c + 113.0));
        float d = length(p - q);
        if (d < best.x) best = vec2(d, hash1(c + 191.0));
    }
    return best;
}
