"""What can be done while the stream runs: one table for keys and the local HTTP endpoint."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from puppet.errors import PuppetError, nearest
from puppet.live.card import card_picture
from puppet.live.driver_state import DriverState
from puppet.live.portrait_library import PortraitLibrary
from puppet.live.sender import Sender
from puppet.outputs.file import File

KEYS = {
    "x": "calibrate",  # take the neutral face after a countdown
    "f": "freeze",  # keep the present picture, and go on
    "b": "blank",  # show a card instead, and go on
    "m": "mirror",  # mirror the person, or not
    "h": "hands",  # let arms and hands follow, or rest
    "r": "record",  # begin a recording, and end it
    "i": "statistics",  # show figures in the window, or not
    "n": "next",  # the next portrait of the folder
    "p": "previous",  # the portrait before
    "escape": "quit",
}
PORTRAIT = "portrait"  # followed by its number, from 1; the keys 1 to 9


class Controls:
    """Carries commands out. May be called from any thread; every command answers with one line."""

    def __init__(
        self, state: DriverState, sender: Sender, library: PortraitLibrary, recordings: Path, transparent: bool,
        end: Callable[[], None],
    ):  # fmt: skip
        self._driver, self._sender, self._library = state, sender, library
        self._recordings, self._transparent, self._end = recordings, transparent, end
        self._recording: File | None = None
        self._lock = threading.Lock()
        self.statistics = False  # whether the window shows them

    def run(self, name: str) -> str:
        """Carry out a command by its name, such as "blank" or "portrait 2". Raises PuppetError."""
        word, _, rest = name.strip().partition(" ")
        with self._lock:
            if word == PORTRAIT:
                if not rest.strip().isdigit():
                    raise PuppetError("say which portrait: portrait 1 is the first")
                self._library.number(int(rest))
                return f"portrait {rest.strip()} is being prepared"
            if word not in KEYS.values() or rest:
                raise PuppetError(f"unknown command '{name}'{nearest(name, [*KEYS.values(), PORTRAIT])}")
            return getattr(self, f"_{word}")()

    def key(self, key: str) -> str | None:
        """Carry out a pressed key's command; None where the key has none."""
        if key in "123456789":
            return self.run(f"{PORTRAIT} {key}")
        name = KEYS.get(key.lower())
        return self.run(name) if name else None

    @property
    def state(self) -> dict:
        return {
            "portrait": self._driver.character.name,
            "face": not self._driver.lost,
            "calibrated": self._driver.calibrated,
            "fit": self._driver.fit.score if self._driver.fit else None,
            "frozen": self._driver.frozen,
            "blank": self._sender.card is not None,
            "mirrored": self._driver.mirrored,
            "hands": self._driver.hands,
            "recording": str(self._recording.path) if self._recording else None,
        }

    def output_lost(self, output: object) -> None:
        """An output broke; if it was the recording, there is none any more."""
        if output is self._recording:
            self._recording = None

    def _hands(self) -> str:
        self._driver.set_hands(not self._driver.hands)
        return "arms and hands follow" if self._driver.hands else "arms and hands rest"

    def _calibrate(self) -> str:
        self._driver.calibrate()
        return "look into the camera, mouth closed, and hold still"

    def _freeze(self) -> str:
        self._sender.frozen = self._driver.frozen = not self._driver.frozen
        return "frozen" if self._driver.frozen else "moving"

    def _blank(self) -> str:
        last = self._sender.last
        height, width = last.person.shape[:2]
        self._sender.card = None if self._sender.card else card_picture((height, width), last.background)
        return "blank" if self._sender.card else "on air"

    def _mirror(self) -> str:
        self._driver.mirrored = not self._driver.mirrored
        return "mirrored" if self._driver.mirrored else "not mirrored"

    def _record(self) -> str:
        if self._recording is not None:
            done, self._recording = self._recording, None
            error = self._sender.remove(done)
            return f"{done.path} is lost: {error}" if error else f"recorded {done.path}"
        suffix = ".webm" if self._transparent else ".mp4"
        path = self._recordings / datetime.now().strftime(f"puppet-%Y%m%d-%H%M%S{suffix}")
        recording = File(path, self._transparent)
        self._sender.add(recording)
        self._recording = recording
        return f"recording {path}"

    def _statistics(self) -> str:
        self.statistics = not self.statistics
        return "statistics on" if self.statistics else "statistics off"

    def _next(self) -> str:
        self._library.step(1)
        return "the next portrait is being prepared"

    def _previous(self) -> str:
        self._library.step(-1)
        return "the portrait before is being prepared"

    def _quit(self) -> str:
        self._end()
        return "ending"
