// Teeth (extra.z = 1), gums and tongue.
uniform vec3 tooth_colour, gum_colour, tongue_colour;
uniform vec4 mouth;
uniform float tooth_gloss;
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    bool tooth = extra.z > 0.5;
    bool tongue = extra.w > 0.5;
    float depth = max(mouth.y - model.z, 0.0);
    // Light fades with the depth behind the lips; soft tissue lies lower and gets less of it than the teeth.
    float fade = max(depth - 0.8, 0.0) * mouth.z / (0.7 + 0.55 * mouth.x);
    float reach = tooth ? exp(-fade) : 0.8 * exp(-1.4 * fade);
    // Light that comes back from the depth is warm.
    vec3 bounce = mix(vec3(1.0, 0.72, 0.66), vec3(1.0), reach);
    // The lips shade what lies close behind them.
    float rim = mix(0.12, 1.0, smoothstep(0.0, 1.1, mouth.x));
    vec3 base;
    float power = 60.0;
    float shine = tooth_gloss;
    if (tooth) {
        // Yellower and darker towards the gum, translucent bluish edge, dark gaps between single teeth.
        float edge = extra.y;
        base = tooth_colour * mix(vec3(0.80, 0.68, 0.52), vec3(1.0), smoothstep(0.0, 0.55, edge));
        base = mix(base, base * vec3(0.9, 0.95, 1.0), smoothstep(0.85, 1.0, edge));
        base *= mix(0.45, 1.0, smoothstep(0.15, 0.75, n.z));
    } else {
        base = tongue ? tongue_colour : gum_colour;
        shine *= 0.8; power = 25.0;
    }
    float key = mix(0.35, 1.0, key_visibility(n));
    vec3 c = base * diffuse_light(n, 1.0, vec3(0.35, 0.25, 0.2), key);
    c += specular_light(n, v, power, key) * shine * 0.15;
    c *= reach * rim * bounce;
    colour = vec4(develop(c), 1.0);
}
