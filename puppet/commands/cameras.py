"""`puppet cameras`: which cameras there are, and whether they give pictures."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict

from puppet.commands import arguments
from puppet.errors import PuppetError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--test", action="store_true", help="open each one and look at its pictures")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="N", help="that --test looks at each camera")
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    arguments.check_positive(args, "seconds")
    from puppet.capture.devices import list_cameras
    from puppet.capture.sources import Webcam

    cameras = list_cameras()
    found = [asdict(camera) for camera in cameras]
    if args.test:
        for camera in found:
            camera["test"] = look(Webcam(str(camera["index"])), args.seconds)
    lines = []
    for camera in found:
        line = f"{camera['index']:>3}  {camera['name']}" + (" (virtual)" if camera["virtual"] else "")
        lines.append(line + (f"  {sentence(camera['test'])}" if args.test else ""))
    text = "\n".join(lines) or "no camera; --camera synthetic and --camera FILE work without one"
    arguments.answer(args, {"cameras": found}, text)


def look(source, seconds: float) -> dict:
    """What a camera gives in so many seconds: {"error"} or {"width", "height", "fps", "brightness"}."""
    try:
        source.open()
    except PuppetError as error:
        return {"error": str(error)}
    try:
        start, count, image = time.perf_counter(), 0, None
        while time.perf_counter() - start < seconds:
            frame = source.read()
            if frame is not None:
                image, count = frame, count + 1
        elapsed = time.perf_counter() - start
    finally:
        source.close()
    if image is None:
        return {"error": "it opens, but gives no pictures: is it used by another program?"}
    height, width = image.shape[:2]
    return {
        "width": width, "height": height, "fps": round(count / elapsed, 1),
        "brightness": round(float(image[::8, ::8].mean()), 1),
    }  # fmt: skip


def sentence(test: dict) -> str:
    from puppet.capture.camera import BLACK

    if "error" in test:
        return test["error"]
    black = ", shows only black: is its cover closed?" if test["brightness"] < BLACK else ""
    return f"{test['width']} x {test['height']}, {test['fps']:.0f} frames a second{black}"
