"""Make `pose/data/hand_mesh.npz`: MakeHuman's left hand with a bone for every bone between MediaPipe's 21 hand points.

The mesh and its rig are cut out of the base mesh at the middle of the forearm; what each vertex's skin is lighter or
redder than the hand's mean (nails, knuckles, the palm) is the mean over MakeHuman's photographic skins. All CC0.

Run: ``python -m generator.actors.fit_hand DATA [--out FILE]``, DATA the folder that generator.actors.makehuman reads.
Needs Pillow.
"""

from __future__ import annotations

import argparse
import heapq
import json
from pathlib import Path

import numpy as np
from PIL import Image

from generator.actors.makehuman import MakeHuman
from generator.actors.obj import ObjMesh, connected_components, read_obj
from pose.body.hand_mesh import vertex_normals

OUT = Path(__file__).parents[2] / "pose" / "data" / "hand_mesh.npz"
TO_PICTURE = np.array([1, -1, -1], np.float32)  # y down, z away
SIDE = ".L"
STUB = 0.16  # of the forearm, from the wrist, that the mesh keeps
BONES_A_VERTEX = 3
VERTICES = 600  # that are left: a hand is some 60 pixels wide in a picture of 256
FLAT = 0.05  # of its length, what an edge on a flat place costs
# MakeHuman's bones, and the hand points at whose first one each begins; point 21 is the elbow
BONES = (
    ("lowerarm01 lowerarm02", 21, 0),
    ("metacarpal1", 0, 5), ("metacarpal2", 0, 9), ("metacarpal3", 0, 13), ("metacarpal4", 0, 17),
    *((f"finger{finger + 1}-{joint + 1}", 1 + 4 * finger + joint, 2 + 4 * finger + joint)
      for finger in range(5) for joint in range(3)),
)  # fmt: skip
PALM = "wrist"  # whose weight goes to the metacarpals
ELBOW = 21


def hand_points(mesh: ObjMesh, rig: dict) -> np.ndarray:
    """(22, 3) the 21 points and the elbow on the base mesh."""
    points = np.zeros((22, 3), np.float32)

    def joint(name: str) -> np.ndarray:
        return mesh.vertices[rig["joints"][name]].mean(0)

    points[0], points[ELBOW] = joint(f"wrist{SIDE}____head"), joint(f"lowerarm01{SIDE}____head")
    for finger in range(5):
        bones = [f"finger{finger + 1}-{k}{SIDE}" for k in (1, 2, 3)]
        for k, bone in enumerate(bones):
            points[1 + 4 * finger + k] = joint(rig["bones"][bone]["head"])
        points[4 + 4 * finger] = joint(rig["bones"][bones[-1]]["tail"])
    return points


