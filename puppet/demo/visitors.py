"""Who is on the page: one entry for each open tab, gone when it is closed."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from puppet.character import Character, load_character
from puppet.demo.marking import Marking
from puppet.demo.studio import Studio
from puppet.demo.webcam import WebcamSession
from puppet.errors import PuppetError
from puppet.outputs.scene import Scene
from puppet.pictures import read_picture


@dataclass(eq=False)
class Visitor:
    """What one tab has chosen. `folder` is its own, for what is made for it."""

    studio: Studio
    folder: Path
    portrait: Path | None = None
    character: Character | None = None
    picture: np.ndarray | None = None  # (H, W, 3) uint8, that points are marked on
    marking: Marking | None = None
    webcam: WebcamSession | None = None
    _scene: Scene | None = None

    def put_on(self, portrait: Path | None) -> None:
        """Choose a portrait. Raises PuppetError where it cannot be used; then there is none."""
        self.portrait, self.character, self._scene = portrait, None, None
        if portrait is not None:
            self.character = load_character(portrait, self.studio.size, "original")

    def staged(self, background: str) -> tuple[Character, Scene]:
        """The chosen portrait, the same object as long as it is chosen, and what is to be behind it.

        Raises PuppetError where there is no portrait, or no such background.
        """
        character, scene = self.character, self._scene
        if character is None:
            raise PuppetError("there is no portrait ready yet: choose one, and mark its points if no face was found")
        if scene is None or scene.choice != background:
            scene = self._scene = Scene(background, character.portrait.background)
        return character, scene

    def mark(self) -> None:
        """Begin marking the points of the chosen portrait by hand. Raises PuppetError where there is none."""
        if self.portrait is None:
            raise PuppetError("choose a portrait first")
        self.picture = read_picture(self.portrait, "portrait")
        self.marking = Marking((self.picture.shape[1], self.picture.shape[0]))

    def put_on_marked(self) -> Path:
        """Use the marked points as a sidecar beside a copy of the portrait, and give that file.

        Raises PuppetError where the points make no face.
        """
        if self.portrait is None or self.marking is None:
            raise PuppetError("choose a portrait first")
        copy = self.folder / self.portrait.name
        if copy != self.portrait:
            shutil.copyfile(self.portrait, copy)
        sidecar = self.marking.write(copy)
        self.put_on(copy)
        return sidecar

    def camera(self) -> WebcamSession:
        if self.webcam is None:
            self.webcam = WebcamSession(self.studio.performer())
        return self.webcam

    def leave(self) -> None:
        if self.webcam is not None:
            self.webcam.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Visitors:
    """Visitors by the name of their tab, with folders in `folder`."""

    def __init__(self, studio: Studio, folder: Path):
        self.studio = studio
        self._folder = folder
        self._lock = threading.Lock()
        self._here: dict[str, Visitor] = {}

    def __len__(self) -> int:
        return len(self._here)

    def of(self, name: str | None) -> Visitor:
        if not name:
            raise PuppetError("this can only be used from the page")
        with self._lock:
            if name not in self._here:
                own = Path(tempfile.mkdtemp(prefix="visitor-", dir=self._folder))
                self._here[name] = Visitor(self.studio, own)
            return self._here[name]

    def leave(self, name: str | None) -> None:
        """Forget a visitor and delete what was made for it."""
        with self._lock:
            visitor = self._here.pop(name, None)
        if visitor is not None:
            visitor.leave()

    def close(self) -> None:
        for name in list(self._here):
            self.leave(name)
