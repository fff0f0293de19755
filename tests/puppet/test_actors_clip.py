"""Clips of actors become training clips: hands reach the guide maps when they are in the picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from generator.actors.actor_clip import ActorClip
from pose.tracking.mesh import eye_distance
from pose.tracking.tracker import Tracker
from puppet.commands.actors import training_clip
from puppet.footage.imitation import HAND_BIAS, imitate_hands
from puppet.footage.tracked import track_actor
from tests.pose.faces import body, face

SIZE = 96


def hands_at(x: float, y: float) -> np.ndarray:
    """(21, 3) a spread hand."""
    rays = np.concatenate([[[0.0, 0.0]], *(np.outer(np.arange(1, 5), [k - 2, -3.0]) for k in range(5))])
    return np.concatenate([rays * 1.5 + (x, y), np.zeros((21, 1))], 1).astype(np.float32)


def actor(hands: np.ndarray | None) -> ActorClip:
    rng = np.random.default_rng(0)
    frames = np.zeros((4, SIZE, SIZE, 4), np.uint8)
    frames[:, 10:, 20:76] = (*rng.integers(0, 255, 3), 255)
    points = face(scale=24.0, at=(48.0, 36.0))
    trunk = body(((70.0, 84.0), (26.0, 84.0)))
    return ActorClip(
        frames=frames,
        background=np.full((SIZE, SIZE, 3), 80, np.uint8),
        face=np.stack([points] * 4),
        body=np.stack([trunk] * 4),
        hands=hands,
        portrait=frames[0],
        portrait_face=points,
        portrait_body=trunk,
        portrait_hands=None if hands is None else np.full((2, 21, 3), np.nan, np.float32),
    )


def test_hands_in_the_picture_are_in_the_guide() -> None:
    hands = np.full((4, 2, 21, 3), np.nan, np.float32)
    hands[2:, 0] = hands_at(70.0, 80.0)
    without, with_hands = (training_clip(actor(h), np.random.default_rng(1)) for h in (None, hands))
    changed = (without["guide"] != with_hands["guide"]).any((1, 2, 3))
    assert changed[2:].all(), "a hand that is seen is drawn"
    for clip in (without, with_hands):
        assert clip["frames"].shape == clip["warp"].shape == (4, SIZE, SIZE, 4)


def test_imitated_hands_err_by_a_share_of_the_palm() -> None:
    hands = np.stack([np.stack([hands_at(40.0, 80.0), np.full((21, 3), np.nan, np.float32)])] * 6)
    found = imitate_hands(np.random.default_rng(2), hands)
    palm = np.linalg.norm(hands[0, 0, 9] - hands[0, 0, 0])
    error = (found - hands)[:, 0]
    assert 0.5 * HAND_BIAS < error.std() / palm < 2 * HAND_BIAS
    assert np.isnan(found[:, 1]).all()
    assert np.abs(np.diff(error, axis=0)).mean() < np.abs(error).mean()


def test_a_tracked_actor_has_the_landmarks_that_the_tracker_finds(portrait: Path) -> None:
    picture = np.asarray(Image.open(portrait).convert("RGB").resize((256, 256)))
    with Tracker(static=True) as tracker:
        points = tracker.track(picture).face
    frames = np.dstack([picture, np.full((256, 256), 255, np.uint8)])[None].repeat(4, 0)
    seen = replace(
        actor(None), frames=frames, portrait=frames[0], face=points[None].repeat(4, 0), portrait_face=points,
        background=np.zeros((256, 256, 3), np.uint8),
    )  # fmt: skip
    faces, own = track_actor(seen)
    unit = eye_distance(points)
    assert np.abs(faces - points)[..., :2].max() < 0.1 * unit and np.abs(own - points)[:, :2].max() < 0.05 * unit
    assert track_actor(replace(seen, face=seen.face + (unit, 0.0, 0.0))) is None, "another face than the actor's"
    assert track_actor(replace(seen, frames=np.zeros_like(frames))) is None, "no face at all"
