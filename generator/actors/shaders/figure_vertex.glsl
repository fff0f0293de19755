#version 330
// Vertices come posed; only the camera is left to do.
in vec3 in_position;   // world, cm
in vec3 in_normal;
in vec2 in_fold;       // skin: how much more hollow than at rest, how much shorter than at rest
in vec3 in_neutral;    // a place that sticks to the surface, the same for all people
in vec2 in_uv;
in float in_ao;        // part of the sky that the vertex sees
in vec3 in_along;      // hair: direction of the strands
uniform mat4 camera;
uniform vec3 eye;
uniform float behind;    // cm that a part counts as further away than it is: what lies close under the skin stays there
out vec3 world, normal, neutral, to_eye, along;
out vec2 uv, fold;
out float ao;
void main() {
    world = in_position;
    normal = in_normal;
    neutral = in_neutral;
    to_eye = eye - in_position;
    along = in_along;
    uv = in_uv;
    fold = in_fold;
    ao = in_ao;
    gl_Position = camera * vec4(in_position, 1.0);
    vec4 further = camera * vec4(in_position - normalize(to_eye) * behind, 1.0);
    gl_Position.z = further.z / further.w * gl_Position.w;
}
