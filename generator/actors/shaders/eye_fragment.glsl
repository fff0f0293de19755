// Eyeball with an iris painted by neutral position around the pupil's axis.
uniform vec3 iris_colour, iris_rim, sclera_colour;
uniform vec4 iris;             // radius, pupil radius (cm), highlight strength, seed
uniform vec4 lid_shade;        // strength
float hash2(float x) { return fract(sin(x * 91.7 + iris.w) * 4375.5453); }
void main() {
    vec3 n = normalize(normal), v = normalize(to_eye);
    vec2 d = neutral.xy - vec2(sign(neutral.x) * 3.1, 3.62);
    float r = length(d);
    float a = atan(d.y, d.x) * 9.0;
    float fibre = mix(hash2(floor(a * 2.0)), hash2(floor(a * 2.0) + 1.0), smoothstep(0.0, 1.0, fract(a * 2.0)));
    float k = r / iris.x;
    float front = step(8.0, neutral.z);
    vec3 inner = mix(iris_colour * 1.25, iris_colour * 0.8, fibre);
    inner = mix(inner, iris_rim, smoothstep(0.62, 0.98, k));
    inner = mix(inner * 1.1, inner, smoothstep(0.4, 0.6, k));
    inner = mix(vec3(0.004), inner, smoothstep(iris.y - 0.05, iris.y + 0.04, r));
    float vein = smoothstep(1.0, 2.0, k) * 0.10;
    vec3 white = sclera_colour * (1.0 - vein * vec3(0.2, 1.0, 1.0));
    vec3 base = mix(white, inner, front * (1.0 - smoothstep(0.93, 1.06, k)));
    // Lids throw a soft shadow on the ball, more from above; extra.y is the vertex' distance to the lid edges.
    float shade = mix(lid_shade.x, 1.0, smoothstep(0.0, 0.35, extra.y));
    float key = mix(1.0, key_visibility(n), 0.6);
    vec3 c = base * diffuse_light(n, 0.85, vec3(0.5), key) * shade;
    // A wet highlight sits at a fixed place of the cornea's bulge in view space.
    vec3 h = normalize(light_direction[0] + v);
    vec3 bulge = normalize(n + vec3(d * -0.25, 0.0) * front * step(k, 1.4));
    float s = smoothstep(0.965, 0.985, dot(bulge, h));
    c += light_colour[0] * s * iris.z * shade;
    colour = vec4(develop(c), 1.0);
}
