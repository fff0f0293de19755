"""Characters drawn by code, in several styles, with landmarks where a tracker made for humans puts them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from pose.portrait.drawn.analysis import Drawing, find_drawing
from pose.tracking.landmarks import PoseFrame
from tests.pose.faces import face

SIZE = 256
FINER = 4  # px that are drawn per px of the picture
SCALE, AT = 84.0, (128.0, 120.0)  # of the landmarks: px between the outer eye corners, and where their middle is
EYES = ((91.0, 124.0), (165.0, 124.0))
MOUTH = (128.0, 186.0)
BROWS = 90.0  # px from the top, where a brow's ends are


@dataclass(frozen=True)
class Style:
    """Colours are RGB. eye, iris: half axes in px; iris (0, 0): the eye is a dot."""

    skin: tuple = (253, 230, 214)
    outline: tuple = (70, 40, 50)
    white: tuple = (255, 255, 255)
    iris: tuple = (40, 120, 160)
    hair: tuple = (236, 140, 118)
    eye: tuple[float, float] = (21, 23)
    iris_size: tuple[float, float] = (12, 17)
    lash: float = 6
    mouth: str = "line"  # line, open or lips
    fringe: bool = False
    glasses: bool = False
    blush: bool = False


STYLES = {
    "anime": Style(),
    "chibi": Style(eye=(24, 30), iris_size=(17, 24), hair=(120, 90, 170)),
    "dark_skin": Style(skin=(110, 68, 48), outline=(30, 16, 14), hair=(40, 34, 40), iris=(60, 30, 24)),
    "blue_skin": Style(skin=(120, 170, 225), outline=(30, 40, 90), iris=(230, 190, 60), hair=(240, 240, 250)),
    "line_art": Style(skin=(255, 255, 255), outline=(0, 0, 0), iris=(0, 0, 0), hair=(0, 0, 0), eye=(18, 18), lash=4),
    "dots": Style(eye=(7, 10), iris_size=(0, 0), outline=(50, 30, 20), skin=(255, 205, 130)),
    "open_mouth": Style(mouth="open"),
    "lips": Style(mouth="lips", skin=(196, 140, 104)),
    "fringe": Style(fringe=True),
    "glasses": Style(glasses=True),
    "blush": Style(eye=(21, 21), iris_size=(8, 8), lash=2, blush=True),
    "flat": Style(lash=2, outline=(90, 60, 60), hair=(70, 70, 90), eye=(17, 17), iris_size=(9, 10)),
}


def draw(style: Style) -> np.ndarray:
    """(SIZE, SIZE, 4) uint8 straight RGBA."""
    n = SIZE * FINER
    picture = np.zeros((n, n, 4), np.uint8)

    def ellipse(centre, axes, colour, start=0, end=360, thickness=0.0):
        width = -1 if not thickness else max(round(thickness * FINER), 1)
        centre, axes = (tuple(round(v * FINER) for v in pair) for pair in (centre, axes))
        cv2.ellipse(picture, centre, axes, 0, start, end, (*colour, 255), width, cv2.LINE_AA)

    def shape(points, colour):
        cv2.fillPoly(picture, [np.rint(np.array(points) * FINER).astype(np.int32)], (*colour, 255), cv2.LINE_AA)

    ellipse((128, 118), (102, 104), style.hair)
    shape([(104, 200), (152, 200), (160, 256), (96, 256)], style.skin)
    ellipse((128, 136), (84, 92), style.outline)
    ellipse((128, 136), (82, 90), style.skin)
    ellipse((128, 56), (80, 20), style.hair)
    if style.blush:
        for x, y in EYES:
            ellipse((x, y + 27), (17, 9), (245, 180, 170))
    for x, y in EYES:
        _eye(ellipse, style, x, y)
        ellipse((x, BROWS), (17, 5), style.outline, 190, 350, 3)
    x, y = MOUTH
    if style.mouth == "line":
        ellipse((x, y - 8), (13, 9), style.outline, 25, 155, 2)
    elif style.mouth == "open":
        ellipse((x, y - 4), (15, 14), style.outline, 0, 180)
        ellipse((x, y - 3), (13, 12), (150, 50, 50), 0, 180)
        ellipse((x, y + 6), (8, 4), (240, 130, 120), 0, 180)
    else:
        ellipse((x, y), (19, 8), (200, 60, 70))
        ellipse((x, y - 6), (19, 8), style.outline, 20, 160, 2)
    if style.glasses:
        for x, y in EYES:
            ellipse((x, y + 2), (29, 28), (160, 40, 50), thickness=2)
    if style.fringe:
        shape([(140, 56), (214, 60), (176, 150), (168, 110), (160, 90)], style.hair)
    return cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def _eye(ellipse, style: Style, x: float, y: float) -> None:
    if not any(style.iris_size):
        ellipse((x, y), style.eye, style.outline)
        return
    width, height = style.eye
    ellipse((x, y), (width + 1, height + 1), style.outline)
    ellipse((x, y), (width, height), style.white)
    ellipse((x, y + 2), style.iris_size, style.iris)
    ellipse((x, y + 2), (style.iris_size[0] * 0.4, style.iris_size[1] * 0.4), tuple(v // 3 for v in style.iris))
    ellipse((x - 4, y - 6), (4, 5), (255, 255, 255))
    ellipse((x, y), (width + 1, height + 1), style.outline, 200, 340, style.lash)


@lru_cache(maxsize=len(STYLES))
def character(name: str) -> tuple[Style, np.ndarray, Drawing | None]:
    """Style, person and layers; made once for all tests."""
    person = premultiplied(draw(STYLES[name]))
    return STYLES[name], person, find_drawing(person, np.ascontiguousarray(person[..., :3]), pose().face)


def premultiplied(picture: np.ndarray) -> np.ndarray:
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.concatenate([np.rint(picture[..., :3] * alpha).astype(np.uint8), picture[..., 3:]], 2)


def pose(**expression) -> PoseFrame:
    return PoseFrame(face(scale=SCALE, at=AT, **expression), None, None, None, (SIZE, SIZE), 0.0)
