// Lenses: a tint, and what they mirror of windows and screens.
uniform vec3 base_colour;
uniform vec4 surface;           // opacity of the tint, strength of reflections
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    if (dot(n, v) < 0.0) n = -n;
    float fresnel = 0.04 + 0.9 * pow(1.0 - max(dot(n, v), 0.0), 5.0);
    vec3 c = mirrored(reflect(-v, n), 1.0) * fresnel * surface.y;
    vec3 shown = develop(c + base_colour * sky * surface.x);
    float alpha = clamp(surface.x + max(max(shown.r, shown.g), shown.b) * (1.0 - surface.x) * 0.9, 0.0, 1.0);
    colour = vec4(min(shown, vec3(alpha)), alpha);
}
