// Eyelashes: thin dark lines across the strip, fading out to the tips.
uniform vec3 base_colour;
uniform vec4 lash;             // density, opacity
void main() {
    float u = fract(uv.x * lash.x);
    float line = smoothstep(0.5, 0.2, abs(u - 0.5));
    float a = line * lash.y * smoothstep(1.0, 0.35, abs(uv.y - 0.5) * 2.0);
    colour = vec4(develop(base_colour) * a, a);
}
