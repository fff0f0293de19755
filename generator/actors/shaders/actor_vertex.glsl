#version 330
// Shared vertex stage: blends the head's motion and the body's by `follow` (1 head, 0 body).
in vec3 in_position;   // model space, cm, y up, z towards the viewer
in vec3 in_normal;
in vec3 in_neutral;    // texture space that sticks to the surface
in vec2 in_uv;
in vec4 in_extra;      // follow, ambient occlusion, two free values of the material
uniform mat4 head, body, camera;
uniform vec3 eye;      // camera position in world space
out vec3 world, normal, neutral, model, to_eye;
out vec2 uv;
out vec4 extra;
void main() {
    vec4 p = vec4(in_position, 1.0);
    float w = in_extra.x;
    vec4 q = w * (head * p) + (1.0 - w) * (body * p);
    normal = w * (mat3(head) * in_normal) + (1.0 - w) * (mat3(body) * in_normal);
    world = q.xyz;
    to_eye = eye - q.xyz;
    model = in_position;
    neutral = in_neutral;
    uv = in_uv;
    extra = in_extra;
    gl_Position = camera * vec4(q.xyz, 1.0);
}
