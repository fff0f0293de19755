"""OpenGL drawing of one actor: static meshes uploaded once, a few numbers and the head's vertices per frame.

Works on any OpenGL 3.3 driver that offers a context without a window; the software driver llvmpipe is the normal case.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from generator.actors.head import SKIN_TILES, HeadMesh
from generator.actors.scene import Appearance, Camera, Lighting, Surface, Values

if TYPE_CHECKING:
    import moderngl

_SHADERS = Path(__file__).parent / "shaders"
_LIT = ("skin", "mouth", "eye", "lashes", "hair", "cloth", "solid")
_NOISY = ("hair", "cloth", "solid")
_SHADOW_SIZE = 256


class NoGraphics(RuntimeError):
    """No OpenGL context could be made; the message says what to install."""


def make_context() -> moderngl.Context:
    """An OpenGL context without a window. Renderers that take turns in a process must share one.

    Raises:
        NoGraphics: when no context can be made.
    """
    import moderngl

    try:
        return moderngl.create_context(standalone=True, backend="egl")  # type: ignore[arg-type]
    except Exception as error:  # the binding raises many kinds
        raise NoGraphics(
            f"no OpenGL context without a window ({error}). Install a driver: apt install libegl1 libgl1-mesa-dri"
        ) from error


class Renderer:
    """One offscreen picture of size x size, drawn at twice the size and averaged.

    ``dress`` uploads an actor; ``draw`` makes a frame of it.

    Raises:
        NoGraphics: when no context can be made.
    """

    def __init__(
        self, head: HeadMesh, size: int, skin_texture: int | None = None, context: moderngl.Context | None = None
    ) -> None:
        import moderngl

        self.context = context or make_context()
        self._gl = moderngl
        self.size = size
        self._skin_texture = skin_texture = skin_texture or int(1.7 * size)
        self._programs = {name: self._program(name) for name in _LIT}
        self._depth_program = self.context.program(_read("depth_vertex.glsl"), _read("depth_fragment.glsl"))
        self._bake_program = self.context.program(
            _read("bake_skin_vertex.glsl"), "#version 330\n" + _read("noise.glsl") + _read("bake_skin_fragment.glsl")
        )
        n = 2 * size
        self._colour = self.context.renderbuffer((n, n), 4)
        self._frame = self.context.framebuffer([self._colour], self.context.depth_renderbuffer((n, n)))
        self._shadow = self.context.depth_texture((_SHADOW_SIZE, _SHADOW_SIZE))
        self._shadow.compare_func = ""
        self._shadow.filter = moderngl.NEAREST, moderngl.NEAREST
        self._shadow.repeat_x = self._shadow.repeat_y = False
        self._shadow_frame = self.context.framebuffer(depth_attachment=self._shadow)
        self._skin_map = self.context.texture((SKIN_TILES * skin_texture, skin_texture), 4)
        self._skin_frame = self.context.framebuffer([self._skin_map])
        self._worn: list[_Uploaded] = []
        self._load_head(head)
        self.head = head
        if "skin" in head.faces:
            self.head = head.with_occlusion(self._occlusion(head))
            self._static.write(_static_block(self.head))

    def dress(self, appearance: Appearance) -> None:
        """Bake the skin and upload what the actor wears, replacing the last actor."""
        for item in self._worn:
            item.release()
        self._worn = [_Uploaded(self, surface) for surface in appearance.surfaces]
        self._appearance = appearance
        if "skin" in self.head.faces:
            self._bake(appearance.skin_bake)
        for name in _LIT:
            _set_lighting(self._programs[name], appearance.lighting)
            if name in appearance.head:
                set_values(self._programs[name], appearance.head[name])

    def draw(
        self,
        vertices: np.ndarray,
        normals: np.ndarray,
        head: np.ndarray,
        body: np.ndarray,
        camera: Camera,
        per_frame: Mapping[str, Values],
    ) -> np.ndarray:
        """Draw one frame.

        Args:
            vertices, normals: (model vertices, 3) of the head in model space.
            head, body: (4, 4) motion of the head and of the body.
            per_frame: material -> values that change from frame to frame.

        Returns:
            (S, S, 4) uint8, premultiplied RGBA.
        """
        source = self.head.source
        self._dynamic.write(np.concatenate([vertices[source], normals[source]], 1).astype(np.float32))
        for program in (*self._programs.values(), self._depth_program):
            set_values(program, {"head": head.T, "body": body.T})
        self._draw_shadow(body)
        matrix, eye = camera.matrix().T, (0.0, 0.0, camera.distance)
        self._frame.use()
        self._frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self.context.enable_only(self._gl.DEPTH_TEST)
        for name, program in self._programs.items():
            set_values(program, {"camera": matrix, "eye": eye})
            set_values(program, per_frame.get(name, {}))
        self._skin_map.use(0)
        self._shadow.use(1)
        # The camera's y points down, so outward faces come out clockwise.
        self.context.cull_face = "front"
        self.context.enable(self._gl.CULL_FACE)
        for name, array in self._head_arrays.items():
            if name != "lashes":
                array.render()
        self.context.disable(self._gl.CULL_FACE)
        hair = [item for item in self._worn if item.surface.soft]
        for item in self._worn:
            item.draw(0.0)
        self.context.enable(self._gl.BLEND)
        self.context.blend_func = self._gl.ONE, self._gl.ONE_MINUS_SRC_ALPHA
        self._frame.depth_mask = False
        if "lashes" in self._head_arrays:
            self._head_arrays["lashes"].render()
        for item in hair:
            item.draw(1.0)
        self._frame.depth_mask = True
        return self._read_back()

    def release(self) -> None:
        """Free the context."""
        self.context.release()

    def _read_back(self) -> np.ndarray:
        n = 2 * self.size
        big = np.frombuffer(self._frame.read(components=4, alignment=1), np.uint8).reshape(n, n * 4)
        rows = big[0::2].astype(np.uint16) + big[1::2]
        rows = rows.reshape(self.size, self.size, 2, 4)
        return ((rows[:, :, 0] + rows[:, :, 1] + 2) >> 2).astype(np.uint8)

    def _program(self, name: str):
        noise = _read("noise.glsl") if name in _NOISY else ""
        fragment = _read("lighting.glsl") + noise + _read(f"{name}_fragment.glsl")
        program = self.context.program(_read("actor_vertex.glsl"), fragment)
        set_values(program, {"albedo": 0, "shadow_map": 1})
        return program

    def _load_head(self, head: HeadMesh) -> None:
        context = self.context
        self._dynamic = context.buffer(reserve=len(head.source) * 24, dynamic=True)
        self._static = context.buffer(_static_block(head))
        self._head_arrays, self._head_indices = {}, {}
        for name, faces in head.faces.items():
            index = context.buffer(np.ascontiguousarray(faces, np.int32))
            self._head_arrays[name] = self._array(self._programs[name], self._dynamic, self._static, index)
            self._head_indices[name] = index
        if "skin" in head.faces:
            self._skin_depth = self._caster(head.faces["skin"])
            self._shadow_caster = self._caster(coarser(head.neutral, head.faces["skin"], 0.7))
            content = [(self._static, "3f 2f 16x", "in_neutral", "in_uv")]
            border = context.buffer(_border(head.faces["skin"]))
            self._bake_array = context.vertex_array(self._bake_program, content, self._head_indices["skin"])
            self._bake_border = context.vertex_array(self._bake_program, content, border)

    def _caster(self, faces: np.ndarray):
        index = self.context.buffer(np.ascontiguousarray(faces, np.int32))
        return self._array(self._depth_program, self._dynamic, self._static, index)

    def _array(self, program, dynamic, static, index):
        content = []
        for buffer, layout in ((dynamic, _DYNAMIC), (static, _STATIC)):
            kept = [(fmt, name) if name in program else (_skip(fmt), None) for fmt, name in layout]
            names = [name for _, name in kept if name]
            if names:
                content.append((buffer, " ".join(fmt for fmt, _ in kept), *names))
        return self.context.vertex_array(program, content, index)

    def _draw_shadow(self, body: np.ndarray) -> None:
        light = self._appearance.lighting
        matrix = _shadow_matrix(light.directions[0], body[:3, 3])
        set_values(self._depth_program, {"camera": matrix.T})
        for program in self._programs.values():
            set_values(program, {"shadow_camera": matrix.T})
        self._shadow_frame.use()
        self._shadow_frame.clear(depth=1.0)
        self.context.enable_only(self._gl.DEPTH_TEST)
        if "skin" in self.head.faces:
            self._shadow_caster.render()
        for item in self._worn:
            item.depth.render()

    def _bake(self, values: Values) -> None:
        set_values(self._bake_program, values)
        self._skin_frame.use()
        mean = np.sqrt(np.clip(np.asarray(values["skin"], np.float64), 0, 1))
        self._skin_frame.clear(*mean, 0.4)
        self.context.enable_only(self._gl.NOTHING)
        # Thick lines along the borders of the texture's islands keep the seams from showing.
        self.context.line_width = 4.0
        self._bake_border.render(self._gl.LINES)
        self._bake_array.render()

    def _occlusion(self, head: HeadMesh, directions: int = 64) -> np.ndarray:
        """(V,) part of the upper and front hemisphere that each vertex of the neutral head sees."""
        neutral = head.neutral
        self._dynamic.write(np.concatenate([neutral, np.zeros_like(neutral)], 1).astype(np.float32))
        set_values(self._depth_program, {"head": np.eye(4), "body": np.eye(4)})
        seen = np.zeros(len(neutral))
        for k in range(directions):  # spiral over the sphere
            y = 1 - 2 * (k + 0.5) / directions
            a = k * 2.39996
            way = np.array([np.cos(a) * np.sqrt(1 - y * y), y, np.sin(a) * np.sqrt(1 - y * y)])
            matrix = _shadow_matrix(way, np.zeros(3))
            set_values(self._depth_program, {"camera": matrix.T})
            self._shadow_frame.use()
            self._shadow_frame.clear(depth=1.0)
            self.context.enable_only(self._gl.DEPTH_TEST)
            self._skin_depth.render()
            self.context.finish()
            depth = np.frombuffer(self._shadow.read(alignment=1), np.float32).reshape(_SHADOW_SIZE, _SHADOW_SIZE)
            clip = np.concatenate([neutral, np.ones((len(neutral), 1))], 1) @ matrix.T
            x, y_, z = (clip[:, :3] * 0.5 + 0.5).T
            col = np.clip((x * _SHADOW_SIZE).astype(int), 0, _SHADOW_SIZE - 1)
            row = np.clip((y_ * _SHADOW_SIZE).astype(int), 0, _SHADOW_SIZE - 1)
            seen += z - 0.006 < depth[row, col]
        # Half of all directions are behind the surface anyway.
        return np.clip(seen / directions * 2.0 + 0.08, 0.0, 1.0).astype(np.float32)


class _Uploaded:
    """A surface on the graphics side."""

    def __init__(self, renderer: Renderer, surface: Surface) -> None:
        context = renderer.context
        self.surface = surface
        self._program = renderer._programs[surface.material]
        neutral = surface.positions if surface.neutral is None else surface.neutral
        self._dynamic = context.buffer(np.concatenate([surface.positions, surface.normals], 1).astype(np.float32))
        self._static = context.buffer(np.concatenate([neutral, surface.uv, surface.extra], 1).astype(np.float32))
        self._index = context.buffer(np.ascontiguousarray(surface.faces, np.int32))
        self._array = renderer._array(self._program, self._dynamic, self._static, self._index)
        self.depth = renderer._array(renderer._depth_program, self._dynamic, self._static, self._index)

    def draw(self, blended: float) -> None:
        set_values(self._program, self.surface.values)
        set_values(self._program, {"pass": blended})
        self._array.render()

    def release(self) -> None:
        for item in (self._array, self.depth, self._dynamic, self._static, self._index):
            item.release()


_DYNAMIC = (("3f", "in_position"), ("3f", "in_normal"))
_STATIC = (("3f", "in_neutral"), ("2f", "in_uv"), ("4f", "in_extra"))


def coarser(points: np.ndarray, faces: np.ndarray, cell: float) -> np.ndarray:
    """(F', 3) fewer triangles over the same vertices (V, 3): one vertex per cell of a grid, for shadows."""
    _, place = np.unique(np.floor(points / cell).astype(int), axis=0, return_inverse=True)
    place = place.reshape(-1)
    count = np.bincount(place)
    mean = np.stack([np.bincount(place, points[:, k]) / count for k in range(3)], 1)
    order = np.argsort(((points - mean[place]) ** 2).sum(1))[::-1]
    chosen = np.empty(len(count), int)
    chosen[place[order]] = order  # the last write, of the vertex nearest to the mean, stays
    small = chosen[place][faces]
    a, b, c = small.T
    return small[(a != b) & (b != c) & (a != c)].astype(np.int32)


def _border(faces: np.ndarray) -> np.ndarray:
    """(E, 2) int32 edges that only one triangle has."""
    edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return np.ascontiguousarray(unique[count == 1], np.int32)


def _skip(layout: str) -> str:
    return f"{4 * int(layout[0])}x"


def _read(name: str) -> str:
    return (_SHADERS / name).read_text()


def _static_block(head: HeadMesh) -> np.ndarray:
    return np.concatenate([head.neutral, head.uv, head.extra], 1).astype(np.float32)


def set_values(program, values: Values) -> None:
    """Set the uniforms that the program kept."""
    for name, value in values.items():
        if name not in program:
            continue
        if isinstance(value, (int, float)):
            program[name].value = value
        else:
            program[name].write(np.ascontiguousarray(value, np.float32).tobytes())


def _set_lighting(program, light: Lighting) -> None:
    set_values(
        program,
        {
            "light_direction": light.directions,
            "light_colour": light.colours,
            "sky": light.sky,
            "ground": light.ground,
            "shadow_strength": float(light.shadow),
            "exposure": float(light.exposure),
        },
    )


def _shadow_matrix(direction: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """(4, 4) orthographic view from a light over a box of 2 x 27 cm round the head."""
    z = np.asarray(direction, np.float64) / np.linalg.norm(direction)
    up = np.array([0.0, 1.0, 0.0]) if abs(z[1]) < 0.95 else np.array([0.0, 0.0, 1.0])
    x = np.cross(up, z)
    x /= np.linalg.norm(x)
    y = np.cross(z, x)
    middle = np.asarray(centre, np.float64) + np.array([0.0, -2.0, 2.0])
    half, deep = 24.0, 60.0
    m = np.eye(4)
    m[0, :3], m[1, :3], m[2, :3] = x / half, y / half, -z / deep
    m[:3, 3] = -m[:3, :3] @ middle
    return m.astype(np.float32)
