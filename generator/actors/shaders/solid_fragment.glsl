// Plain surfaces: spectacle frames, hats, ear rings.
uniform vec3 base_colour;
uniform vec3 wrap;
uniform vec4 surface;          // specular strength, exponent, noise strength, noise scale
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    if (dot(n, v) < 0.0) n = -n;
    float key = key_visibility(n);
    float grain = fbm(neutral * surface.w);
    vec3 c = base_colour * (1.0 + (grain - 0.5) * surface.z) * diffuse_light(n, extra.y, wrap, key);
    c += specular_light(n, v, surface.y, key) * surface.x;
    colour = vec4(develop(c), 1.0);
}
