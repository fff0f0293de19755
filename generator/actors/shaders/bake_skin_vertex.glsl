#version 330
in vec3 in_neutral;
in vec2 in_uv;
in vec4 in_extra;
uniform vec2 atlas;    // number of tiles
out vec3 neutral;
out vec4 extra;
void main() {
    neutral = in_neutral;
    extra = in_extra;
    gl_Position = vec4(in_uv * 2.0 - 1.0, 0.0, 1.0);
}
