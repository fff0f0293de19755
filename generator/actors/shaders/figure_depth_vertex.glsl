#version 330
in vec3 in_position;
in vec2 in_uv;
uniform mat4 camera;
out vec2 uv;
void main() {
    uv = in_uv;
    gl_Position = camera * vec4(in_position, 1.0);
}
