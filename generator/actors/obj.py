"""Reading of Wavefront OBJ meshes, as far as the actors' assets use the format."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class ObjMesh:
    """Triangles with texture coordinates: V vertices, U texture vertices, F triangles (polygons split as fans)."""

    vertices: np.ndarray  # (V, 3) float32
    uv: np.ndarray  # (U, 2) float32
    faces: np.ndarray  # (F, 3) int32 into vertices
    faces_uv: np.ndarray  # (F, 3) int32 into uv; zeros where the file has none
    face_material: np.ndarray  # (F,) uint8 into materials
    materials: tuple[str, ...]


def read_obj(path: Path) -> ObjMesh:
    """Read a mesh; normals, groups and other records are skipped.

    Raises:
        ValueError: no vertices or faces, or a face that names a vertex that is not there.
    """
    vertices: list[list[str]] = []
    uv: list[list[str]] = []
    faces: list[tuple[int, ...]] = []
    faces_uv: list[tuple[int, ...]] = []
    face_material: list[int] = []
    materials: list[str] = []
    current = 0
    for line in path.read_text().splitlines():
        words = line.split()
        if not words:
            continue
        kind, words = words[0], words[1:]
        if kind == "v":
            vertices.append(words[:3])
        elif kind == "vt":
            uv.append(words[:2])
        elif kind == "usemtl":
            if words[0] not in materials:
                materials.append(words[0])
            current = materials.index(words[0])
        elif kind == "f":
            corners = [word.split("/") for word in words]
            v = [int(c[0]) - 1 for c in corners]
            t = [int(c[1]) - 1 if len(c) > 1 and c[1] else 0 for c in corners]
            for k in range(1, len(v) - 1):
                faces.append((v[0], v[k], v[k + 1]))
                faces_uv.append((t[0], t[k], t[k + 1]))
                face_material.append(current)
    if not vertices or not faces:
        raise ValueError(f"{path.name} holds no mesh")
    mesh = ObjMesh(
        vertices=np.array(vertices, np.float32),
        uv=np.array(uv or [("0", "0")], np.float32),
        faces=np.array(faces, np.int32),
        faces_uv=np.array(faces_uv, np.int32),
        face_material=np.array(face_material, np.uint8),
        materials=tuple(materials) or ("",),
    )
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices) or mesh.faces_uv.max() >= len(mesh.uv):
        raise ValueError(f"{path.name} has a face with a vertex that is not in the file")
    return mesh


def read_obj_vertices(path: Path) -> np.ndarray:
    """(V, 3) float32 vertices alone, for the shapes of a known topology."""
    rows = [line.split()[1:4] for line in path.read_text().splitlines() if line.startswith("v ")]
    return np.array(rows, np.float32).reshape(-1, 3)


def connected_components(faces: np.ndarray, vertex_count: int) -> np.ndarray:
    """(V,) int label of each vertex: the lowest vertex that its triangles connect it with."""
    label = np.arange(vertex_count)
    while True:
        lowest = label[faces].min(1)
        merged = label.copy()
        for k in range(3):
            np.minimum.at(merged, faces[:, k], lowest)
        merged = merged[merged]
        if np.array_equal(merged, label):
            return label
        label = merged
