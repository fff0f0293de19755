"""Tracking of face, body and hands in pictures and video with MediaPipe.

Two of its graphs run side by side: the face mesh (3 ms a frame on one core, at any frame size) and the holistic graph
for body and hands (25 ms). The two agree on the face within 0.1 % of the eye distance, so the face comes from the
cheap one in every frame, and body and hands may be asked for less often. The holistic graph is also the way back when
the face mesh finds nothing, because it sees people who are far away.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np

from .body_prediction import BodyPrediction
from .face_search import face_guesses, is_seen_mirrored, plain, search_face
from .landmarks import PoseFrame
from .native_log import quiet_native_log
from .networks import STILL_PASSES, face_array, landmark_array

LONGEST_SIDE = 1280  # px; larger frames are reduced, because copying them costs more than they bring
SHORTEST_SIDE = 256  # px; smaller frames are enlarged, because the detectors were made for larger faces


class TrackerUnavailable(RuntimeError):
    """MediaPipe is missing or too new."""


def load_solutions() -> Any:
    """MediaPipe's `solutions`, imported here so that the rest of the package works without them."""
    try:
        with quiet_native_log():
            import mediapipe
    except ImportError as error:
        raise TrackerUnavailable(
            f"tracking needs MediaPipe, which cannot be imported ({error}); install it: pip install mediapipe==0.10.21"
        ) from error
    solutions = getattr(mediapipe, "solutions", None)
    if solutions is None:
        version = getattr(mediapipe, "__version__", "?")
        raise TrackerUnavailable(
            f"MediaPipe {version} no longer carries its models; use the one that does: pip install mediapipe==0.10.21"
        )
    return solutions


