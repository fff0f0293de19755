"""Fit the landmark map: which points of the ICT mesh MediaPipe's 478 landmarks are.

Heads of random identity, pose and expression (open mouths and blinks among them) are drawn in plain colours and
tracked; each landmark becomes the point on the mesh whose projection stays nearest to its detections over all views.
Fitting on moving faces is what keeps the lips apart: in a closed mouth both lips lie at the same place. The rings of
lips, lids and irises are known on the mesh exactly and are laid on it (``landmark_rings``).

Run: ``python -m generator.actors.fit_landmarks ASSET [--views 300] [--mesh pose/data/face_mesh.npz]``. Needs mediapipe.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from generator.actors.ict import EXPRESSION_INDEX, EYE_PIVOT, IRIS_RADIUS, IctModel, rotations
from generator.actors.landmark_rings import lay_rings
from generator.actors.plain import PlainRenderer, project

OUTER_EYE_CORNERS = (33, 263)
# Landmarks on the outline: on a turned head the tracker lets them slide along the silhouette.
OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150,
    136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip
LIP_GAP = (13, 14)
LID_GAPS = ((159, 145), (386, 374))
UPPER_INNER_LIP = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LOWER_INNER_LIP = (95, 88, 178, 87, 14, 317, 402, 318, 324)
IRISES = tuple(range(468, 478))
SIZE = 384


class FaceMesh(Protocol):
    """What the fit asks of a head model: `IctModel`, or MakeHuman's base mesh."""

    neutral: np.ndarray  # (V, 3) cm
    landmarks68: np.ndarray  # (68,) vertices of the Multi-PIE points; of the contour, brows and nose none is asked

    def faces_of(self, *parts: str) -> np.ndarray: ...

    def vertices_of(self, *parts: str) -> np.ndarray: ...


@dataclass(frozen=True)
class Views:
    """N tracked heads: detected (N, 478, 2) px, projected (N, V, 2) px, yaw (N,), jaw and blink weights (N,)."""

    detected: np.ndarray
    projected: np.ndarray
    yaw: np.ndarray
    jaw: np.ndarray
    blink: np.ndarray
    pictures: np.ndarray  # (N, SIZE, SIZE, 3) uint8


def random_expression(rng: np.random.Generator) -> np.ndarray:
    """(53,) weights that cover what the map has to follow: open mouths, blinks, smiles, rounded lips, brows."""
    weights = np.zeros(53, np.float32)

    def put(names: str, value: float) -> None:
        for name in names.split():
            weights[EXPRESSION_INDEX[name]] = value

    if rng.random() < 0.55:
        put("jawOpen", rng.uniform(0.1, 1.0))
    if rng.random() < 0.3:
        put("eyeBlink_L eyeBlink_R", rng.uniform(0.3, 1.0))
    if rng.random() < 0.35:
        put("mouthSmile_L mouthSmile_R", rng.uniform(0.2, 0.9))
    if rng.random() < 0.25:
        put(rng.choice(["mouthPucker", "mouthFunnel"]), rng.uniform(0.3, 0.8))
    if rng.random() < 0.3:
        put("mouthUpperUp_L mouthUpperUp_R", rng.uniform(0.2, 0.8))
        put("mouthLowerDown_L mouthLowerDown_R", rng.uniform(0.2, 0.8))
    if rng.random() < 0.3:
        put("browInnerUp_L browInnerUp_R browOuterUp_L browOuterUp_R", rng.uniform(0.2, 0.9))
    elif rng.random() < 0.2:
        put("browDown_L browDown_R", rng.uniform(0.2, 0.9))
    return weights


def track_views(model: IctModel, count: int, seed: int, yaw_limit: float = 0.5) -> Views:
    """Draw and track ``count`` random heads; heads without a detection are left out."""
    import mediapipe

    rng = np.random.default_rng(seed)
    renderer = PlainRenderer(model, SIZE)
    tracker = mediapipe.solutions.face_mesh.FaceMesh(static_image_mode=True, refine_landmarks=True)
    rows = []
    for _ in range(count):
        expression = random_expression(rng)
        gaze = rng.normal(size=(1, 2)) * (0.2, 0.1)
        yaw = rng.uniform(-yaw_limit, yaw_limit)
        angles = np.array([[yaw, rng.uniform(-0.25, 0.25), rng.normal() * 0.1]])
        vertices = model.shape(rng.normal(size=100) * 0.8, expression[None], gaze)[0]
        vertices = (vertices - (0, -1, 0)) @ rotations(angles)[0].T
        picture = renderer.draw(vertices, rng)
        result = tracker.process(picture).multi_face_landmarks
        if result:
            detected = np.array([(p.x * SIZE, p.y * SIZE) for p in result[0].landmark], np.float32)
            jaw, blink = (expression[EXPRESSION_INDEX[name]] for name in ("jawOpen", "eyeBlink_L"))
            rows.append((detected, project(vertices, SIZE)[:, :2], yaw, jaw, blink, picture))
    return Views(*(np.array(column) for column in zip(*rows)))


