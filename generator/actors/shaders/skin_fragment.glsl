// Facial skin, scalp, neck, and the inside of the mouth cavity (extra.z = 1) and of the eye sockets (extra.w = 1).
uniform sampler2D albedo;       // baked, square-root encoded; alpha = gloss
uniform vec2 gloss;             // strength, exponent
uniform vec3 wrap;
uniform vec4 mouth;             // x: opening in cm, y: z of the lips, z: darkness, w: y of the inner lips
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    vec4 t = texture(albedo, uv);
    vec3 base = t.rgb * t.rgb;
    float cavity = extra.z;
    float ao = extra.y;
    float hollow = smoothstep(0.02, 0.28, ao);   // nostrils and ear canals get no direct light either
    float depth = max(mouth.y - model.z, 0.0);
    float inside = exp(-max(depth - 0.5, 0.0) * mouth.z / (0.5 + mouth.x)) * 0.55;
    vec3 mucosa = vec3(0.36, 0.08, 0.07);
    base = mix(base, mucosa, cavity);
    base = mix(base, vec3(0.5, 0.2, 0.18) , extra.w * 0.7);
    float key = key_visibility(n);
    vec3 c = base * diffuse_light(n, ao, wrap, key);
    float fresnel = 0.35 + 0.65 * pow(1.0 - max(dot(n, v), 0.0), 4.0);
    c += specular_light(n, v, gloss.y, key) * gloss.x * t.a * fresnel * ao * (1.0 - cavity);
    c *= mix(mix(0.12, 1.0, hollow), inside, cavity);
    colour = vec4(develop(c), 1.0);
}
