#version 330
in vec3 in_neutral;
in vec2 in_uv;
out vec3 neutral;
out vec2 uv;
void main() {
    neutral = in_neutral;
    uv = in_uv;
    gl_Position = vec4(in_uv * 2.0 - 1.0, 0.0, 1.0);
}