def mirror_vertices(model: FaceMesh) -> np.ndarray:
    """(V,) the vertex on the other side of the face, for the skin; elsewhere itself."""
    mirror = np.arange(len(model.neutral))
    skin = np.flatnonzero(model.vertices_of("skin"))
    points = model.neutral[skin]
    for start in range(0, len(skin), 512):
        block = points[start : start + 512] * (-1, 1, 1)
        distance = ((block[:, None] - points[None]) ** 2).sum(2)
        mirror[skin[start : start + 512]] = skin[distance.argmin(1)]
    return mirror


def tessellation() -> np.ndarray:
    """(854, 3) int: the triangles of MediaPipe's face mesh, which publishes its edges only."""
    from mediapipe.python.solutions.face_mesh_connections import FACEMESH_TESSELATION

    around: dict[int, set[int]] = {}
    for a, b in FACEMESH_TESSELATION:
        around.setdefault(a, set()).add(b)
        around.setdefault(b, set()).add(a)
    cliques = {tuple(sorted((a, b, c))) for a in around for b in around[a] for c in around[a] & around[b]}
    return np.array(sorted(cliques))


def mirror_landmarks(triangles: np.ndarray, frontal: np.ndarray) -> np.ndarray:
    """(478,) the landmark on the other side.

    Places (478, 2) of a frontal face pair the landmarks roughly; neighbours on the mesh must be paired as well, which
    settles the crowded places.
    """
    near = np.zeros((478, 478), np.float32)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        near[triangles[:, i], triangles[:, j]] = near[triangles[:, j], triangles[:, i]] = 1
    left, right = frontal[OUTER_EYE_CORNERS[0]], frontal[OUTER_EYE_CORNERS[1]]
    across = (right - left) / np.linalg.norm(right - left)
    down = np.array([-across[1], across[0]])
    place = np.stack([(frontal - (left + right) / 2) @ across, (frontal - (left + right) / 2) @ down], 1)
    place /= np.linalg.norm(right - left)
    distance = np.linalg.norm((place * (-1, 1))[:, None] - place[None], axis=2)
    other = distance[:468, :468].argmin(1)
    for _ in range(20):
        moved = near[:468, :468] @ np.eye(468, dtype=np.float32)[other]
        common = moved @ near[:468, :468]
        size = near[:468, :468].sum(1)
        score = common / np.sqrt(size[:, None] * size[None]) - 4.0 * distance[:468, :468]
        other = (score + score.T).argmax(1)
    other = np.concatenate([other, [473, 476, 475, 474, 477, 468, 471, 470, 469, 472]])
    if not np.array_equal(other[other], np.arange(478)):
        raise RuntimeError("the landmarks could not be paired: too few frontal views?")
    return other


def mean_face(views: Views) -> np.ndarray:
    """(478, 2) mean place of the landmarks over the frontal views, y down."""
    return views.detected[np.abs(views.yaw) < 0.2].mean(0)


def oriented(triangles: np.ndarray, flat: np.ndarray) -> np.ndarray:
    """Triangles turned counter-clockwise as seen by the viewer.

    Args:
        flat: (478, 2) landmarks of a frontal face, y down. It decides for the whole; neighbours then agree along their
            edges, so that small triangles seen from the side are turned right as well.
    """
    triangles = triangles.copy()
    around: dict[frozenset[int], list[int]] = {}
    for number, triangle in enumerate(triangles.tolist()):
        for k in range(3):
            around.setdefault(frozenset(triangle) - {triangle[k]}, []).append(number)
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    first = int(np.abs(area).argmax())
    triangles[first] = triangles[first] if area[first] < 0 else triangles[first, ::-1]
    done, waiting = {first}, [first]
    while waiting:
        triangle = triangles[waiting.pop()].tolist()
        for start, end in zip(triangle, triangle[1:] + triangle[:1]):
            for number in around[frozenset((start, end))]:
                if number not in done:
                    near = triangles[number].tolist()
                    if (start, end) in zip(near, near[1:] + near[:1]):  # neighbours pass their edge in opposite ways
                        triangles[number] = near[::-1]
                    done.add(number)
                    waiting.append(number)
    return triangles


