// Skin of one person over the base mesh's texture atlas: two photographs mixed, toned, then marked, made up, shaved.
in vec3 neutral;
in vec2 uv;
out vec4 colour;
uniform sampler2D first, second;
uniform float share;               // of the second photograph
uniform vec3 tone;                 // gain of the albedo
uniform vec4 amount;               // mottling, freckles, moles, flush
uniform vec4 paint;                // lips, eye shadow, liner, blush
uniform vec4 beard;                // density, moustache, upper edge, softness
uniform vec4 scalp;                // density of short hair, hairline shift, raggedness, saturation of the photograph
uniform vec3 lip_colour, shadow_colour, hair_colour, blush_colour, scalp_colour;
uniform vec3 offset;
uniform vec3 mouth_ring[20], eye_ring[32];
float segment(vec2 p, vec2 a, vec2 b) {
    vec2 d = b - a;
    return length(p - a - d * clamp(dot(p - a, d) / max(dot(d, d), 1e-6), 0.0, 1.0));
}
void main() {
    vec3 p = neutral, q = neutral + offset;
    float ax = abs(p.x), front = smoothstep(2.0, 6.0, p.z);
    vec3 photo = mix(texture(first, uv).rgb, texture(second, uv).rgb, share);
    vec3 c = photo * photo;
    float grey = dot(c, vec3(0.3, 0.6, 0.1));
    c = mix(vec3(grey), c, scalp.w) * tone;
    float mid = fbm(q * 0.9 + 5.0), fine = fbm(q * 4.0 + 9.0), pores = noise3(q * 17.0);
    c *= 1.0 + (mid - 0.5) * 0.35 * amount.x + (fine - 0.5) * 0.3 * amount.x;
    // Pores are finest on the forehead, widest on nose and cheeks.
    float coarse = exp(-dot(vec3(ax, p.y, p.z) - vec3(1.8, 0.6, 10.0), vec3(ax, p.y, p.z) - vec3(1.8, 0.6, 10.0)) / 7.0);
    float pit = smoothstep(0.62, 0.9, pores) * (0.35 + coarse);
    c *= 1.0 - 0.16 * pit * amount.x;
    float nose = exp(-dot(p - vec3(0, 0.6, 12.0), p - vec3(0, 0.6, 12.0)) / 2.4);
    vec3 at = vec3(ax, p.y, p.z) - vec3(4.4, -0.2, 8.6);
    float cheeks = exp(-dot(at, at) / 6.5);
    float flush = (nose + 0.8 * cheeks + 0.6 * smoothstep(7.2, 8.6, ax)) * (0.5 + mid);
    c = mix(c, c * vec3(1.02, 0.76, 0.74), clamp(flush * amount.w, 0.0, 0.85));
    if (amount.y > 0.0) {
        vec2 f = dots(q * 2.6);
        float where = exp(-dot(p.xy - vec2(0, 1), p.xy - vec2(0, 1)) / 30.0) * front;
        c = mix(c, c * vec3(0.66, 0.5, 0.4), amount.y * where * smoothstep(0.30, 0.12, f.x) * step(0.35, f.y));
    }
    vec2 m = dots(q * 0.40 + 3.0);
    c = mix(c, c * vec3(0.28, 0.19, 0.16), amount.z * smoothstep(0.06, 0.035, m.x) * step(0.62, m.y) * 0.8);
    c = mix(c, blush_colour, paint.w * cheeks * 0.5);

    float lid = 1e3, side = 1.0;
    for (int k = 0; k < 32; k++) {
        int next = k % 16 == 15 ? k - 15 : k + 1;
        lid = min(lid, segment(p.xy, eye_ring[k].xy, eye_ring[next].xy));
    }
    float above = smoothstep(3.2, 3.9, p.y);
    c = mix(c, shadow_colour, paint.y * above * smoothstep(1.3, 0.1, lid) * front * 0.8);
    c = mix(c, vec3(0.012, 0.009, 0.008), (paint.z * above + 0.18) * smoothstep(0.16, 0.03, lid) * front);

    float outer = 1e3;
    for (int k = 0, j = 19; k < 20; j = k++) {
        vec2 a = mouth_ring[k].xy, b = mouth_ring[j].xy;
        outer = min(outer, segment(p.xy, a, b));
        bvec3 cross_ = bvec3(p.y >= a.y, p.y < b.y, (b.x - a.x) * (p.y - a.y) > (b.y - a.y) * (p.x - a.x));
        if (all(cross_) || all(not(cross_))) side = -side;
    }
    outer *= side;
    float lips = smoothstep(0.10, -0.14, outer + (fine - 0.5) * 0.10) * smoothstep(7.4, 8.6, p.z);
    c = mix(c, lip_colour * (0.85 + 0.3 * noise2(vec2(q.x * 9.0, q.y * 1.5))), lips * paint.x);

    // Shaved or bearded jaw: dots of hair, denser on chin and lip.
    float stub = 0.5 + 1.1 * (0.6 * noise3(vec3(q.x * 10.0, q.y * 4.0, q.z * 10.0)) + 0.4 * fine - 0.3);
    float edge = p.y + 0.3 * max(3.0 - ax, 0.0) - 0.6 * max(ax - 4.3, 0.0) + (mid - 0.5) * 1.2;
    float low = smoothstep(beard.z + beard.w, beard.z - beard.w, edge);
    float jaw = low * smoothstep(-10.6, -8.8, p.y + 0.5 * fine) * smoothstep(-1.5, 1.5, p.z) * smoothstep(0.12, 0.5, outer);
    float moustache = smoothstep(0.12, 0.35, outer) * smoothstep(-4.0, -3.2, p.y) * smoothstep(-0.9, -1.5, p.y)
                    * smoothstep(3.4, 2.3, ax) * front;
    float bearded = clamp(max(jaw * beard.x, moustache * beard.y), 0.0, 1.0);
    c = mix(c, hair_colour, clamp(bearded * stub, 0.0, 0.93));
    // Scalp: the photograph's stubble gives way to the person's own colour.
    float line = dot(p, vec3(0.0, 0.66, -0.75)) - 1.8 - 0.012 * p.x * p.x + scalp.y + (mid - 0.5) * scalp.z * 2.0;
    // Shaved hair that the photograph has lower than this person's hairline.
    float bare = max(smoothstep(6.2, 7.2, p.y), smoothstep(5.6, 6.4, ax) * smoothstep(3.4, 4.6, p.y));
    float shaved = smoothstep(0.92, 0.6, dot(c, vec3(0.3, 0.6, 0.1)) / dot(scalp_colour, vec3(0.3, 0.6, 0.1)));
    c = mix(c, scalp_colour * (0.9 + 0.25 * mid), shaved * bare);
    float grown = smoothstep(-0.7, 1.0, line + (fine - 0.5)) * smoothstep(-5.0, -1.5, p.y - 0.4 * p.z) * smoothstep(8.7, 7.9, ax * step(p.y, 5.0));
    c = mix(c, scalp_colour * (0.9 + 0.25 * mid), grown * (1.0 - 0.25 * scalp.x));
    float fuzz = 0.55 + 0.9 * (0.6 * noise3(vec3(q.x * 6.0, q.y * 3.0, q.z * 6.0)) + 0.4 * fine - 0.35);
    c = mix(c, hair_colour, clamp(grown * scalp.x * fuzz, 0.0, 0.95));
    float height = 0.5 + 0.30 * (fine - 0.5) - 0.28 * pit + 0.2 * (noise3(q * 9.0) - 0.5) + 0.35 * bearded * (stub - 0.5);
    colour = vec4(sqrt(clamp(c, 0.0, 1.0)), clamp(height, 0.0, 1.0));
}
