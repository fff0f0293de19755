#version 330
in vec3 in_position;
uniform mat4 camera;
void main() { gl_Position = camera * vec4(in_position, 1.0); }