def robust_error(residual: np.ndarray, scale: float = 3.0) -> np.ndarray:
    """Mean over views of the Geman-McClure-like error of pixel residuals (..., N, 2)."""
    square = (residual**2).sum(-1)
    return (square / (1.0 + square / scale**2)).mean(-1)


def fit_skin(model: FaceMesh, views: Views, frontal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The map as vertices (478, 3) and weights (478, 3), without the irises; frontal (478, 2) a face, y down."""
    ahead = np.abs(views.yaw) < 0.2
    skin = np.flatnonzero(model.vertices_of("skin"))
    faces = model.faces_of("skin")
    mirrored = mirror_vertices(model)
    pairs = mirror_landmarks(tessellation(), frontal)
    # The other side's detections count as well, on the mirrored vertices: the map comes out symmetric.
    points = np.concatenate([views.projected[:, : skin[-1] + 1], views.projected[:, mirrored[: skin[-1] + 1]]])
    points = np.ascontiguousarray(points.transpose(1, 0, 2))  # (V, 2 N, 2)
    vertices = np.zeros((478, 3), np.int32)
    weights = np.zeros((478, 3), np.float32)
    for landmark in range(468):
        pair = pairs[landmark]
        if pair < landmark:
            vertices[landmark] = mirrored[vertices[pair]]
            weights[landmark] = weights[pair]
            continue
        used = np.flatnonzero(np.tile(ahead if landmark in OVAL else np.ones(len(ahead), bool), 2))
        targets = np.concatenate([views.detected[:, landmark], views.detected[:, pair]])
        some = used[:: max(1, len(used) // 80)]
        rough = np.linalg.norm(points[skin[::5]][:, some] - targets[some], axis=2).mean(1)
        centre = model.neutral[skin[::5][rough.argmin()]]
        candidates = skin[np.linalg.norm(model.neutral[skin] - centre, axis=1) < 1.2]
        errors = robust_error(points[candidates][:, used] - targets[used])
        near = np.isin(faces, candidates[errors.argsort()[:6]]).any(1)
        vertices[landmark], weights[landmark] = _best_triangle(faces[near], points[:, used], targets[used])

    def error(landmark: int, ends: np.ndarray, shares: np.ndarray) -> np.ndarray:
        targets = np.concatenate([views.detected[:, landmark], views.detected[:, pairs[landmark]]])
        places = points[ends[:, 0]] * shares[:, :1, None] + points[ends[:, 1]] * shares[:, 1:, None]
        return robust_error(places - targets, scale=8.0)

    lay_rings(model, vertices, weights, mirrored, error)
    return vertices, weights


def fit(model: IctModel, views: Views) -> tuple[np.ndarray, np.ndarray]:
    """The map as vertices (478, 3) and weights (478, 3), irises included."""
    vertices, weights = fit_skin(model, views, mean_face(views))
    for side, first in (("sclera_right", 468), ("sclera_left", 473)):
        _iris(model, side, first, vertices, weights)
    return vertices, weights


def _best_triangle(faces: np.ndarray, points: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    best_error, best = np.inf, (faces[0], np.array([1.0, 0.0, 0.0]))
    for face in faces:
        a, b, c = points[face]
        u, v = b - a, c - a
        weight = np.ones(len(targets))
        for _ in range(4):  # iteratively reweighted least squares for the two barycentric coordinates
            wu, wv = u * weight[:, None], v * weight[:, None]
            matrix = np.array([[(wu * u).sum(), (wu * v).sum()], [(wu * v).sum(), (wv * v).sum()]])
            vector = np.array([(wu * (targets - a)).sum(), (wv * (targets - a)).sum()])
            x = np.linalg.solve(matrix + 1e-6 * np.eye(2), vector)
            bary = np.clip([1 - x.sum(), x[0], x[1]], 0, None)
            bary /= bary.sum()
            square = ((bary[0] * a + bary[1] * b + bary[2] * c - targets) ** 2).sum(1)
            weight = 1.0 / (1.0 + square / 9.0) ** 2
        error = robust_error((bary[0] * a + bary[1] * b + bary[2] * c - targets)[None])[0]
        if error < best_error:
            best_error, best = error, (face, bary)
    return best


def _iris(model: IctModel, side: str, first: int, vertices: np.ndarray, weights: np.ndarray) -> None:
    """Centre and ring of the painted iris (order of MediaPipe: centre, towards +x, top, towards -x, bottom)."""
    centre = np.array(EYE_PIVOT[:2]) * ((1, 1) if side == "sclera_left" else (-1, 1))
    ring = np.array([(0, 0), (1, 0), (0, 1), (-1, 0), (0, -1)]) * IRIS_RADIUS
    faces = model.faces_of(side)
    faces = faces[(model.neutral[faces][..., 2] > EYE_PIVOT[2]).all(1)]
    corners = model.neutral[faces][..., :2]
    for k, offset in enumerate(ring):
        a, u, v = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        d = centre + offset - a
        with np.errstate(divide="ignore", invalid="ignore"):
            s = (d[:, 0] * v[:, 1] - d[:, 1] * v[:, 0]) / area
            t = (u[:, 0] * d[:, 1] - u[:, 1] * d[:, 0]) / area
        bary = np.stack([1 - s - t, s, t], 1)
        hit = np.nan_to_num(bary, nan=-1e9).min(1).argmax()
        vertices[first + k], weights[first + k] = faces[hit], np.clip(bary[hit], 0, 1) / np.clip(bary[hit], 0, 1).sum()


def measure(views: Views, vertices: np.ndarray, weights: np.ndarray) -> dict[str, float]:
    """Errors of the map against the detections, in % of the distance of the outer eye corners, and opening ratios."""
    mapped = np.einsum("nlkd,lk->nld", views.projected[:, vertices], weights)
    unit = np.linalg.norm(mapped[:, 33] - mapped[:, 263], axis=1)[:, None] / np.cos(views.yaw)[:, None]
    error = 100 * np.linalg.norm(mapped - views.detected, axis=2) / unit
    figures = {"all_mean": error.mean(), "all_median": np.median(error)}
    wide, shut = views.jaw > 0.5, views.blink > 0.8
    for name, group, rows in (
        ("oval", OVAL, slice(None)), ("iris", IRISES, slice(None)),
        ("upper_inner_lip", UPPER_INNER_LIP, slice(None)), ("lower_inner_lip", LOWER_INNER_LIP, slice(None)),
        ("upper_inner_lip_wide_open", UPPER_INNER_LIP, wide), ("lower_inner_lip_wide_open", LOWER_INNER_LIP, wide),
        ("lids", (159, 145, 386, 374), slice(None)), ("lids_shut", (159, 145, 386, 374), shut),
    ):  # fmt: skip
        figures[name] = error[rows][:, list(group)].mean()

    def gap(points: np.ndarray, rows, pair) -> float:
        return np.linalg.norm(points[rows][:, pair[0]] - points[rows][:, pair[1]], axis=1).mean()

    figures["wide_open_gap_ratio"] = gap(mapped, wide, LIP_GAP) / gap(views.detected, wide, LIP_GAP)
    for name, rows in (("open", views.blink == 0), ("shut", shut)):
        ours, theirs = (np.mean([gap(p, rows, pair) for pair in LID_GAPS]) for p in (mapped, views.detected))
        figures[f"lid_gap_{name}_ratio"] = ours / theirs
        figures[f"lid_gap_{name}_percent"] = 100 * ours / unit[rows].mean()
    return {name: float(value) for name, value in figures.items()}


def canonical(model: IctModel, vertices: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(478, 3) landmarks of the mean neutral head, unit the outer eye corners' distance; y down, z to the back."""
    mean_head = model.shape(np.zeros(1), np.zeros((1, 53)))[0]
    points = np.einsum("lkd,lk->ld", mean_head[vertices], weights) * (1, -1, -1)
    a, b = points[OUTER_EYE_CORNERS[0]], points[OUTER_EYE_CORNERS[1]]
    return ((points - (a + b) / 2) / np.linalg.norm(b - a)).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asset", type=Path, help="packed face model (.npz) or the folder FaceXModel")
    parser.add_argument("--views", type=int, default=300, help="tracked heads to fit on")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data" / "landmark_map.npz")
    parser.add_argument("--mesh", type=Path, help="also write triangles and canonical positions of the face here")
    arguments = parser.parse_args()
    model = IctModel.load(arguments.asset)
    views = track_views(model, arguments.views, seed=0)
    vertices, weights = fit(model, views)
    for name, value in measure(track_views(model, 100, seed=1), vertices, weights).items():
        print(f"{name:28s} {value:7.3f}")
    np.savez_compressed(arguments.out, vertices=vertices, weights=weights)
    if arguments.mesh:
        np.savez_compressed(
            arguments.mesh,
            triangles=oriented(tessellation(), mean_face(views)).astype(np.int16),
            canonical=canonical(model, vertices, weights),
        )


if __name__ == "__main__":
    main()