class Tracker:
    """Finds the most prominent person in each frame of a video, or in unrelated stills.

    Args:
        static: every picture is a still of its own: found from scratch, refined by several passes, and searched for
            faces that are small, off-centre, painted or sculpted. About 0.3 s a picture.
        body_every: look for body and hands in every nth frame; in the frames between they move on as they did.
            0: never.
        hands_every: the same while a hand or a wrist is in the picture, where that is more often.
    """

    def __init__(self, static: bool = False, body_every: int = 1, hands_every: int = 2):
        if body_every < 0:
            raise ValueError(f"body_every counts frames, 0 for never; {body_every} is neither")
        if hands_every < 1:
            raise ValueError(f"hands_every counts frames from 1 on, not {hands_every}")
        self.static = static
        self.body_every, self.hands_every = body_every, hands_every
        self._solutions = load_solutions()
        self._since_body = 0  # frames
        self._prediction = BodyPrediction()
        self._holistic_lock = threading.Lock()
        self._noisy = 2  # frames with a face until every network was set up and has written about it
        with quiet_native_log():
            self._mesh = self._solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1)
            self._holistic = self._solutions.holistic.Holistic(
                model_complexity=1, refine_face_landmarks=True, smooth_landmarks=False
            )
            blank = np.zeros((SHORTEST_SIDE, SHORTEST_SIDE, 3), np.uint8)
            self._mesh.process(blank)  # the graphs set themselves up in the background; this waits for it
            self._holistic.process(blank)

    def track(self, frame: np.ndarray, time: float = 0.0, body: bool | None = None) -> PoseFrame:
        """Landmarks of the person in `frame` ((H, W, 3) uint8 RGB), in its own pixels; parts not found are None.

        body: whether to look for body and hands in this frame; None leaves it to `body_every`.
        """
        check_picture(frame)
        if self._mesh is None:
            raise ValueError("this tracker is closed; make a new one")
        picture, scale = fit_picture(frame)
        if self._noisy or self.static:
            with quiet_native_log():
                pose = self._track(picture, time, body)
            self._noisy = max(0, self._noisy - (pose.face is not None))
        else:
            pose = self._track(picture, time, body)
        height, width = frame.shape[:2]
        return pose.transformed(np.array([[1 / scale, 0, 0], [0, 1 / scale, 0]]), (width, height))

    def _track(self, picture: np.ndarray, time: float, body: bool | None) -> PoseFrame:
        passes = 1
        if self.static:
            passes = STILL_PASSES
            self._prediction = BodyPrediction()
            self._mesh.reset()
            self._holistic.reset()
        size = (picture.shape[1], picture.shape[0])
        for _ in range(passes):
            meshes = self._mesh.process(picture).multi_face_landmarks
        face = face_array(meshes[0], size) if meshes else None
        if face is not None and not np.isfinite(face).all():
            face = None
        due = self._due() if body is None else body
        self._since_body += 1
        if self.static or due or face is None:
            found = self._look(picture, time)
            if face is None:
                face = found.face
            if self.body_every or body:
                self._prediction.add(found)
                self._since_body = 0
        if self.static and (face is None or not is_seen_mirrored(self._mesh, plain, picture, face)):
            face = search_face(self._solutions, self._mesh, picture)
        return self._prediction.at(time, size, face)

    def _due(self) -> bool:
        """Whether body and hands are looked for in this frame."""
        if not self.body_every:
            return False
        every = min(self.body_every, self.hands_every) if self.hands_near else self.body_every
        return self._prediction.empty or self._since_body + 1 >= every

    @property
    def hands_near(self) -> bool:
        """Whether a hand or a wrist was in the picture when it was last looked for."""
        return self._prediction.hands_near

    def update_body(self, frame: np.ndarray, time: float = 0.0) -> None:
        """Look for body and hands in this frame, for those that follow. May run beside `track` with body=False, in
        another thread."""
        check_picture(frame)
        picture, _ = fit_picture(frame)
        self._prediction.add(self._look(picture, time))

    def look(self, frame: np.ndarray, time: float = 0.0) -> PoseFrame:
        """All parts as found in this frame alone, in its own pixels: nothing is carried on from earlier ones."""
        check_picture(frame)
        picture, scale = fit_picture(frame)
        height, width = frame.shape[:2]
        found = self._look(picture, time)
        return found.transformed(np.array([[1 / scale, 0, 0], [0, 1 / scale, 0]]), (width, height))

    def _look(self, picture: np.ndarray, time: float) -> PoseFrame:
        """All parts, from the graph that knows them all."""
        size = (picture.shape[1], picture.shape[0])
        with self._holistic_lock:
            result = self._holistic.process(picture)
        return PoseFrame(
            face=face_array(result.face_landmarks, size),
            body=landmark_array(result.pose_landmarks, size),
            left_hand=landmark_array(result.left_hand_landmarks, size),
            right_hand=landmark_array(result.right_hand_landmarks, size),
            size=size,
            time=time,
        )

    def guesses(self, picture: np.ndarray) -> Iterator[np.ndarray]:
        """Faces (478, 3) that a still in which `track` found none may show, in its own pixels; to be checked by who
        knows better."""
        check_picture(picture)
        fitted, scale = fit_picture(picture)
        with quiet_native_log():
            found = list(face_guesses(self._solutions, self._mesh, fitted))
        yield from (face / np.float32(scale) for face in found)

    def reset(self) -> None:
        """Forget the frames before: the next one belongs to another video."""
        self._mesh.reset()
        self._holistic.reset()
        self._prediction = BodyPrediction()
        self._since_body, self._noisy = 0, 2

    def close(self) -> None:
        """Free the networks. May be called more than once."""
        for graph in (self._mesh, self._holistic):
            if graph is not None:
                graph.close()
        self._mesh = self._holistic = None

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def check_picture(picture: np.ndarray) -> None:
    """ValueError unless it is an RGB uint8 picture with at least one pixel."""
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        kind = getattr(picture, "dtype", type(picture).__name__)
        raise ValueError(f"a picture is a uint8 array, not {kind}; scale it to 0..255 and convert it")
    if picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ValueError(f"a picture has the shape (height, width, 3), RGB, not {picture.shape}")


def fit_picture(frame: np.ndarray) -> tuple[np.ndarray, float]:
    """The frame at a size that the networks like, contiguous, and the factor by which it was scaled."""
    height, width = frame.shape[:2]
    scale = 1.0
    if max(height, width) > LONGEST_SIDE:
        scale = LONGEST_SIDE / max(height, width)
    elif max(height, width) < SHORTEST_SIDE:
        scale = SHORTEST_SIDE / max(height, width)
    if scale == 1.0:
        return np.ascontiguousarray(frame), scale
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(frame, size, interpolation=method), scale
