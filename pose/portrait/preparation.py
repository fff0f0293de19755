"""A picture made ready to move: framed, its person cut out, its background filled, its landmarks found."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, replace
from itertools import chain

import cv2
import numpy as np

from pose.errors import NoFaceError, PortraitError
from pose.geometry import smoothstep
from pose.tracking.landmarks import FACE_OVAL, PoseFrame
from pose.tracking.mesh import eye_distance
from pose.tracking.signals import head_transform, rotation_angles
from pose.tracking.tracker import Tracker

from .drawn.analysis import Drawing, find_drawing
from .drawn.anime_pose import with_drawn_face
from .drawn.face_of_parts import believed, faces_of_parts
from .drawn.fit import fitted_landmarks
from .drawn.plain_ground import plain_matte
from .framing import FRAMINGS, Frame, frame_portrait
from .inpainting import SEEN_ALPHA, membrane, separate
from .limb_matte import open_gaps
from .matting import person_matte
from .sidecar import CURE

SMALLEST_SIDE = 64  # px of the picture's shorter side
LARGEST_TURN = 55.0  # degrees of yaw or pitch: beyond, half of the face is not in the picture
SMALLEST_EYES = 6.0  # px between the outer eye corners in the prepared picture
HAIR_REACHES = (2.0, 1.4)  # face heights from the middle of the face: none any more, still
PLAIN_BACKGROUND = 128  # grey behind a cut-out picture, which brings no background


@dataclass(frozen=True, eq=False)
class Portrait:
    """What the conditioner and the compositor need of one portrait, all in its S x S picture."""

    person: np.ndarray  # (S, S, 4) uint8 premultiplied RGBA
    background: np.ndarray  # (S, S, 3) uint8, filled behind the person
    pose: PoseFrame
    picture: np.ndarray  # (S, S, 3) uint8, as it came
    drawing: Drawing | None = None  # the layers of a drawn character's features


def prepare_portrait(
    picture: np.ndarray,
    size: int,
    pose: PoseFrame | None = None,
    centred: bool = False,
    framing: str = "portrait",
    aspect: float = 1.0,
) -> Portrait:
    """Frame, track, matte and separate a portrait.

    Args:
        picture: (H, W, 3) uint8 RGB, already turned as its EXIF says; or (H, W, 4) with straight alpha, which is then
            taken for the matte.
        size: S, side of the result.
        pose: landmarks in the picture's pixels, where they are known (marked points); else they are searched for.
        centred: keep to the centred square (a driver's own first frame, whose other frames are taken so).
        framing: how much of the person is shown (see `framing`); "portrait": the largest window of the picture, the
            centred one or, where that cuts through the face, the nearest one that holds the head.
        aspect: width / height of what will be seen: the centred part of the result.
    Raises PortraitError: the picture is too small, shows no face, or shows too little of it; the framing is unknown.
    """
    colour = isinstance(picture, np.ndarray) and picture.ndim == 3 and picture.shape[2] in (3, 4)
    if not colour or picture.dtype != np.uint8:
        raise PortraitError("a portrait is an RGB or RGBA picture of 8 bits a channel; convert it to PNG or JPEG")
    height, width = picture.shape[:2]
    if min(height, width) < SMALLEST_SIDE:
        raise PortraitError(
            f"the portrait has only {width}x{height} pixels; use one of at least {SMALLEST_SIDE} pixels a side"
        )
    alpha = None
    if picture.shape[2] == 4:
        if picture[..., 3].min() < 250:
            alpha = picture[..., 3].astype(np.float32) / 255
        picture = _over_grey(picture)
    if pose is None:
        with Tracker(static=True) as tracker:
            pose = with_drawn_face(tracker.track(picture), picture)
            if pose.face is None:
                pose = replace(pose, face=believed(picture, chain(tracker.guesses(picture), faces_of_parts(picture))))
    if pose.face is None:
        raise NoFaceError(
            "no face was found in the portrait; people have to look towards the viewer; a drawing is found best where "
            f"it shows head and shoulders and looks at the viewer{_advice()}; or "
            + CURE.format(sidecar="PORTRAIT.points.json")
        )
    if pose.size != (width, height):
        raise PortraitError(f"the pose belongs to a picture of {pose.size}, the portrait has {(width, height)} pixels")

    if framing not in FRAMINGS:
        raise PortraitError(f"the framing is {', '.join(FRAMINGS[:-1])} or {FRAMINGS[-1]}, not {framing!r}")
    if centred:
        side = min(height, width)
        frame = Frame((width - side) // 2, (height - side) // 2, side)
    else:
        matte = None
        if framing != "portrait":
            matte = _matte(picture, pose) if alpha is None else alpha
        frame = frame_portrait((width, height), pose.face, framing, aspect, size, matte)
    side = frame.side
    square, beyond = _cut(picture, frame)
    in_square = pose.transformed(np.array([[1, 0, -frame.left], [0, 1, -frame.top]]), (side, side))
    _check_face(in_square, side, size)
    if alpha is None:
        alpha = _matte(square, in_square)
    else:
        alpha = _cut(alpha, frame)[0]
    if beyond.any():
        alpha = np.where(beyond, 0, alpha)
        behind = membrane(square.astype(np.float32), beyond | (alpha > SEEN_ALPHA))
        square = np.where(beyond[..., None], np.rint(behind), square).astype(np.uint8)

    scale = size / side
    methods = (cv2.INTER_AREA, cv2.INTER_AREA) if scale < 1 else (cv2.INTER_CUBIC, cv2.INTER_LINEAR)
    framed = cv2.resize(square, (size, size), interpolation=methods[0])
    alpha = np.clip(cv2.resize(alpha, (size, size), interpolation=methods[1]), 0, 1)
    pose = in_square.transformed(np.array([[scale, 0, 0], [0, scale, 0]]), (size, size))
    person, background = separate(framed, alpha, _hairy(pose.face, size))
    drawing = find_drawing(person, framed, pose.face)
    if drawing is not None:
        pose = replace(pose, face=fitted_landmarks(pose.face, drawing))
    return Portrait(person, background, pose, framed, drawing)


def _advice() -> str:
    """What else helps to find a drawn face on this machine."""
    installed = importlib.util.find_spec("animeface") is not None
    return "" if installed else ", and with the detector of anime faces: pip install 'puppet-live[anime]'"


def _matte(picture: np.ndarray, pose: PoseFrame) -> np.ndarray:
    plain = plain_matte(picture, pose.face)
    return open_gaps(picture, person_matte(picture, pose.face), pose) if plain is None else plain


def _hairy(face: np.ndarray, size: int) -> np.ndarray:
    """(S, S) float32 0..1 where hair may stand out from the matte: around the head."""
    outline = face[list(FACE_OVAL), :2]
    middle, tall = outline.mean(0), max(float(np.ptp(outline[:, 1])), 1.0)
    y, x = (axis + np.float32(0.5) for axis in np.ogrid[:size, :size])
    return smoothstep(np.hypot(x - middle[0], y - middle[1]) / tall, HAIR_REACHES).astype(np.float32)


def _over_grey(picture: np.ndarray) -> np.ndarray:
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.rint(picture[..., :3] * alpha + PLAIN_BACKGROUND * (1 - alpha)).astype(np.uint8)


def _cut(picture: np.ndarray, frame: Frame) -> tuple[np.ndarray, np.ndarray]:
    """(side, side, ...) the frame's square, and (side, side) bool where it reaches beyond the picture."""
    height, width = picture.shape[:2]
    rows, columns = (np.arange(begin, begin + frame.side) for begin in (frame.top, frame.left))
    beyond = ((rows < 0) | (rows >= height))[:, None] | ((columns < 0) | (columns >= width))[None]
    return np.ascontiguousarray(picture[rows.clip(0, height - 1)][:, columns.clip(0, width - 1)]), beyond


def _check_face(pose: PoseFrame, side: int, size: int) -> None:
    outline = pose.face[list(FACE_OVAL), :2]
    inside = ((outline >= 0) & (outline <= side)).all(axis=1).mean()
    if inside < 0.5:
        raise PortraitError(
            "the face lies outside the square that is used of the portrait; crop the picture so that the face is in it"
        )
    yaw, pitch, _ = rotation_angles(head_transform(pose.face).rotation)
    if max(abs(yaw), abs(pitch)) > LARGEST_TURN:
        raise PortraitError(
            f"the face is turned away by {max(abs(yaw), abs(pitch)):.0f} degrees; use a picture that shows both eyes"
        )
    if eye_distance(pose.face) * size / side < SMALLEST_EYES:
        raise PortraitError("the face is too small in the portrait; crop the picture around head and shoulders")
