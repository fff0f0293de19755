#version 330
in vec3 world, normal, neutral, to_eye, along;
in vec2 uv, fold;
in float ao;
out vec4 colour;
// Lights with an extent: windows, lamps, a screen. The first one throws shadows.
uniform vec3 light_direction[4];
uniform vec3 light_colour[4];
uniform vec4 light_size;           // 0 a point .. 1 half the sky
uniform vec3 sky, ground;
uniform mat4 shadow_camera;
uniform sampler2D shadow_map;
uniform float shadow_strength;
uniform float exposure;

const vec2 TAPS[8] = vec2[8](vec2(-0.7, -0.4), vec2(0.2, -0.9), vec2(0.9, -0.2), vec2(0.5, 0.7), vec2(-0.4, 0.8),
                             vec2(-0.9, 0.3), vec2(0.1, 0.1), vec2(0.4, -0.3));
float key_visibility(vec3 n) {
    vec4 q = shadow_camera * vec4(world + n * 0.35, 1.0);
    vec3 c = q.xyz * 0.5 + 0.5;
    float radius = 0.0025 + 0.011 * light_size.x;
    float turn = fract(sin(dot(gl_FragCoord.xy, vec2(12.99, 78.23))) * 43758.5) * 6.2832;
    mat2 spin = mat2(cos(turn), sin(turn), -sin(turn), cos(turn));
    float lit = 0.0;
    for (int k = 0; k < 8; k++)
        lit += clamp((textureLod(shadow_map, c.xy + spin * TAPS[k] * radius, 0.0).r - c.z) * 160.0 + 1.0, 0.0, 1.0);
    return mix(1.0, lit / 8.0, shadow_strength);
}
// An extended light reaches round the edge of what faces away; wrap is what skin scatters, per channel.
vec3 diffuse_light(vec3 n, float open_sky, vec3 wrap, float key) {
    vec3 sum = mix(ground, sky, 0.5 + 0.5 * n.y) * open_sky;
    for (int k = 0; k < 4; k++) {
        vec3 w = clamp(wrap + 0.45 * light_size[k], 0.0, 1.0);
        vec3 d = clamp((dot(n, light_direction[k]) + w) / (1.0 + w), 0.0, 1.0);
        sum += light_colour[k] * d * d / (1.0 + 0.2 * w) * (k == 0 ? key * mix(0.75, 1.0, open_sky) : mix(0.35, 1.0, open_sky));
    }
    return sum;
}
// Highlights of rough surfaces (GGX), widened by the extent of the light.
vec3 specular_light(vec3 n, vec3 v, float rough, float key) {
    vec3 sum = vec3(0.0);
    for (int k = 0; k < 4; k++) {
        float a = clamp(rough * rough + 0.35 * light_size[k] * light_size[k], 0.02, 1.0);
        vec3 h = normalize(light_direction[k] + v);
        float nh = max(dot(n, h), 0.0), d = nh * nh * (a * a - 1.0) + 1.0;
        float facing = smoothstep(-0.1, 0.4, dot(n, light_direction[k]));
        float s = a * a / (3.1416 * d * d) * 0.25 * facing * rough * rough / a;
        sum += light_colour[k] * s * (k == 0 ? key : 1.0);
    }
    return sum;
}
// What a wet or polished surface mirrors: panes of the windows, and the room.
vec3 mirrored(vec3 r, float key) {
    vec3 sum = mix(ground, sky, smoothstep(-0.3, 0.6, r.y)) * 0.25;
    for (int k = 0; k < 4; k++) {
        vec3 l = light_direction[k];
        vec3 x = normalize(cross(vec3(0.0, 1.0, 0.02), l)), y = cross(l, x);
        vec2 p = vec2(dot(r, x), dot(r, y)) / (0.10 + 0.32 * light_size[k]);
        float pane = smoothstep(1.15, 0.9, abs(p.x)) * smoothstep(1.25, 1.0, abs(p.y)) * step(0.0, dot(r, l));
        pane *= mix(1.0, smoothstep(0.02, 0.1, abs(p.x)), step(0.35, light_size[k]));
        sum += light_colour[k] * pane * 2.2 * (k == 0 ? key : 1.0);
    }
    return sum;
}
vec3 develop(vec3 linear) {
    vec3 x = linear * exposure;
    return sqrt(min(x / (1.0 + 0.45 * max(x - 0.35, 0.0)), 1.0));
}
