"""A longer search for the face in a still in which the plain tracker sees none.

Paintings, statues, drawn and three-dimensional characters, and faces that are small, off-centre or fill the whole
picture are mostly found once they are shown to the same networks at the size, place and contrast of a webcam face.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np

from .landmarks import CHIN, EYE_OUTER_CORNERS, FACE_POINTS, LIPS_INNER, NOSE_TIP
from .mesh import eye_distance, mirrored_landmarks
from .networks import STILL_PASSES, face_array

VIEW = 384  # px, side of the square in which a candidate is shown to the network
AROUND = 4.5  # eye distances, side of the window in which a face is looked at again
# Eye distances by which the landmarks of a face and of its mirror image differ at most, on the mean. Measured: 0.01 to
# 0.08 for photographs, paintings and drawings, even upside down; animals, towers and full profiles differ by 1 or are
# not found again.
MIRRORED_MISS = 0.3

Treatment = Callable[[np.ndarray], np.ndarray]


def search_face(solutions: Any, mesh: Any, picture: np.ndarray) -> np.ndarray | None:
    """Face landmarks (478, 3) in the picture's pixels, or None. `mesh` is a video-mode FaceMesh; it is reset."""
    windows = list(_windows(solutions, picture))
    for treatment in (plain, _equalised):
        for window in windows:
            face = _look(mesh, treatment(_cut(picture, window)), window)
            if face is not None and is_face(face) and is_seen_mirrored(mesh, treatment, picture, face):
                return face
    return None


def face_guesses(solutions: Any, mesh: Any, picture: np.ndarray) -> Iterator[np.ndarray]:
    """What looks like a face (478, 3) in the picture, whether or not its mirror image does: for those who can tell
    otherwise. Each place once. The mesh is reset."""
    seen: list[np.ndarray] = []
    for window in list(_windows(solutions, picture)):
        face = _look(mesh, _cut(picture, window), window)
        if face is None or not is_face(face):
            continue
        apart = [np.linalg.norm(face[:, :2] - other[:, :2], axis=1).mean() for other in seen]
        if min(apart, default=np.inf) > MIRRORED_MISS * eye_distance(face):
            seen.append(face)
            yield face


def is_face(face: np.ndarray) -> bool:
    """Whether landmarks lie as those of an upright face do: eyes above nose above mouth above chin, none collapsed."""
    eyes = face[list(EYE_OUTER_CORNERS), :2]
    middle = eyes.mean(axis=0)
    width = float(np.linalg.norm(face[EYE_OUTER_CORNERS[1]] - face[EYE_OUTER_CORNERS[0]]))
    down = face[CHIN, :2] - middle
    height = float(np.linalg.norm(down))
    if width < 6 or not 0.6 < height / width < 3.5:
        return False
    nose, mouth = (
        float((face[list(points), :2].mean(axis=0) - middle) @ down) / height**2 for points in ((NOSE_TIP,), LIPS_INNER)
    )
    return 0.1 < nose < mouth < 1.0


def is_seen_mirrored(mesh: Any, treatment: Treatment, picture: np.ndarray, face: np.ndarray) -> bool:
    """Whether the network finds the same landmarks in the mirror image, as it does of what really is a face. The mesh
    is reset."""
    unit, middle = eye_distance(face), face[:, :2].mean(axis=0)
    if not unit > 0:
        return False
    window = (float(middle[0]), float(middle[1]), AROUND * unit)
    view = np.ascontiguousarray(treatment(_cut(picture, window))[:, ::-1])
    mirrored = _look(mesh, view, window)
    if mirrored is None:
        return False
    mirrored = mirrored[mirrored_landmarks(), :2]
    mirrored[:, 0] = 2 * window[0] - mirrored[:, 0]
    return float(np.linalg.norm(mirrored - face[:, :2], axis=1).mean()) < MIRRORED_MISS * unit


def _windows(solutions: Any, picture: np.ndarray) -> Iterator[tuple[float, float, float]]:
    """Squares to look into, as centre x, centre y, side: what two face detectors propose, then a grid."""
    height, width = picture.shape[:2]
    for model in (1, 0):
        with solutions.face_detection.FaceDetection(model_selection=model, min_detection_confidence=0.25) as detector:
            for extra in (0.0, 0.25, 0.6):
                side = max(height, width) * (1 + 2 * extra)
                window = (width / 2, height / 2, side)
                for detection in detector.process(_cut(picture, window)).detections or ():
                    box = detection.location_data.relative_bounding_box
                    x = window[0] + (box.xmin + box.width / 2 - 0.5) * side
                    y = window[1] + (box.ymin + box.height / 2 - 0.5) * side
                    for margin in (2.2, 1.5, 3.2):
                        yield x, y, max(box.width, box.height) * side * margin
    longest, shortest = max(height, width), min(height, width)
    yield width / 2, height / 2, longest * 1.5
    for part in (1.0, 0.6, 0.36):
        side = shortest * part
        columns = np.linspace(side / 2, width - side / 2, max(1, int(np.ceil(2 * (width - side) / side)) + 1))
        rows = np.linspace(side / 2, height - side / 2, max(1, int(np.ceil(2 * (height - side) / side)) + 1))
        for y in rows:
            for x in columns:
                yield float(x), float(y), side


def _cut(picture: np.ndarray, window: tuple[float, float, float]) -> np.ndarray:
    """The square window of the picture at VIEW px, its border repeated outside."""
    x, y, side = window
    scale = VIEW / side
    # pixel centres lie at half coordinates, OpenCV's at whole ones
    shift = [VIEW / 2 - centre * scale - 0.5 + scale / 2 for centre in (x, y)]
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    if scale < 1:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / scale)
    return cv2.warpAffine(picture, matrix, (VIEW, VIEW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _look(mesh: Any, view: np.ndarray, window: tuple[float, float, float]) -> np.ndarray | None:
    mesh.reset()
    landmarks = None
    for _ in range(STILL_PASSES):
        found = mesh.process(view).multi_face_landmarks
        if not found:
            return None
        landmarks = found[0]
    x, y, side = window
    face = face_array(landmarks, (VIEW, VIEW))
    if face.shape != (FACE_POINTS, 3):
        return None
    return face * np.float32(side / VIEW) + np.array([x - side / 2, y - side / 2, 0], np.float32)


def plain(view: np.ndarray) -> np.ndarray:
    return view


def _equalised(view: np.ndarray) -> np.ndarray:
    """Grey with strong local contrast: what shows a statue's or a dim painting's features."""
    grey = cv2.cvtColor(view, cv2.COLOR_RGB2GRAY)
    grey = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(6, 6)).apply(grey)
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
