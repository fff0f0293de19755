// Albedo of the skin over the face's texture atlas, from the neutral vertex position.
in vec3 neutral;
in vec4 extra;
out vec4 colour;
uniform vec3 brow_points[10], lip_outer[12], lip_inner[8], eye_points[12];
uniform vec3 skin, skin_warm, skin_dark;      // linear albedo: base, flushed, shaded
uniform vec3 lip_colour, brow_colour, hair_colour, shadow_colour, liner_colour, blush_colour;
uniform vec4 amount;                          // mottling, freckles, moles, flush
uniform vec4 paint;                           // lips, eye shadow, liner, blush
uniform vec4 brow;                            // half thickness cm, density, height offset, strand contrast
uniform vec4 beard;                           // density, moustache, upper edge, softness
uniform vec4 scalp;                           // density, hairline shift cm, raggedness, parting
uniform vec3 offset;                          // moves all noise: another person

float segment(vec2 p, vec2 a, vec2 b, out float t) {
    vec2 d = b - a;
    t = clamp(dot(p - a, d) / dot(d, d), 0.0, 1.0);
    return length(p - a - d * t);
}
float polygon(vec2 p, vec3 q[12], int first, int count) {
    float best = 1e3, side = 1.0, t;
    for (int k = 0, j = count - 1; k < count; j = k++) {
        vec2 a = q[first + k].xy, b = q[first + j].xy;
        best = min(best, segment(p, a, b, t));
        bvec3 c = bvec3(p.y >= a.y, p.y < b.y, (b.x - a.x) * (p.y - a.y) > (b.y - a.y) * (p.x - a.x));
        if (all(c) || all(not(c))) side = -side;
    }
    return side * best;
}
void main() {
    vec3 p = neutral, q = neutral + offset;
    float ax = abs(p.x);
    float front = smoothstep(2.0, 6.0, p.z);
    // Mottling at three scales.
    float big = noise3(q * 0.3), mid = fbm(q * 0.9 + 5.0), fine = fbm(q * 5.0 + 9.0);
    vec3 c = mix(skin, skin_dark, clamp((big - 0.5) * amount.x * 1.6 + (mid - 0.5) * amount.x, -0.5, 1.0));
    c *= 1.0 + (fine - 0.5) * 0.16 * amount.x;
    // Blood: nose tip, cheeks, ears, chin; lids are thinner and darker.
    float flush = exp(-dot(p - vec3(0, 0.6, 12.6), p - vec3(0, 0.6, 12.6)) / 2.4);
    vec3 cheek = vec3(ax, p.y, p.z) - vec3(4.6, -0.2, 8.6);
    float cheeks = exp(-dot(cheek, cheek) / 6.5);
    flush += cheeks * 0.8 + smoothstep(7.6, 9.0, ax) * 0.7 + 0.3 * exp(-dot(p - vec3(0, -6.8, 10), p - vec3(0, -6.8, 10)) / 2.0);
    c = mix(c, skin_warm, clamp(flush * amount.w * (0.6 + 0.8 * mid), 0.0, 0.9));
    vec3 socket = vec3(ax, p.y, p.z) - vec3(2.4, 2.5, 9.3);
    c = mix(c, c * vec3(0.78, 0.70, 0.74), exp(-dot(socket, socket) / 1.2) * 0.55);
    // Freckles and moles.
    float where = exp(-dot(p.xy - vec2(0, 1), p.xy - vec2(0, 1)) / 30.0) * front;
    if (amount.y > 0.0) {
        vec2 f = dots(q * 2.6);
        c = mix(c, c * vec3(0.62, 0.45, 0.36), amount.y * where * smoothstep(0.30, 0.12, f.x) * step(0.35, f.y));
    }
    vec2 m = dots(q * 0.45 + 3.0);
    c = mix(c, c * vec3(0.25, 0.16, 0.13), amount.z * smoothstep(0.075, 0.04, m.x) * step(0.6, m.y) * 0.85);
    c = mix(c, blush_colour, paint.w * cheeks * 0.6);

    // Lips: between the outer outline and the mouth, with fine vertical creases.
    float outer = polygon(p.xy, lip_outer, 0, 12);
    float lips = smoothstep(0.14, -0.10, outer + (fine - 0.5) * 0.10) * smoothstep(8.4, 9.2, p.z);
    if (lips > 0.0) {
        float crease = 0.88 + 0.24 * noise2(vec2(q.x * 9.0, q.y * 1.5));
        c = mix(c, lip_colour * crease, lips * paint.x);
    }
    float gloss_value = mix(0.75 + 0.5 * fine, 1.25, lips);

    // Lids: shadow, liner and the dark line of the lashes' roots.
    float lid = min(polygon(p.xy, eye_points, 0, 6), polygon(p.xy, eye_points, 6, 6));
    float above = smoothstep(3.2, 3.9, p.y);
    c = mix(c, shadow_colour, paint.y * above * smoothstep(1.5, 0.1, lid) * front);
    c = mix(c, liner_colour, (paint.z * above + 0.12) * smoothstep(0.17, 0.04, lid) * front);

    // Brows: a band around the polyline with slanted strands.
    float best = 1e3, along = 0.0, t;
    vec2 way = vec2(1, 0);
    for (int s = 0; s < 2; s++) for (int k = 0; k < 4; k++) {
        vec2 a = brow_points[s * 5 + k].xy + vec2(0, brow.z), b = brow_points[s * 5 + k + 1].xy + vec2(0, brow.z);
        float d = segment(p.xy, a, b, t);
        if (d < best) { best = d; along = (float(k) + t) / 4.0; if (s == 1) along = 1.0 - along; way = normalize(b - a); if (s == 0) way = -way; }
    }
    // along: 0 at the outer end, 1 near the nose.
    if (best < 1.2 && p.z > 2.0) {
        float width = brow.x * (0.35 + 0.65 * smoothstep(0.0, 0.45, along)) * (0.85 + 0.15 * along);
        float side = sign(p.x);
        vec2 slant = normalize(way + vec2(0, 0.5 + 0.9 * along));
        vec2 s2 = vec2(dot(p.xy, slant), dot(p.xy, vec2(-slant.y, slant.x)));
        float strand = fbm(vec3(s2.x * 1.8, s2.y * 13.0, 7.0) + offset);
        float band = smoothstep(width, width * 0.35, best + (strand - 0.5) * width * 0.9);
        float hairs = mix(1.0, smoothstep(0.25, 0.65, strand), brow.w);
        c = mix(c, brow_colour, band * hairs * brow.y * front);
    }

    // Beard: jaw, chin, moustache; the scalp's short hair; both of fine dots and strands.
    float stub = 0.55 + 0.9 * (0.6 * noise3(vec3(q.x * 9.0, q.y * 3.0, q.z * 9.0)) + 0.4 * fine - 0.35);
    float low = smoothstep(beard.z + beard.w, beard.z - beard.w, p.y + 0.10 * (ax - 3.0) * (3.0 - ax) * 0.3 - 0.55 * max(ax - 4.5, 0.0));
    float jaw = low * smoothstep(-11.5, -9.0, p.y) * smoothstep(-1.0, 2.0, p.z) * smoothstep(0.10, 0.35, outer);
    float lipband = smoothstep(0.15, 0.35, outer) * smoothstep(1.9, 1.2, p.y + 2.4) * smoothstep(-4.6, -3.6, p.y)
                  * smoothstep(3.3, 2.4, ax) * smoothstep(-1.1, -1.5, p.y) * front;
    float bearded = clamp(max(jaw * beard.x, lipband * beard.y), 0.0, 1.0);
    c = mix(c, hair_colour, clamp(bearded * stub * 1.3, 0.0, 0.96));
    float line = dot(p, vec3(0.0, 0.625, -0.781)) + 0.5 - 0.012 * p.x * p.x + scalp.y + (mid - 0.5) * scalp.z * 2.0;
    line += 0.9 * cos(p.x * 0.9) * smoothstep(2.0, 7.0, p.z) - 0.5;
    float grown = smoothstep(-0.35, 0.75, line + (fine - 0.5) * 0.8) * smoothstep(9.0, 8.2, ax + 2.0 * smoothstep(6.5, 4.0, p.y) * smoothstep(7.4, 8.0, ax));
    grown *= smoothstep(-9.0, -6.5, p.y);
    float fuzz = 0.6 + 0.8 * (0.6 * noise3(vec3(q.x * 6.0, q.y * 2.5, q.z * 6.0)) + 0.4 * fine - 0.4);
    c = mix(c, hair_colour * fuzz * 1.2, clamp(grown * scalp.x * (0.75 + 0.5 * fuzz), 0.0, 1.0));
    gloss_value *= 1.0 - 0.8 * max(bearded, grown * scalp.x);
    colour = vec4(sqrt(clamp(c, 0.0, 1.0)), clamp(gloss_value * 0.6, 0.0, 1.0));
}
