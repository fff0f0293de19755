"""One frame of tracked landmarks and the tables that name them.

The face is MediaPipe's 478-point mesh (468 vertices and two irises of five points), the body its 33 pose points, each
hand its 21 points. "Left" and "right" are the person's, so in a picture that is not mirrored the right eye has the
smaller x. Pixel coordinates: x right, y down, the centre of the first pixel at (0.5, 0.5); z in the same scale,
smaller is nearer to the camera.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

FACE_POINTS = 478

# Rings are closed. Eyes: outer corner, lower lid to the inner corner, upper lid back. Lips: the person's right corner,
# lower lip to the left corner, upper lip back.
RIGHT_EYE_RING = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
LEFT_EYE_RING = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
LIPS_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191)
LIPS_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
FACE_OVAL = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)  # fmt: skip

# Lids and lips as pairs of opposite points (upper[i] above lower[i]), from the outer corner of an eye to the inner
# one, from the person's right corner of the mouth to the left one. The corners themselves are not in them.
RIGHT_EYE_UPPER = (246, 161, 160, 159, 158, 157, 173)
RIGHT_EYE_LOWER = (7, 163, 144, 145, 153, 154, 155)
LEFT_EYE_UPPER = (466, 388, 387, 386, 385, 384, 398)
LEFT_EYE_LOWER = (249, 390, 373, 374, 380, 381, 382)
LIPS_INNER_UPPER = (191, 80, 81, 82, 13, 312, 311, 310, 415)
LIPS_INNER_LOWER = (95, 88, 178, 87, 14, 317, 402, 318, 324)
LIPS_OUTER_UPPER = (185, 40, 39, 37, 0, 267, 269, 270, 409)
LIPS_OUTER_LOWER = (146, 91, 181, 84, 17, 314, 405, 321, 375)

RIGHT_BROW = (70, 63, 105, 66, 107, 55, 65, 52, 53, 46)
LEFT_BROW = (300, 293, 334, 296, 336, 285, 295, 282, 283, 276)

# Irises: the centre, then four points of the circle.
RIGHT_IRIS = (468, 469, 470, 471, 472)
LEFT_IRIS = (473, 474, 475, 476, 477)
IRISES = RIGHT_IRIS + LEFT_IRIS

RIGHT_EYE_CORNERS = (33, 133)  # outer, inner
LEFT_EYE_CORNERS = (263, 362)
MOUTH_CORNERS = (78, 308)  # inner lip, the person's right and left
LIP_MIDDLES = (13, 14)  # inner lips, upper and lower
SUBNASALE, UPPER_LIP, LOWER_LIP = 2, 0, 17  # the rims of the outer lips in the middle
EYE_OUTER_CORNERS = (33, 263)
NOSE_TIP = 1
BETWEEN_EYES = 168  # the root of the nose
CHIN = 152
FOREHEAD = 10

# Points that follow the skull and hardly any expression: eye corners, nose bridge and root, temples, forehead, the
# upper half of the face's outline.
RIGID = (
    33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 193, 417, 122, 351, 196, 419, 8, 9, 151, 10, 109, 338, 67, 297, 103,
    332, 54, 284, 21, 251, 162, 389, 127, 356, 234, 454,
)  # fmt: skip

# Body points.
LEFT_SHOULDER, RIGHT_SHOULDER = 11, 12
LEFT_ELBOW, RIGHT_ELBOW = 13, 14
LEFT_WRIST, RIGHT_WRIST = 15, 16
LEFT_HIP, RIGHT_HIP = 23, 24
BODY_BONES = (
    (RIGHT_SHOULDER, LEFT_SHOULDER),
    (RIGHT_SHOULDER, RIGHT_ELBOW),
    (RIGHT_ELBOW, RIGHT_WRIST),
    (LEFT_SHOULDER, LEFT_ELBOW),
    (LEFT_ELBOW, LEFT_WRIST),
    (RIGHT_SHOULDER, RIGHT_HIP),
    (LEFT_SHOULDER, LEFT_HIP),
)

# Hand points: 0 the wrist, then four per finger from the thumb on.
HAND_BONES = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1) for finger in range(5) for joint in range(4)
)


@dataclass(frozen=True, eq=False)
class PoseFrame:
    """What the tracker knows of one person in one frame. A part that was not found is None."""

    face: np.ndarray | None  # (478, 3) float32 px: x, y, z
    body: np.ndarray | None  # (33, 4) float32 px: x, y, z, visibility 0..1
    left_hand: np.ndarray | None  # (21, 3) float32 px
    right_hand: np.ndarray | None  # (21, 3) float32 px
    size: tuple[int, int]  # (width, height) of the frame that the pixels refer to
    time: float  # seconds
    # (n, n, 2) float32 px: what around the face moves otherwise than face and body tell; None as if all were 0. At the
    # nodes of a grid over the (square) frame: a pixel shows what would, by these, be so far away.
    around: np.ndarray | None = None

    def transformed(self, matrix: np.ndarray, size: tuple[int, int]) -> PoseFrame:
        """The same person after the affine map `matrix` (2, 3) into a frame of `size` (width, height).

        z is multiplied with the map's scale, the square root of its determinant. The grid of `around` stays over the
        whole frame: it is right where the map takes frame to frame.
        """
        matrix = np.asarray(matrix, np.float64)
        if matrix.shape != (2, 3):
            raise ValueError(f"an affine map is a (2, 3) matrix, not {matrix.shape}")
        scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))

        def move(points: np.ndarray | None) -> np.ndarray | None:
            if points is None:
                return None
            moved = np.array(points, np.float32)
            moved[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
            moved[:, 2] = points[:, 2] * scale
            return moved

        return replace(
            self,
            face=move(self.face),
            body=move(self.body),
            left_hand=move(self.left_hand),
            right_hand=move(self.right_hand),
            size=(int(size[0]), int(size[1])),
            around=None if self.around is None else (self.around @ matrix[:, :2].T).astype(np.float32),
        )

    @property
    def found(self) -> bool:
        """Whether there is a face, without which nothing can be driven."""
        return self.face is not None


def empty_pose(size: tuple[int, int], time: float = 0.0) -> PoseFrame:
    """A frame in which nobody was found."""
    return PoseFrame(None, None, None, None, (int(size[0]), int(size[1])), float(time))


def interpolate(a: PoseFrame, b: PoseFrame, fraction: float) -> PoseFrame:
    """The pose `fraction` (0..1) of the way from `a` to `b`.

    A part that only one of them has is taken from the nearer frame, so that a hand appears and vanishes half way
    instead of flying in. What moves `around` the face of only one comes and goes evenly.
    """
    if a.size != b.size:
        raise ValueError(f"poses of frames of different sizes cannot be mixed: {a.size} and {b.size}")
    fraction = float(np.clip(fraction, 0.0, 1.0))

    def mix(first: np.ndarray | None, second: np.ndarray | None) -> np.ndarray | None:
        if first is None or second is None:
            return first if fraction < 0.5 else second
        return (first + (second - first) * np.float32(fraction)).astype(np.float32)

    def rest(other: np.ndarray | None) -> np.ndarray | None:
        return None if other is None else np.zeros_like(other)

    return PoseFrame(
        face=mix(a.face, b.face),
        body=mix(a.body, b.body),
        left_hand=mix(a.left_hand, b.left_hand),
        right_hand=mix(a.right_hand, b.right_hand),
        size=b.size,
        time=a.time + (b.time - a.time) * fraction,
        around=mix(rest(b.around) if a.around is None else a.around, rest(a.around) if b.around is None else b.around),
    )
