#version 330
in vec3 in_position;
in vec4 in_extra;
uniform mat4 head, body, camera;
void main() {
    vec4 p = vec4(in_position, 1.0);
    gl_Position = camera * vec4((in_extra.x * (head * p) + (1.0 - in_extra.x) * (body * p)).xyz, 1.0);
}
