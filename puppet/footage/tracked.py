"""Actors seen by the tracker that sees people later: its faults on lids and lips are none that could be made up."""

from __future__ import annotations

import numpy as np

from generator.actors.actor_clip import ActorClip
from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import eye_distance
from pose.tracking.tracker import Tracker, TrackerUnavailable
from puppet.core.driver import track
from puppet.core.timings import Timings
from puppet.errors import reported_as_puppet_error

LARGEST_ERROR = 0.12  # eye distances, mean over the landmarks; it is 0.02 to 0.05 where the face is whole


def track_actor(actor: ActorClip) -> tuple[np.ndarray, np.ndarray] | None:
    """Landmarks (T, 478, 3) of a clip and (478, 3) of its portrait as tracked, in pixels of the clip; None where the
    tracker loses the face or takes something else for it."""
    size = actor.frames.shape[1]
    portrait = _photograph(actor.portrait[None], actor.background)[0]
    with reported_as_puppet_error(TrackerUnavailable), Tracker(body_every=0) as video, Tracker(static=True) as still:
        poses = [*track(_photograph(actor.frames, actor.background), video, Timings()), still.track(portrait)]
    exact = [*actor.face, actor.portrait_face]
    found = [_near(pose, points, size) for pose, points in zip(poses, exact, strict=True)]
    if any(points is None for points in found):
        return None
    return np.stack(found[:-1]), found[-1]


def _near(pose: PoseFrame, exact: np.ndarray, size: int) -> np.ndarray | None:
    """The tracked face in a picture of size x size pixels, if it is the actor's."""
    if pose.face is None:
        return None
    scale = size / pose.size[0]
    found = pose.transformed(np.array([[scale, 0, 0], [0, scale, 0]]), (size, size)).face
    error = np.linalg.norm((found - exact)[:, :2], axis=1).mean()
    return found if error < LARGEST_ERROR * eye_distance(exact) else None


def _photograph(frames: np.ndarray, background: np.ndarray) -> np.ndarray:
    """(T, S, S, 3) uint8 of premultiplied RGBA before a background."""
    behind = 1 - frames[..., 3:].astype(np.float32) / 255
    return np.round(frames[..., :3] + background * behind).clip(0, 255).astype(np.uint8)
