"""Generic teeth, gums and tongue seen from the front, as two pictures with known places in the face.

They are the prior for the inside of a mouth that a portrait does not show. `python -m generator.actors.teeth_sprite
ASSET` writes them to where the pose package reads them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from generator.actors.appearance import linear, mouth_values
from generator.actors.head import build_head
from generator.actors.ict import IctModel, VertexNormals
from generator.actors.renderer import Renderer
from generator.actors.scene import Appearance, Camera, Lighting

UPPER = ("teeth_upper", "gums_upper")
LOWER = ("teeth_lower", "gums_lower", "tongue")
OUT = Path(__file__).parents[2] / "pose" / "data" / "teeth.npz"
GAP, FILLED = 5, 0.75  # pixels of the widest dark line between two teeth, and how much of it is lightened
_BACK = 4.6  # model z, cm: what lies further back is left out
_HEIGHTS = {UPPER: (-3.62, -1.22), LOWER: (-5.45, 0.0)}  # model y, cm: the teeth's roots are cut off


@dataclass(frozen=True)
class TeethSprite:
    """One jaw. Boxes are (x0, y0, x1, y1, z) in units of the distance of the outer eye corners, origin in the middle
    between them, x right, y down, z of the front of the teeth (smaller = nearer), of the neutral head with closed jaw.
    """

    rgba: np.ndarray  # (h, w, 4) uint8, premultiplied
    box: np.ndarray  # (5,) float32


def render_teeth_sprite(model: IctModel, width: int = 256) -> tuple[TeethSprite, TeethSprite]:
    """Upper and lower jaw of the neutral model, evenly lit from the front, cropped to their content.

    Raises:
        NoGraphics: when no OpenGL context can be made.
    """
    left, right = model.neutral[model.landmarks68[45]], model.neutral[model.landmarks68[36]]
    unit, origin = float(np.linalg.norm(left - right)), (left + right) / 2
    head = build_head(model)
    return tuple(_jaw(model, head, parts, width, unit, origin) for parts in (UPPER, LOWER))


def _jaw(model, head, parts, width, unit, origin) -> TeethSprite:
    vertices = model.neutral
    mouth = model.faces_of(*parts)
    allowed = np.zeros(len(vertices), bool)
    allowed[mouth] = True
    faces = head.faces["mouth"]
    faces = faces[allowed[head.source[faces]].all(1)]
    faces = faces[vertices[head.source[faces]][..., 2].mean(1) > _BACK]  # no palate, no throat
    teeth = vertices[model.vertices_of(*[part for part in parts if part.startswith("teeth")])]
    front = float(teeth[:, 2].max())
    low, high = vertices[allowed].min(0), vertices[allowed].max(0)
    span = float((high - low)[:2].max()) * 1.04
    centre = (low + high)[:2] / 2
    far = 4000.0  # as good as a parallel projection
    camera = Camera(far / span, far, 0.5 - centre[0] / span, 0.5 + centre[1] / span)
    renderer = Renderer(replace(head, faces={"mouth": faces}), width)
    try:
        renderer.dress(_plain())
        values = mouth_values(2.2, front + 0.35, 0.5)
        normals = VertexNormals(mouth, len(vertices))(vertices[None])[0]
        eye = np.eye(4, dtype=np.float32)
        rgba = renderer.draw(vertices, normals, eye, eye, camera, {"mouth": values})
    finally:
        renderer.release()
    rgba[~_between(camera, span, *_HEIGHTS[parts], width)] = 0
    rows, columns = np.flatnonzero(rgba[..., 3].any(1)), np.flatnonzero(rgba[..., 3].any(0))
    y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1

    def place(px: float, py: float) -> tuple[float, float]:
        x = (px / width - camera.cx) * span
        y = (camera.cy - py / width) * span
        return (x - origin[0]) / unit, -(y - origin[1]) / unit

    box = [*place(x0, y0), *place(x1, y1), -(front - origin[2]) / unit]
    return TeethSprite(soften_gaps(rgba[y0:y1, x0:x1]), np.array(box, np.float32))


def soften_gaps(rgba: np.ndarray) -> np.ndarray:
    """Real teeth touch; drawn a few pixels wide, the model's dark lines between them look like a fence."""
    closed = cv2.morphologyEx(rgba, cv2.MORPH_CLOSE, np.ones((1, GAP), np.uint8))
    return cv2.addWeighted(closed, FILLED, rgba, 1 - FILLED, 0)


def _between(camera: Camera, span: float, low: float, high: float, width: int) -> np.ndarray:
    """(width,) bool: picture rows between two model heights."""
    y = (camera.cy - (np.arange(width) + 0.5) / width) * span
    return (y > low) & (y < high)


def _plain() -> Appearance:
    ways = np.array([[0.15, 0.35, 0.92], [-0.5, 0.2, 0.84], [0.5, 0.1, 0.86]])
    lighting = Lighting(
        directions=ways / np.linalg.norm(ways, axis=1, keepdims=True),
        colours=np.array([[0.7] * 3, [0.15] * 3, [0.15] * 3]),
        sky=np.full(3, 0.35),
        ground=np.full(3, 0.22),
        shadow=0.0,
        exposure=1.0,
    )
    mouth = {
        "tooth_colour": linear((236, 226, 210)) * 0.97,
        "gum_colour": linear((200, 112, 108)) * 0.95,
        "tongue_colour": linear((196, 104, 100)),
        "tooth_gloss": 0.35,
    }
    return Appearance({"skin": (0.5, 0.4, 0.3)}, {"mouth": mouth}, lighting, ())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("asset", type=Path, help="packed face model (.npz) or the folder FaceXModel")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    upper, lower = render_teeth_sprite(IctModel.load(arguments.asset))
    np.savez_compressed(arguments.out, upper=upper.rgba, lower=lower.rgba, upper_box=upper.box, lower_box=lower.box)


if __name__ == "__main__":
    main()
