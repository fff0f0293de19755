"""What one run of `puppet live` is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from puppet.core.look import PictureSize, check_look
from puppet.core.remote_stream import StreamChoice
from puppet.errors import PuppetError
from puppet.media import PORTRAIT

MOST_FPS = 120
PORT = 8347  # of the browser output and the commands


@dataclass(frozen=True)
class LiveConfig:
    """Defaults are those of the command line."""

    portrait: Path = PORTRAIT
    portraits: Path | None = None  # folder of portraits to change to
    motion: str = "relative"
    background: str = "original"
    strength: float = 1.0  # factor on the motion, 0 to 3
    mirror: bool = False
    calibrate: bool = False  # begin with a calibration
    fps: int | None = None  # pictures a second; None: as many of 60, 30 and 24 as the machine can make
    reprojection: bool = True  # False: the generated frames as they are, later
    seconds: float | None = None  # None: until it is ended
    recordings: Path = Path(".")  # folder for what the key R records
    control: bool = False  # take commands over HTTP, also without a browser output
    port: int = PORT
    model: str = "pocket"
    weights: str = "shipped"
    size: int | str = 256  # N, or "WIDTHxHEIGHT"
    framing: str = "auto"
    hands: str = "auto"
    device: str = "auto"
    seed: int = 0
    attention: str = "sdpa"

    def check(self) -> None:
        """Raises PuppetError for values that are not possible."""
        if self.seconds is not None and not self.seconds > 0:
            raise PuppetError(f"--seconds {self.seconds:g} is not possible: give more than 0, or leave it out")
        if not 0 <= self.strength <= 3:
            raise PuppetError(f"--strength {self.strength:g} is not possible: give a number from 0 to 3")
        if self.fps is not None and not 1 <= self.fps <= MOST_FPS:
            raise PuppetError(f"--fps {self.fps} is not possible: give a number from 1 to {MOST_FPS}")
        if not self.recordings.is_dir():
            raise PuppetError(f"--recordings {self.recordings} is no folder: make it first")
        PictureSize.of(self.size, "--size")
        check_look(self.motion, self.background, self.framing, self.hands)

    @property
    def transparent(self) -> bool:
        return self.background == "transparent"

    @property
    def stream(self) -> StreamChoice:
        return StreamChoice(
            self.model, self.weights, PictureSize.of(self.size).side, self.device, self.seed, self.attention
        )
