"""Heads in plain colours: enough for a face tracker to read, used to fit and to inspect the landmark map."""

from __future__ import annotations

import itertools

import numpy as np

from generator.actors.ict import EYE_PIVOT, IRIS_RADIUS, IctModel, VertexNormals

DISTANCE = 70.0  # centimetres from the camera to the origin
FOCAL = 4.4  # in half picture widths: the head fills about two thirds of the picture

_VERTEX = """
#version 330
in vec3 position; in vec3 normal; in vec3 neutral; in vec4 colour;
uniform float focal; uniform float distance;
out vec3 n; out vec3 rest; out vec4 paint;
void main() {
    float depth = distance - position.z;
    // Half shut lids cut through the eyeball, so its depth, not its place, is moved back.
    float behind = depth + (colour.a < 0.5 ? 0.2 : 0.0);
    gl_Position = vec4(focal * position.xy, (behind * 2.0 - 100.0) * depth / behind, depth);
    n = normal; rest = neutral; paint = colour;
}
"""
_FRAGMENT = """
#version 330
in vec3 n; in vec3 rest; in vec4 paint;
uniform vec3 light; uniform vec3 iris; uniform vec3 eye; uniform float radius;
out vec4 result;
void main() {
    vec3 c = paint.rgb;
    if (paint.a < 0.5) {
        float r = length(vec2(abs(rest.x) - eye.x, rest.y - eye.y)) / radius;
        c = mix(c, iris, 1.0 - smoothstep(0.95, 1.05, r));
        c = mix(c, vec3(0.03), 1.0 - smoothstep(0.35, 0.45, r));
    }
    float shade = 0.55 + 0.5 * max(dot(normalize(n), light), 0.0);
    result = vec4(c * shade, 1.0);
}
"""
_DRAWN = (
    "skin", "head", "mouth_socket", "gums_upper", "gums_lower", "tongue", "teeth_upper", "teeth_lower", "sclera_left",
    "sclera_right",
)  # fmt: skip  # without lashes: as solid strips they hide the edge of the lids


def project(points: np.ndarray, size: int) -> np.ndarray:
    """(..., 3) centimetres -> (..., 3) pixels x, y and z in the scale of x at the origin, smaller = nearer."""
    scale = FOCAL * size / 2
    depth = DISTANCE - points[..., 2:]
    xy = points[..., :2] * (scale, -scale) / depth + size / 2
    return np.concatenate([xy, -points[..., 2:] * scale / DISTANCE], -1).astype(np.float32)


