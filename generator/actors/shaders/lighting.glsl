#version 330
in vec3 world, normal, neutral, model, to_eye;
in vec2 uv;
in vec4 extra;
out vec4 colour;
uniform vec3 light_direction[3];   // towards the light, world space, unit length
uniform vec3 light_colour[3];      // linear
uniform vec3 sky, ground;          // hemisphere ambient, linear
uniform mat4 shadow_camera;
uniform sampler2D shadow_map;
uniform float shadow_strength;
uniform float exposure;

// Part of the key light that arrives: five taps of the depth map.
float key_visibility(vec3 n) {
    vec4 q = shadow_camera * vec4(world + n * 0.45, 1.0);
    vec3 c = q.xyz * 0.5 + 0.5;
    vec2 texel = 1.0 / vec2(textureSize(shadow_map, 0));
    float lit = 0.0;
    // Five texels on a tilted cross, each compared with a soft step.
    const vec2 tap[5] = vec2[5](vec2(0), vec2(1.4, 0.5), vec2(-0.5, 1.4), vec2(-1.4, -0.5), vec2(0.5, -1.4));
    for (int k = 0; k < 5; k++)
        lit += clamp((textureLod(shadow_map, c.xy + tap[k] * texel, 0.0).r - c.z) * 125.0 + 1.25, 0.0, 1.0);
    return mix(1.0, lit / 5.0, shadow_strength);
}
// Diffuse light with a soft, per channel wrap (cheap subsurface scattering).
vec3 diffuse_light(vec3 n, float ao, vec3 wrap, float key) {
    vec3 sum = mix(ground, sky, 0.5 + 0.5 * n.y) * ao;
    for (int k = 0; k < 3; k++) {
        vec3 d = clamp((dot(n, light_direction[k]) + wrap) / (1.0 + wrap), 0.0, 1.0);
        float lit = k == 0 ? key : mix(0.6, 1.0, ao);
        sum += light_colour[k] * d * d * lit;
    }
    return sum;
}
vec3 specular_light(vec3 n, vec3 v, float power, float key) {
    vec3 sum = vec3(0.0);
    for (int k = 0; k < 2; k++) {
        vec3 h = normalize(light_direction[k] + v);
        float a = max(dot(n, h), 0.0);
        a = a / (power - power * a + a);   // Schlick's stand-in for a power
        float s = a * a * (power + 8.0) / 25.0 * max(dot(n, light_direction[k]), 0.0);
        sum += light_colour[k] * s * (k == 0 ? key : 1.0);
    }
    return sum;
}
// Filmic shoulder and a square-root curve.
vec3 develop(vec3 linear) {
    vec3 x = linear * exposure;
    return sqrt(min(x / (1.0 + 0.45 * max(x - 0.35, 0.0)), 1.0));
}
