"""`puppet live`: from a webcam into a virtual camera, a browser, a window or a file."""

from __future__ import annotations

import argparse
import sys
from dataclasses import fields
from pathlib import Path

from puppet.capture.sources import Source, make_source
from puppet.commands import arguments
from puppet.commands.settings_file import Flags, add_file
from puppet.errors import PuppetError
from puppet.live.config import PORT, LiveConfig
from puppet.live.statistics import AGES
from puppet.outputs.factory import NAMES, make_outputs
from puppet.vmc.receiver import VmcReceiver
from puppet.vmc.sender import VmcSender

SWITCH = ("on", "off")
LARGEST_CANVAS = 4096  # px a side


def add_arguments(parser: argparse.ArgumentParser) -> None:
    arguments.add(parser, "--portrait")
    parser.add_argument("--portraits", type=Path, metavar="DIR", help="folder of portraits to change to while it runs")
    parser.add_argument(
        "--camera",
        default="0",
        metavar="NAME|INDEX|FILE|synthetic|vmc[:PORT]",
        help="webcam by (part of) its name or by its index, a video file, the bundled driver, or the motion that "
        "another program sends as VMC; puppet cameras lists webcams",
    )
    parser.add_argument(
        "--output",
        nargs="+",
        default=["window"],
        metavar="|".join(NAMES) + "|FILE",
        help="one or more places for the pictures; a FILE ends in .mp4, .mov, .mkv or .webm",
    )
    parser.add_argument(
        "--send-motion",
        metavar="HOST:PORT[/arkit|/vrm]",
        help="also send the tracked motion, as VMC, to a program that moves another avatar; /arkit and /vrm choose the "
        "names of the blendshapes",
    )
    parser.add_argument(
        "--fps", type=int, metavar="N", help="pictures a second; without it 60, 30 or 24, as the machine allows"
    )
    parser.add_argument(
        "--reprojection",
        default="on",
        metavar="on|off",
        help="on: every picture shows the newest pose, with the generator's latest change carried to it; off: the "
        "generated frames as they are, 24 a second, a fifth of a second late",
    )
    parser.add_argument("--seconds", type=float, metavar="N", help="length of the run; without it, until Ctrl-C")
    arguments.add(parser, *arguments.LOOK)
    parser.add_argument("--strength", type=float, default=1.0, metavar="N", help="factor on the motion, 0 to 3")
    parser.add_argument(
        "--mirror", action=argparse.BooleanOptionalAction, help="mirror the person, as a mirror would show you"
    )
    parser.add_argument(
        "--calibrate",
        action=argparse.BooleanOptionalAction,
        help="take the neutral face at the start, after a countdown",
    )
    parser.add_argument(
        "--canvas", default="1280x720", metavar="WIDTHxHEIGHT", help="pixels of the virtual camera's picture"
    )
    parser.add_argument(
        "--virtual-camera-backend",
        metavar="NAME",
        help="v4l2loopback, obs or unitycapture (the one with transparency); without it, the first that there is",
    )
    parser.add_argument(
        "--recordings", type=Path, default=Path("."), metavar="DIR", help="folder for what the key R records"
    )
    parser.add_argument(
        "--control", action=argparse.BooleanOptionalAction, help="take commands at http://127.0.0.1:PORT/command/NAME"
    )
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="N", help="of the browser output and the commands, this machine only"
    )
    arguments.add(parser, *arguments.MODEL, "--attention")
    add_file(parser)
    arguments.add(parser, "--json")
    parser.set_defaults(flags=Flags(parser))


def run(args: argparse.Namespace) -> None:
    args = args.flags.resolve(args, args.settings)
    if args.reprojection not in SWITCH:
        raise PuppetError(f"--reprojection {args.reprojection} is not possible: choose on or off")
    args.reprojection = args.reprojection == "on"
    config = LiveConfig(**{field.name: getattr(args, field.name) for field in fields(LiveConfig)})
    config.check()
    outputs = make_outputs(args.output, parse_canvas(args.canvas), args.virtual_camera_backend, config.transparent)
    source = make_source(args.camera)
    motion_out = make_motion_out(args.send_motion, config, source)
    # torch takes seconds to import; what is wrong with the rest is said before
    from puppet.live.session import Session

    summary = Session(config, source, outputs, report, motion_out).run()
    line = f"{summary['frames']} frames at {summary['fps']:.1f} a second, largest gap {summary['max_gap_ms']:.0f} ms"
    for kind in AGES:
        age = summary[f"{kind}_latency_ms"]
        if age["p50"] is not None:
            line += f", {kind} latency {age['p50']:.0f} ms (95 %: {age['p95']:.0f} ms)"
    arguments.answer(args, summary, line)


def settings(path: Path, profile: str | None = None) -> tuple[Flags, argparse.Namespace]:
    """The flags, and what they are by the file alone. Raises PuppetError for a wrong file."""
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    given = parser.parse_args(["--profile", profile] if profile else [])
    return given.flags, given.flags.resolve(given, path)


def make_motion_out(target: str | None, config: LiveConfig, source: Source | VmcReceiver) -> VmcSender | None:
    """Where tracked motion is sent. Raises PuppetError for what cannot be, --motion with a VMC camera among it."""
    if isinstance(source, VmcReceiver) and config.motion != "relative":
        raise PuppetError("--camera vmc brings motion and no face of its own: use --motion relative")
    if target is None:
        return None
    sender = VmcSender(target, report)
    if isinstance(source, VmcReceiver) and sender.port == source.port and sender.address[0] in ("127.0.0.1", "::1"):
        sender.close()
        raise PuppetError(f"--send-motion {target} is where --camera vmc:{source.port} listens: change one port")
    return sender


def report(line: str) -> None:
    """One line to the user, who may be watching several programs."""
    print(f"puppet: {line}", file=sys.stderr, flush=True)


def parse_canvas(text: str) -> tuple[int, int]:
    """(width, height) of "1280x720". Raises PuppetError unless both are even and sensible."""
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        raise PuppetError(f"--canvas {text} is no size: write it like 1280x720")
    width, height = map(int, parts)
    if width % 2 or height % 2 or not all(64 <= side <= LARGEST_CANVAS for side in (width, height)):
        raise PuppetError(f"--canvas {text} is not possible: give even numbers from 64 to {LARGEST_CANVAS}")
    return width, height
