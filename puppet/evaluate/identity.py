"""Who is it? The face embedding of face_recognition: a network that the generator never saw.

dlib's ResNet (King 2017, "High quality face recognition with deep metric learning"), 128 numbers. Its weights come with
the package `face_recognition_models`; only the files are read, because importing it needs pkg_resources, which current
versions of setuptools no longer have.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from puppet.errors import PuppetError, extra_needed

RECOGNISER = "dlib_face_recognition_resnet_model_v1.dat"
LANDMARKS = "shape_predictor_5_face_landmarks.dat"
FACE_BOX = 1.0  # the detector's box covers brows to chin: this many heights from the brows to the chin


class FaceEmbedder:
    """(S, S, 3) uint8 RGB -> (128,) float, NaN where no face is seen. Raises PuppetError where the extra is missing."""

    def __init__(self):
        folder = _models_folder()
        with extra_needed("the measure of identity needs dlib", "evaluate"):
            import dlib
        self._dlib = dlib
        self._detector = dlib.get_frontal_face_detector()
        self._landmarks = dlib.shape_predictor(str(folder / LANDMARKS))
        self._recogniser = dlib.face_recognition_model_v1(str(folder / RECOGNISER))

    def __call__(self, picture: np.ndarray, face: np.ndarray | None = None) -> np.ndarray:
        """face: (478, 3) tracked landmarks, which say where to look when the detector (HOG) finds nothing there."""
        picture = np.ascontiguousarray(picture)
        boxes = self._detector(picture, 0) or self._detector(picture, 1)
        if boxes:
            rectangle = max(boxes, key=lambda box: box.area())
        elif face is not None and np.isfinite(face).all():
            rectangle = self._rectangle(face)
        else:
            return np.full(128, np.nan)
        shape = self._landmarks(picture, rectangle)
        return np.array(self._recogniser.compute_face_descriptor(picture, shape, 1))

    def _rectangle(self, face: np.ndarray):
        """The box that the detector would have drawn around tracked landmarks."""
        brows, chin = face[[105, 334], :2].mean(0), face[152, :2]
        half = FACE_BOX * np.linalg.norm(chin - brows) / 2
        x, y = (brows + chin) / 2
        return self._dlib.rectangle(*(int(round(value)) for value in (x - half, y - half, x + half, y + half)))


def _models_folder() -> Path:
    spec = importlib.util.find_spec("face_recognition_models")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "models"
        if (folder / RECOGNISER).exists() and (folder / LANDMARKS).exists():
            return folder
    raise PuppetError(
        "the measure of identity needs the files of face_recognition_models, which are not installed: "
        "pip install 'puppet-live[evaluate]'"
    )
