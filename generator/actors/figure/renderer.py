"""OpenGL drawing of a whole person: all vertices posed by the caller, a shadow map, textured parts in three layers.

Works on any OpenGL 3.3 driver that offers a context without a window; the software driver llvmpipe is the normal case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from generator.actors.figure.lighting import RoomLight
from generator.actors.figure.mesh import Part
from generator.actors.renderer import make_context, set_values
from generator.actors.scene import Camera, Values

if TYPE_CHECKING:
    import moderngl

_SHADERS = Path(__file__).parents[1] / "shaders"
MATERIALS = ("skin", "eye", "mouth", "hair", "cloth", "glass")
_NOISY = ("skin", "cloth")
SHADOW_SIZE = 384  # px
SKIN_SIZE = 1024  # px of the baked skin
AO_DIRECTIONS = 40
_DYNAMIC = (("3f", "in_position"), ("3f", "in_normal"), ("2f", "in_fold"), ("3f", "in_along"))
_STATIC = (("3f", "in_neutral"), ("2f", "in_uv"), ("1f", "in_ao"))


class FigureRenderer:
    """One offscreen picture of size x size, drawn at twice the size and averaged.

    ``dress`` uploads a person, ``draw`` makes a frame of it.

    Raises:
        NoGraphics: no OpenGL context can be made.
    """

    def __init__(self, size: int, context: moderngl.Context | None = None) -> None:
        import moderngl

        self.context = context or make_context()
        self._gl, self.size = moderngl, size
        self._programs = {name: self._program(name) for name in MATERIALS}
        self._depth_program = self.context.program(
            _read("figure_depth_vertex.glsl"), _read("figure_depth_fragment.glsl")
        )
        set_values(self._depth_program, {"picture": 0})
        bake = "#version 330\n" + _read("noise.glsl") + _read("figure_bake_fragment.glsl")
        self._bake_program = self.context.program(_read("figure_bake_vertex.glsl"), bake)
        n = 2 * size
        self._frame = self.context.framebuffer(
            [self.context.renderbuffer((n, n), 4)], self.context.depth_renderbuffer((n, n))
        )
        self._shadow = self.context.depth_texture((SHADOW_SIZE, SHADOW_SIZE))
        self._shadow.compare_func = ""
        self._shadow.filter = moderngl.NEAREST, moderngl.NEAREST
        self._shadow.repeat_x = self._shadow.repeat_y = False
        self._shadow_frame = self.context.framebuffer(depth_attachment=self._shadow)
        self._blank = self.context.texture((1, 1), 4, bytes([255] * 4))
        self._skin = self.context.texture((SKIN_SIZE, SKIN_SIZE), 4)
        self._skin_frame = self.context.framebuffer([self._skin])
        self._owned: list[Any] = []
        self._parts: list[tuple[Part, Any, Any, Any]] = []  # part, its array, its array for depth, its texture

    def dress(
        self, parts: Sequence[Part], light: RoomLight, skin: Values, first: np.ndarray, second: np.ndarray
    ) -> None:
        """Upload a person and bake its skin of two photographs (H, W, 4), replacing the last person."""
        for item in self._owned:
            item.release()
        self._owned, self._parts = [], []
        self._source = np.concatenate([part.source for part in parts])
        count = len(self._source)
        along = [np.zeros((len(part.source), 3)) if part.along is None else part.along for part in parts]
        self._along = np.concatenate(along).astype(np.float32)
        self._block = np.zeros((count, 11), np.float32)
        self._still = np.zeros((count, 6), np.float32)
        self._still[:, :3] = np.concatenate([part.neutral for part in parts])
        self._still[:, 3:5] = np.concatenate([part.uv for part in parts])
        self._still[:, 5] = 1.0
        self._dynamic = self._own(self.context.buffer(self._block.tobytes(), dynamic=True))
        self._static = self._own(self.context.buffer(self._still.tobytes()))
        start = 0
        for part in parts:
            index = self._own(self.context.buffer(np.ascontiguousarray(part.faces + start, np.int32)))
            array = self._own(self._array(self._programs[part.material], index))
            depth = self._own(self._array(self._depth_program, index))
            texture = self._blank
            if part.picture is not None:
                texture = self._own(self._texture(part.picture))
            if part.material == "skin":
                self._bake(index, skin, first, second)
                texture = self._skin
            self._parts.append((part, array, depth, texture))
            start += len(part.source)
        self.light = light
        for program in self._programs.values():
            set_values(program, light.values())

    def occlude(self, vertices: np.ndarray, normals: np.ndarray) -> np.ndarray:
        """(N,) part of the sky that each vertex (N, 3) of the dressed person sees; kept for the frames to come."""
        self._upload(vertices, normals, None, None)
        seen = np.zeros(len(vertices), np.float32)
        total = np.zeros(len(vertices), np.float32)
        lifted = vertices + 0.25 * normals
        for k in range(AO_DIRECTIONS):  # a spiral over the sphere
            y = 1 - 2 * (k + 0.5) / AO_DIRECTIONS
            a = k * 2.39996
            way = np.array([np.cos(a) * np.sqrt(1 - y * y), y, np.sin(a) * np.sqrt(1 - y * y)])
            facing = normals @ way
            weight = np.clip(facing, 0, None).astype(np.float32) + 0.05
            matrix = self._cast_shadow(way, vertices[self._source].mean(0) * [1, 0, 1] + [0, -8, 0], 42.0)
            depth = np.frombuffer(self._shadow.read(alignment=1), np.float32).reshape(SHADOW_SIZE, SHADOW_SIZE)
            clip = (lifted @ matrix[:3, :3].T + matrix[:3, 3]) * 0.5 + 0.5
            at = np.clip((clip[:, :2] * SHADOW_SIZE).astype(int), 0, SHADOW_SIZE - 1)
            seen += weight * (clip[:, 2] - 0.004 < depth[at[:, 1], at[:, 0]])
            total += weight
        sky = np.clip(1.15 * seen / total, 0.0, 1.0) ** 1.2
        self._still[:, 5] = sky[self._source]
        self._static.write(self._still.tobytes())
        return sky

    def draw(
        self, vertices: np.ndarray, normals: np.ndarray, folds: np.ndarray, along: np.ndarray | None, camera: Camera,
        per_frame: Mapping[str, Values],
    ) -> np.ndarray:  # fmt: skip
        """Draw one frame.

        Args:
            vertices, normals: (N, 3) of the figure in the world.
            folds: (N, 2) of the skin: hollow and pushed together, against rest.
            along: (3, 3) turn of the strands since rest (the head's), or None.
            per_frame: material -> values that change from frame to frame.

        Returns:
            (S, S, 4) uint8, premultiplied RGBA.
        """
        self._upload(vertices, normals, folds, along)
        gl, context = self._gl, self.context
        shadow = self._cast_shadow(self.light.directions[0], np.array([0.0, -10.0, 6.0]), 44.0)
        self._frame.use()
        self._frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self._frame.depth_mask = True
        matrix = camera.matrix().T
        for name, program in self._programs.items():
            set_values(program, {"camera": matrix, "eye": (0.0, 0.0, camera.distance), "shadow_camera": shadow.T})
            set_values(program, per_frame.get(name, {}))
        context.enable_only(gl.DEPTH_TEST)
        self._shadow.use(1)
        context.cull_face = "front"  # the camera's y points down, so outward faces come out clockwise
        for part, array, _, texture in self._parts:
            if part.layer < 2:
                if part.closed:
                    context.enable(gl.CULL_FACE)
                self._render(part, array, texture, 0.0)
                context.disable(gl.CULL_FACE)
        context.enable(gl.BLEND)
        context.blend_func = gl.ONE, gl.ONE_MINUS_SRC_ALPHA
        self._frame.depth_mask = False
        for layer in (1, 2):
            for part, array, _, texture in self._parts:
                if part.layer == layer:
                    self._render(part, array, texture, 1.0)
        self._frame.depth_mask = True
        return self._read_back()

    def release(self) -> None:
        self.context.release()

    def _render(self, part: Part, array, texture, blended: float) -> None:
        program = self._programs[part.material]
        set_values(program, part.values)
        set_values(program, {"pass": blended, "behind": part.behind})
        texture.use(0)
        array.render()

    def _upload(self, vertices, normals, folds, along) -> None:
        block, source = self._block, self._source
        block[:, :3] = vertices[source]
        block[:, 3:6] = normals[source]
        if folds is not None:
            block[:, 6:8] = folds[source]
        block[:, 8:] = self._along if along is None else self._along @ along.T
        self._dynamic.write(block.tobytes())

    def _cast_shadow(self, direction: np.ndarray, middle: np.ndarray, half: float) -> np.ndarray:
        matrix = shadow_matrix(direction, middle, half)
        set_values(self._depth_program, {"camera": matrix.T})
        self._shadow_frame.use()
        self._shadow_frame.clear(depth=1.0)
        self.context.enable_only(self._gl.DEPTH_TEST)
        for part, _, depth, texture in self._parts:
            if part.casts:
                set_values(self._depth_program, {"least": 0.5 if part.layer else 0.0})
                texture.use(0)
                depth.render()
        return matrix

    def _bake(self, index, values: Values, first: np.ndarray, second: np.ndarray) -> None:
        photographs = [self._texture(picture) for picture in (first, second)]
        array = self.context.vertex_array(
            self._bake_program, [(self._static, "3f 2f 4x", "in_neutral", "in_uv")], index
        )
        set_values(self._bake_program, {**values, "first": 0, "second": 1})
        for slot, photograph in enumerate(photographs):
            photograph.use(slot)
        self._skin_frame.use()
        red, green, blue = first[..., :3].mean((0, 1)) / 255
        self._skin_frame.clear(red, green, blue, 0.5)
        self.context.enable_only(self._gl.NOTHING)
        array.render()
        self._skin.build_mipmaps()
        self._skin.filter = self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR
        for item in (array, *photographs):
            item.release()

    def _texture(self, picture: np.ndarray):
        height, width = picture.shape[:2]
        texture = self.context.texture((width, height), 4, np.ascontiguousarray(picture).tobytes())
        texture.build_mipmaps()
        texture.filter = self._gl.LINEAR_MIPMAP_LINEAR, self._gl.LINEAR
        return texture

    def _array(self, program, index):
        content = []
        for buffer, layout in ((self._dynamic, _DYNAMIC), (self._static, _STATIC)):
            kept = [(fmt, name) if name in program else (f"{4 * int(fmt[0])}x", None) for fmt, name in layout]
            names = [name for _, name in kept if name]
            if names:
                content.append((buffer, " ".join(fmt for fmt, _ in kept), *names))
        return self.context.vertex_array(program, content, index)

    def _own(self, item):
        self._owned.append(item)
        return item

    def _program(self, name: str):
        noise = _read("noise.glsl") if name in _NOISY else ""
        fragment = _read("figure_light.glsl") + noise + _read(f"figure_{name}_fragment.glsl")
        program = self.context.program(_read("figure_vertex.glsl"), fragment)
        set_values(program, {"picture": 0, "shadow_map": 1})
        return program

    def _read_back(self) -> np.ndarray:
        n = 2 * self.size
        big = np.frombuffer(self._frame.read(components=4, alignment=1), np.uint8).reshape(n, n * 4)
        rows = (big[0::2].astype(np.uint16) + big[1::2]).reshape(self.size, self.size, 2, 4)
        return ((rows[:, :, 0] + rows[:, :, 1] + 2) >> 2).astype(np.uint8)


def shadow_matrix(direction: np.ndarray, middle: np.ndarray, half: float) -> np.ndarray:
    """(4, 4) orthographic view from a light over a box of 2 x half cm."""
    z = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    up = np.array([0.0, 1.0, 0.0]) if abs(z[1]) < 0.95 else np.array([0.0, 0.0, 1.0])
    x = np.cross(up, z)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    m = np.eye(4)
    m[0, :3], m[1, :3], m[2, :3] = x / half, y / half, -z / (2 * half)
    m[:3, 3] = -m[:3, :3] @ np.asarray(middle, np.float64)
    return m.astype(np.float32)


def _read(name: str) -> str:
    return (_SHADERS / name).read_text()
