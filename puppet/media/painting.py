"""A picture painted anew with brushes: long curved strokes, coarse ones first, fine ones where those are not like it.

After Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes" (SIGGRAPH 1998).
"""

from __future__ import annotations

import cv2
import numpy as np

BRUSHES = (24, 12, 6, 3)  # px of their radius, in a picture of about 1000 px
GROUND = (92, 74, 58)  # RGB of the primed canvas
UNLIKE = 26.0  # sum of the channels' differences from which a place is painted over
SEGMENTS = 6  # of a stroke, each as long as the brush is wide
FLAT = 0.4  # slope of the brightness below which a stroke goes on as it went
FIRST = (0.83, 0.56)  # direction of a stroke that begins on a flat place
PIGMENT, BRISTLES = 0.025, 2.5  # standard deviations from stroke to stroke: of the brightness, of a channel
RELIEF = 0.035  # how much light the edges of strokes catch
VARNISH = (1.03, 0.99, 0.88)  # what an old varnish does to the channels


def painted(picture: np.ndarray, seed: int = 0) -> np.ndarray:
    """(H, W, 3) uint8 RGB, the same shape."""
    rng = np.random.default_rng(seed)
    canvas = np.full(picture.shape, GROUND, np.float32)
    thickness = np.zeros(picture.shape[:2], np.float32)
    for brush in BRUSHES:
        wanted = cv2.GaussianBlur(picture, (0, 0), brush / 2.2).astype(np.float32)
        along = _directions(wanted, brush)
        places = _places(np.abs(wanted - canvas).sum(-1), brush, brush == BRUSHES[0])
        rng.shuffle(places)
        for y, x in places:
            stroke = _stroke(x, y, brush, wanted, canvas, along)
            colour = wanted[y, x] * (1 + rng.normal(0, PIGMENT)) + rng.normal(0, BRISTLES, 3)
            colour = tuple(float(value) for value in np.clip(colour, 0, 255))
            width = max(1, round(0.9 * brush))
            cv2.polylines(canvas, [stroke], False, colour, width, cv2.LINE_AA)
            cv2.polylines(thickness, [stroke], False, float(rng.uniform(0.2, 1)), width, cv2.LINE_AA)
    edges = cv2.GaussianBlur(thickness, (0, 0), 0.8)
    light = cv2.Sobel(edges, cv2.CV_32F, 1, 0) + cv2.Sobel(edges, cv2.CV_32F, 0, 1)
    lit = canvas * (1 + RELIEF * np.clip(light, -2, 2))[..., None] * np.array(VARNISH)
    return np.clip(lit, 0, 255).astype(np.uint8)


def _directions(wanted: np.ndarray, brush: int) -> np.ndarray:
    """(H, W, 2): across the slope of the brightness, as long as it is steep."""
    grey = cv2.cvtColor(wanted.astype(np.uint8), cv2.COLOR_RGB2GRAY).astype(np.float32)
    grey = cv2.GaussianBlur(grey, (0, 0), 0.7 * brush)
    return np.stack([-cv2.Sobel(grey, cv2.CV_32F, 0, 1), cv2.Sobel(grey, cv2.CV_32F, 1, 0)], -1)


def _places(unlike: np.ndarray, brush: int, everywhere: bool) -> list[tuple[int, int]]:
    """y, x of the worst pixel in every cell of a grid that is not like the picture yet."""
    step, places = max(2, int(0.8 * brush)), []
    for top in range(0, unlike.shape[0], step):
        for left in range(0, unlike.shape[1], step):
            cell = unlike[top : top + step, left : left + step]
            if everywhere or cell.mean() >= UNLIKE:
                y, x = divmod(int(cell.argmax()), cell.shape[1])
                places.append((top + y, left + x))
    return places


def _stroke(x: int, y: int, brush: int, wanted: np.ndarray, canvas: np.ndarray, along: np.ndarray) -> np.ndarray:
    """(N, 2) int32 points; it ends where the canvas is nearer to the picture than its colour."""
    height, width = wanted.shape[:2]
    colour, points = wanted[y, x], [(x, y)]
    at, heading = np.array([x, y], float), np.zeros(2)
    for _ in range(SEGMENTS):
        column, row = int(np.clip(at[0], 0, width - 1)), int(np.clip(at[1], 0, height - 1))
        there = wanted[row, column]
        if len(points) > 2 and np.abs(there - colour).sum() > np.abs(there - canvas[row, column]).sum():
            break
        way = along[row, column]
        slope = float(np.hypot(*way))
        if slope < FLAT:
            way, slope = (heading, 1.0) if heading.any() else (np.array(FIRST), 1.0)
        way = way / slope
        heading = way if way @ heading >= 0 else -way
        at = at + brush * heading
        points.append((int(at[0]), int(at[1])))
    return np.array(points, np.int32)
