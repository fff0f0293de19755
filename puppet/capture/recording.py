"""A guided minute before the camera, recorded as a video: what a model needs to see of its own person."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from puppet.capture.camera import Camera
from puppet.capture.sources import Source
from puppet.errors import PuppetError
from puppet.media.video_reader import FPS
from puppet.media.video_writer import VideoWriter, check_output

# what to do, and for how many seconds; the end repeats what the middle had, for it is what the result is measured on
GUIDE: tuple[tuple[str, float], ...] = (
    ("Look into the camera, mouth closed, at ease", 4),
    ("Turn your head slowly to the left, to the right, and back", 8),
    ("Look up, down, and back", 6),
    ("Say slowly: A, E, I, O, U", 8),
    ("Smile with closed lips, then show your teeth, then laugh", 7),
    ("Blink a few times, then look left, right, up and down with your eyes only", 7),
    ("Raise your brows, frown, pout", 6),
    ("Lift your hands into the picture, wave, and lower them", 6),
    ("Tell what you did today, with your head and hands moving as they like", 20),
)
SIZE = 2  # both sides of a coded picture are multiples of this


def record(source: Source, out: Path, say: Callable[[str], None], guide: tuple[tuple[str, float], ...] = GUIDE) -> Path:
    """Record the guided performance to `out`; returns it. `say` takes each line for the person in front of the camera.

    Raises PuppetError where the camera cannot be opened or gives no pictures.
    """
    check_output(out, transparent=False)
    camera = Camera(source, say)
    camera.start()
    try:
        first = camera.frames.take(timeout=5.0)
        if first is None:
            raise PuppetError(f"camera '{camera.name}' gives no pictures: is it used by another program?")
        height, width = (extent - extent % SIZE for extent in first.image.shape[:2])
        total = sum(seconds for _, seconds in guide)
        say(f"Recording for {total:.0f} s: do what the lines say, with head and shoulders in the picture (Ctrl-C ends)")
        began, frames = time.perf_counter(), 0
        with VideoWriter(out, (width, height)) as writer:
            end = began
            for text, seconds in guide:
                say(f"{text} ({seconds:.0f} s)")
                end += seconds
                while time.perf_counter() < end:
                    frame = camera.frames.take(timeout=1.0)
                    if frame is None or frame.image.shape != first.image.shape:
                        continue
                    number = round((frame.time - began) * FPS)
                    if number >= frames:
                        writer.write(frame.image[:height, :width], number)
                        frames = number + 1
            if not frames:
                raise PuppetError(f"camera '{camera.name}' gave no pictures")
    finally:
        camera.close()
    say(f"Thank you, that is all; it is kept as {out}")
    return out
