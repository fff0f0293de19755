// Eyeball: photograph of iris and sclera under a wet cornea.
uniform sampler2D picture;
uniform vec4 centre[2];         // left and right: centre of the ball in the world, its radius
uniform vec4 lid[2];            // normal of the plane of the upper lid's rim and its offset
uniform vec3 gaze[2];
uniform vec3 iris_tint;
uniform vec4 eye_values;        // brightness of the sclera, veins, strength of reflections, 0
void main() {
    int side = neutral.x > 0.0 ? 0 : 1;
    vec4 t = texture(picture, uv);
    if (t.a < 0.5) discard;
    vec3 v = normalize(to_eye);
    vec3 n = normalize(world - centre[side].xyz);
    float away = acos(clamp(dot(n, gaze[side]), -1.0, 1.0));
    vec3 base = t.rgb * t.rgb;
    float iris = smoothstep(0.43, 0.385, away);
    base = mix(base * eye_values.x, base * iris_tint, iris);
    base = mix(base, base * vec3(1.0, 0.72, 0.66), smoothstep(0.55, 1.1, away) * eye_values.y);
    base *= mix(1.0, 0.4, smoothstep(0.30, 0.41, away) * iris);
    // The upper lid and its lashes shade the ball below them.
    float below = dot(world, lid[side].xyz) + lid[side].w;
    float shade = mix(0.30, 1.0, smoothstep(-0.02, 0.42, below)) * mix(0.6, 1.0, smoothstep(0.02, 0.35, ao));
    float key = mix(0.35, 1.0, key_visibility(n));
    vec3 c = base * diffuse_light(n, 0.8, vec3(0.4, 0.32, 0.3), key) * shade;
    vec3 bulge = normalize(n + gaze[side] * 0.30 * smoothstep(0.6, 0.25, away));
    vec3 r = reflect(-v, bulge);
    float fresnel = 0.03 + 0.5 * pow(1.0 - max(dot(bulge, v), 0.0), 5.0);
    c += mirrored(r, key) * fresnel * eye_values.z * mix(0.35, 1.0, shade);
    colour = vec4(develop(c), 1.0);
}