def bone_weights(count: int, weights: dict, points: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """(V, len(BONES)) of the rig, the palm's own weight shared among the metacarpals by distance."""
    table = np.zeros((count, len(BONES)), np.float32)
    for column, (names, _, _) in enumerate(BONES):
        for name in names.split():
            for vertex, weight in weights[name + SIDE]:
                table[vertex, column] += weight
    for vertex, weight in weights[PALM + SIDE]:
        near = np.array([1 / np.sum((vertices[vertex] - (points[a] + points[b]) / 2) ** 2) for _, a, b in BONES[1:5]])
        table[vertex, 1:5] += weight * near / near.sum()
    return table


def skin_detail(mesh: ObjMesh, vertices: np.ndarray, folder: Path) -> np.ndarray:
    """(N, 3) float32 factor on the hand's mean colour, the geometric mean over all skins."""
    uv = np.zeros((len(mesh.vertices), 2), np.float32)
    uv[mesh.faces.ravel()] = mesh.uv[mesh.faces_uv.ravel()]
    logs = []
    for path in sorted((folder / "skins").glob("*.png")):
        skin = np.asarray(Image.open(path).convert("RGB"), np.float32)
        height, width = skin.shape[:2]
        x = np.clip(uv[vertices, 0] * width, 0, width - 1).astype(int)
        y = np.clip((1 - uv[vertices, 1]) * height, 0, height - 1).astype(int)
        log = np.log(skin[y, x] + 1)
        logs.append(log - log.mean(0))
    return np.exp(np.mean(logs, 0)).astype(np.float32)


def largest_piece(faces: np.ndarray, vertex_count: int) -> np.ndarray:
    """The skin's faces: without the cubes by which the base mesh marks the joints inside it."""
    piece = connected_components(faces, vertex_count)[faces[:, 0]]
    return faces[piece == np.bincount(piece).argmax()]


def thin_out(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Collapse short edges on flat places until `count` vertices are left -> the faces, and the vertices still used.

    A vertex goes to its neighbour's place. Edges whose ends share more than two neighbours stay: collapsing them would
    fold the surface; so do edges at the open end of the mesh.
    """
    around: list[set[int]] = [set() for _ in vertices]
    of_vertex: list[set[int]] = [set() for _ in vertices]
    edges: dict[tuple[int, int], int] = {}
    for index, face in enumerate(faces.tolist()):
        for k in range(3):
            a, b = face[k], face[(k + 1) % 3]
            around[a].add(b)
            around[b].add(a)
            of_vertex[a].add(index)
            edges[min(a, b), max(a, b)] = edges.get((min(a, b), max(a, b)), 0) + 1
    rim = {v for edge, times in edges.items() if times == 1 for v in edge}
    normals = vertex_normals(vertices, faces)

    def cost(a: int, b: int) -> float:
        return float(np.linalg.norm(vertices[a] - vertices[b]) * (FLAT + 1 - normals[a] @ normals[b]))

    queue = [(cost(a, b), a, b) for a, b in edges]
    heapq.heapify(queue)
    faces, alive, left = faces.copy(), np.ones(len(vertices), bool), len(np.unique(faces))
    while left > count and queue:
        _, kept, gone = heapq.heappop(queue)
        if not (alive[kept] and alive[gone]) or gone in rim or len(around[kept] & around[gone]) != 2:
            continue
        moved = of_vertex[gone] - of_vertex[kept]
        before = [np.cross(*(vertices[faces[f][1:]] - vertices[faces[f][0]])) for f in moved]
        changed = {f: np.where(faces[f] == gone, kept, faces[f]) for f in moved}
        after = [np.cross(*(vertices[c[1:]] - vertices[c[0]])) for c in changed.values()]
        if any(x @ y < 0.3 * np.linalg.norm(x) * np.linalg.norm(y) for x, y in zip(before, after)):
            continue  # it would turn a face over
        for f, corners in changed.items():
            faces[f] = corners
        for f in of_vertex[gone] & of_vertex[kept]:
            for v in faces[f]:
                of_vertex[v].discard(f)
        of_vertex[kept] |= moved
        for v in around[gone] - {kept}:
            around[v].discard(gone)
            around[v].add(kept)
            around[kept].add(v)
            heapq.heappush(queue, (cost(kept, v), kept, v))
        around[kept].discard(gone)
        alive[gone] = False
        left -= 1
    used = sorted(set().union(*(of_vertex[v] for v in np.flatnonzero(alive))))
    return faces[used], np.unique(faces[used])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="MakeHuman's data folder")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    folder = MakeHuman(arguments.data).folder
    mesh = read_obj(folder / "3dobjs" / "base.obj")
    rig = json.loads((folder / "rigs" / "default.mhskel").read_text())
    weights = json.loads((folder / "rigs" / "default_weights.mhw").read_text())["weights"]
    points = hand_points(mesh, rig)
    table = bone_weights(len(mesh.vertices), weights, points, mesh.vertices)
    axis = points[ELBOW] - points[0]
    along = (mesh.vertices - points[0]) @ axis / (axis @ axis)
    kept = (table.sum(1) > 0.5) & (along < STUB)
    faces = largest_piece(mesh.faces[kept[mesh.faces].all(1)], len(mesh.vertices))
    faces, vertices = thin_out(mesh.vertices, faces, VERTICES)
    renumber = np.zeros(len(kept), np.int32)
    renumber[vertices] = np.arange(len(vertices))
    table = table[vertices]
    strongest = np.argsort(-table, 1)[:, :BONES_A_VERTEX]
    weight = np.take_along_axis(table, strongest, 1)
    unit = np.linalg.norm(points[9] - points[0])
    origin = points[0]
    np.savez_compressed(
        arguments.out,
        vertices=((mesh.vertices[vertices] - origin) * TO_PICTURE / unit).astype(np.float32),
        triangles=renumber[faces].astype(np.int16),
        points=((points - origin) * TO_PICTURE / unit).astype(np.float32),
        bones=np.array([bone[1:] for bone in BONES], np.int8),
        vertex_bones=strongest.astype(np.int8),
        vertex_weights=(weight / weight.sum(1, keepdims=True)).astype(np.float16),
        detail=skin_detail(mesh, vertices, folder).astype(np.float16),
    )
    print(f"{arguments.out}: {len(vertices)} vertices, {len(faces)} triangles")


if __name__ == "__main__":
    main()