def _distance_to(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(V,) distance of points (V, D) to a polyline (N, D)."""
    nearest = np.full(len(points), np.inf)
    for a, b in itertools.pairwise(line):
        t = np.clip((points - a) @ (b - a) / max(((b - a) ** 2).sum(), 1e-9), 0, 1)
        nearest = np.minimum(nearest, np.linalg.norm(points - a - t[:, None] * (b - a), axis=1))
    return nearest


def _inside(points: np.ndarray, ring: np.ndarray) -> np.ndarray:
    """(V,) signed distance of points (V, 2) to a closed polygon (N, 2), positive inside."""
    x, y = points[:, 0], points[:, 1]
    inside = np.zeros(len(points), bool)
    for (ax, ay), (bx, by) in zip(ring, np.roll(ring, -1, 0)):
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= ((ay > y) != (by > y)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return np.where(inside, 1.0, -1.0) * _distance_to(points, np.concatenate([ring, ring[:1]]))


class PlainRenderer:
    """Draws one head at a time with moderngl (EGL, no window)."""

    def __init__(self, model: IctModel, size: int) -> None:
        import moderngl

        self._model, self._size = model, size
        faces = model.faces_of(*_DRAWN)
        self._normals = VertexNormals(faces, len(model.neutral))
        self._context = moderngl.create_context(standalone=True, backend="egl")
        self._program = self._context.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
        self._vertices = self._context.buffer(reserve=len(model.neutral) * 13 * 4)
        self._array = self._context.vertex_array(
            self._program,
            [(self._vertices, "3f 3f 3f 4f", "position", "normal", "neutral", "colour")],
            self._context.buffer(faces.astype("i4").tobytes()),
        )
        self._samples = self._context.simple_framebuffer((size, size), samples=4)
        self._picture = self._context.simple_framebuffer((size, size))
        # Backs stay hidden: the floor of a wide open mouth reaches through the skin under the chin.
        self._context.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        points = model.neutral[model.landmarks68]
        self._brow = np.minimum(_distance_to(model.neutral, points[17:22]), _distance_to(model.neutral, points[22:27]))
        in_front = np.where(model.neutral[:, 2] > 8.5, 0.0, -9.0)
        self._lip = _inside(model.neutral[:, :2], points[48:60, :2]) + in_front
        rings = ([*range(60, 68), 60], [*range(36, 42), 36], [*range(42, 48), 42])
        self._lip_line, *lids = (_distance_to(model.neutral, points[ring]) for ring in rings)
        self._lid_line = np.minimum(*lids)

    def _paint(self, rng: np.random.Generator) -> np.ndarray:
        """(V, 4) colours; alpha 0 marks the eyeballs."""
        model = self._model
        skin = rng.uniform(0.3, 0.95) * np.array([1.0, rng.uniform(0.68, 0.82), rng.uniform(0.5, 0.7)])
        hair = rng.uniform(0.03, 0.4) * np.array([1.0, 0.8, 0.6])
        colour = np.ones((len(model.neutral), 4), np.float32)
        colour[:, :3] = skin
        scalp = model.vertices_of("head") & (model.neutral[:, 1] > 0) | (model.neutral[:, 1] > 10.8)
        colour[scalp, :3] = hair
        face = model.vertices_of("skin")
        brow = np.clip(1.6 - self._brow / 0.28, 0, 1)[:, None] * face[:, None]
        lip = np.clip(0.5 + self._lip / 0.12, 0, 1)[:, None] * face[:, None]
        colour[:, :3] += brow * (hair - colour[:, :3])
        colour[:, :3] += lip * (skin * (1.0, 0.68, 0.72) - colour[:, :3])
        colour[:, :3] *= 1.0 - 0.5 * np.clip(1.0 - self._lip_line / 0.12, 0, 1)[:, None] * face[:, None]
        colour[:, :3] *= 1.0 - 0.5 * np.clip(1.0 - self._lid_line / 0.15, 0, 1)[:, None] * face[:, None]
        for parts, value in (
            (("mouth_socket",), (0.06, 0.02, 0.02)), (("gums_upper", "gums_lower"), (0.4, 0.16, 0.16)),
            (("tongue",), (0.4, 0.16, 0.17)), (("teeth_upper", "teeth_lower"), (0.72, 0.7, 0.64)),
            (("sclera_left", "sclera_right"), (0.9, 0.88, 0.86)),
        ):  # fmt: skip
            colour[model.vertices_of(*parts) & ~face, :3] = value
        colour[model.vertices_of("sclera_left", "sclera_right"), 3] = 0.0
        return colour

    def draw(self, vertices: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(V, 3) vertices in the camera's axes -> (size, size, 3) uint8."""
        normals = self._normals(vertices[None])[0]
        packed = np.concatenate([vertices, normals, self._model.neutral, self._paint(rng)], 1)
        self._vertices.write(packed.astype("f4").tobytes())
        light = np.array([rng.uniform(-0.7, 0.7), rng.uniform(0, 0.7), 1.0])
        self._program["light"].value = tuple(light / np.linalg.norm(light))
        self._program["iris"].value = tuple(rng.uniform(0.05, 0.35, 3))
        self._program["eye"].value = EYE_PIVOT
        self._program["radius"].value = IRIS_RADIUS
        self._program["focal"].value, self._program["distance"].value = FOCAL, DISTANCE
        self._samples.use()
        self._samples.clear(*rng.uniform(0.2, 0.8, 3))
        self._array.render()
        self._context.copy_framebuffer(self._picture, self._samples)
        data = np.frombuffer(self._picture.read(components=3), np.uint8)
        return np.ascontiguousarray(data.reshape(self._size, self._size, 3)[::-1])
