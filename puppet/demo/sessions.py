"""The sessions of the page: one for each open tab, gone when it is closed."""

from __future__ import annotations

import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from puppet.core.background import Background
from puppet.core.character import Character, load_character
from puppet.demo.engine import Engine
from puppet.demo.marking import Marking
from puppet.demo.webcam import WebcamSession
from puppet.errors import PuppetError
from puppet.media.pictures import read_picture


@dataclass(eq=False)
class TabSession:
    """What one tab has chosen. `folder` is its own, for what is made for it."""

    engine: Engine
    folder: Path
    portrait: Path | None = None
    character: Character | None = None
    picture: np.ndarray | None = None  # (H, W, 3) uint8, that points are marked on
    marking: Marking | None = None
    webcam: WebcamSession | None = None
    _background: Background | None = None

    def set_portrait(self, portrait: Path | None) -> None:
        """Choose a portrait. Raises PuppetError where it cannot be used; then there is none."""
        self.portrait, self.character, self._background = portrait, None, None
        if portrait is not None:
            self.character = load_character(portrait, self.engine.size, "original", framing=self.engine.framing)

    def staged(self, background: str) -> tuple[Character, Background]:
        """The chosen portrait, the same object as long as it is chosen, and what is to be behind it.

        Raises PuppetError where there is no portrait, or no such background.
        """
        character, behind = self.character, self._background
        if character is None:
            raise PuppetError("there is no portrait ready yet: choose one, and mark its points if no face was found")
        if behind is None or behind.choice != background:
            behind = self._background = Background(background, character.size.cut(character.portrait.background))
        return character, behind

    def mark(self) -> None:
        """Begin marking the points of the chosen portrait by hand. Raises PuppetError where there is none."""
        if self.portrait is None:
            raise PuppetError("choose a portrait first")
        self.picture = read_picture(self.portrait, "portrait")
        self.marking = Marking((self.picture.shape[1], self.picture.shape[0]))

    def use_marked(self) -> Path:
        """Use the marked points as a sidecar beside a copy of the portrait, and give that file.

        Raises PuppetError where the points make no face.
        """
        if self.portrait is None or self.marking is None:
            raise PuppetError("choose a portrait first")
        copy = self.folder / self.portrait.name
        if copy != self.portrait:
            shutil.copyfile(self.portrait, copy)
        sidecar = self.marking.write(copy)
        self.set_portrait(copy)
        return sidecar

    def camera(self) -> WebcamSession:
        if self.webcam is None:
            self.webcam = WebcamSession(self.engine.renderer(), self.engine.hands == "auto")
        return self.webcam

    def leave(self) -> None:
        if self.webcam is not None:
            self.webcam.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Sessions:
    """Sessions by the name of their tab, with folders in `folder`."""

    def __init__(self, engine: Engine, folder: Path):
        self.engine = engine
        self._folder = folder
        self._lock = threading.Lock()
        self._here: dict[str, TabSession] = {}

    def __len__(self) -> int:
        return len(self._here)

    def of(self, name: str | None) -> TabSession:
        if not name:
            raise PuppetError("this can only be used from the page")
        with self._lock:
            if name not in self._here:
                own = Path(tempfile.mkdtemp(prefix="session-", dir=self._folder))
                self._here[name] = TabSession(self.engine, own)
            return self._here[name]

    def leave(self, name: str | None) -> None:
        with self._lock:
            session = self._here.pop(name, None)
        if session is not None:
            session.leave()

    def close(self) -> None:
        for name in list(self._here):
            self.leave(name)
