"""What all tabs of the demo share: the generator's weights, loaded once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from puppet.core.character import Character
from puppet.core.look import PictureSize, check_look
from puppet.core.models import AnyStream, load_generator, stream_of
from puppet.core.puppet import Progress, Puppet
from puppet.core.renderer import Renderer
from puppet.core.timings import Timings
from puppet.core.warp_stream import WARP, WarpStream, check_warp
from puppet.media.video_reader import VideoReader

TELL_EVERY = 12  # frames between two reports of progress
WORDS = {"tracking": "Watching the driver", "rendering": "Making the clip"}


class Engine:
    """The generator. Raises PuppetError for a model, weights, device or size that cannot be used."""

    def __init__(
        self,
        model: str,
        weights: str,
        device: str,
        size: int | str,
        seed: int = 0,
        framing: str = "auto",
        hands: str = "auto",
    ):
        check_look(framing=framing, hands=hands)
        self.size, self.framing, self.hands = PictureSize.of(size, "--size"), framing, hands
        self._device, self._seed = device, seed
        if model == WARP:
            check_warp(weights)
        self._generator = None if model == WARP else load_generator(model, weights, self.size.side)
        self._stream()  # say now what is wrong with the device

    def _stream(self) -> AnyStream:
        """A new stream of frames. All of them share the weights."""
        if self._generator is None:
            return WarpStream(self.size.side)
        return stream_of(self._generator, self._device, self._seed)

    def renderer(self) -> Renderer:
        return Renderer(self._stream(), Timings())

    def clip(self, character: Character, driver: Path, strength: float, out: Path) -> Iterator[str]:
        """Write the video of the character moving like the person in `driver`, and say how far it is.

        Where the iterator is closed early, no file is left.
        """
        puppet = Puppet(character, strength=strength, hands=self.hands, stream=self._stream())
        progress = Progress("", 0, None)
        for progress in puppet.film(VideoReader(driver), out):
            if progress.done % TELL_EVERY == 1:
                of = f" of {progress.total}" if progress.total else ""
                yield f"{WORDS[progress.work]}: {progress.done}{of} frames"
        yield "Done" + (f" (no face in {puppet.lost})" if puppet.lost else "") + f": {progress.done} frames"
