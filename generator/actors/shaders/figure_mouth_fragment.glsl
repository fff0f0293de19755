// Teeth, gums, tongue, and the lining of the cheeks: darker the deeper they lie behind the lips.
uniform sampler2D picture;
uniform vec4 lips;              // middle of the inner lips in the world, opening in cm
uniform vec3 forward;           // where the head looks
uniform vec3 tint;
uniform vec4 mouth_values;      // darkness, gloss, brightness, 1: single colour instead of the picture
uniform vec3 plain;
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    if (dot(n, v) < 0.0 && mouth_values.w > 0.5) n = -n;
    vec4 t = texture(picture, uv);
    vec3 base = mix(t.rgb * t.rgb, plain, mouth_values.w) * tint * mouth_values.z;
    float depth = max(dot(lips.xyz - world, forward) - 1.1, 0.0);
    float reach = exp(-depth * mouth_values.x / (0.5 + 0.55 * lips.w));
    float rim = mix(0.30, 1.0, smoothstep(0.0, 0.8, lips.w));
    float key = mix(0.4, 1.0, key_visibility(n));
    vec3 c = base * diffuse_light(n, 0.9, vec3(0.35, 0.25, 0.2), key);
    c += specular_light(n, v, 0.32, key) * mouth_values.y;
    c *= reach * rim * mix(vec3(1.0, 0.7, 0.62), vec3(1.0), reach);
    colour = vec4(develop(c), 1.0);
}
