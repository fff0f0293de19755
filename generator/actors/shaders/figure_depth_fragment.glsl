#version 330
// What is transparent throws no shadow.
in vec2 uv;
uniform sampler2D picture;
uniform float least;    // alpha below which nothing is there; 0 for parts whose alpha means something else
void main() {
    if (texture(picture, uv).a < least) discard;
}
