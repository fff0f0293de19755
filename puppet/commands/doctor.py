"""`puppet doctor`: looks at everything that `puppet live` needs, and names the cure of what is missing."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from puppet.commands import arguments
from puppet.errors import PuppetError

OK, WARNING, FAILED = "ok", "warning", "failed"
TRACKER_VERSIONS = ("0.10.21",)
SENDS_METRICS_FROM = (0, 10, 34)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. cure: "" where nothing has to be done."""

    name: str
    state: str  # OK, WARNING: something optional does not work, FAILED: puppet does not work
    found: str
    cure: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from puppet.live.config import PORT

    parser.add_argument("--port", type=int, default=PORT, metavar="N", help="port of puppet live that has to be free")
    arguments.add(parser, "--json")


def run(args: argparse.Namespace) -> None:
    """Raises PuppetError, for the exit code, where a check failed."""
    checks = [
        guarded(look)
        for look in (
            check_python, check_torch, check_generator, check_opencv, check_tracker, check_weights, check_video,
            check_cameras, check_virtual_camera, check_motion, check_settings, lambda: check_port(args.port),
        )
    ]  # fmt: skip
    failed = [check for check in checks if check.state == FAILED]
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    arguments.answer(
        args, {"system": system, "ok": not failed, "checks": [asdict(check) for check in checks]},
        "\n".join(
            f"{check.state:<9}{check.name:<16}{check.found}" + (f"\n{'':<25}{check.cure}" if check.cure else "")
            for check in checks
        ),
    )  # fmt: skip
    if failed:
        raise PuppetError(f"{len(failed)} of {len(checks)} checks failed: {', '.join(check.name for check in failed)}")


def guarded(look: Callable[[], Check]) -> Check:
    """The check, whatever it runs into."""
    try:
        return look()
    except Exception as error:
        name = getattr(look, "__name__", "check").removeprefix("check_").replace("_", " ")
        return Check(name, FAILED, f"{type(error).__name__}: {' '.join(str(error).split())}", "report it as it stands")


def check_python() -> Check:
    version = platform.python_version()
    if (3, 10) <= sys.version_info[:2] <= (3, 12):
        return Check("python", OK, version)
    return Check("python", FAILED, version, "use Python 3.10, 3.11 or 3.12: MediaPipe 0.10.21 has no wheels for others")


def check_torch() -> Check:
    import torch

    from generator.runtime.precision import cpu_has_bfloat16

    found = f"{torch.__version__}, {torch.get_num_threads()} threads"
    if torch.cuda.is_available():
        name = torch.cuda.get_device_name()
        try:
            # an architecture that this build has no kernels for shows only when one is run
            torch.ones(8, device="cuda").sum().item()
        except RuntimeError as error:
            return Check(
                "torch", FAILED, f"{found}, {name}: {str(error).splitlines()[0]}",
                "install a build of torch for this GPU, or use --device cpu",
            )  # fmt: skip
        free, total = (value / 2**30 for value in torch.cuda.mem_get_info())
        return Check("torch", OK, f"{found}, {name}, {free:.1f} of {total:.1f} GiB free")
    if torch.backends.mps.is_available():
        return Check("torch", OK, f"{found}, Metal")
    return Check("torch", OK, f"{found}, no GPU, bfloat16 {'fast' if cpu_has_bfloat16() else 'slow (float32 is used)'}")


def check_generator() -> Check:
    """One step of the smallest model, so that a kernel that does not run is found here."""
    import numpy as np

    from generator.portrait.stream import PortraitStream
    from puppet.core.models import load_generator

    stream = PortraitStream(load_generator("tiny", "random", 64))
    warp, guide = np.zeros((4, 64, 64, 4), np.uint8), np.zeros((4, 32, 32, 8), np.uint8)
    stream.lock(warp[0], warp, guide)
    stream.step(warp, guide)
    return Check("generator", OK, f"runs on {stream.device} in {str(stream.dtype).removeprefix('torch.')}")


def check_opencv() -> Check:
    packages = [f"opencv{contrib}-python{headless}" for contrib in ("", "-contrib") for headless in ("", "-headless")]
    names = [f"{name} {version}" for name in packages if (version := _version(name))]
    if len(names) > 1:
        return Check(
            "opencv", WARNING, ", ".join(names),
            "keep only opencv-contrib-python: pip uninstall the others, then pip install --force-reinstall "
            "--no-deps opencv-contrib-python",
        )  # fmt: skip
    import cv2

    return Check("opencv", OK, names[0] if names else cv2.__version__)


def check_tracker() -> Check:
    cure = f"pip install mediapipe=={TRACKER_VERSIONS[0]}"
    version = _version("mediapipe")
    if version is None:
        return Check("tracker", FAILED, "MediaPipe is missing", cure)
    if version in TRACKER_VERSIONS:
        return Check("tracker", OK, f"MediaPipe {version}")
    parts = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    metrics = " and sends usage metrics to its maker" if parts >= SENDS_METRICS_FROM else ""
    return Check("tracker", FAILED, f"MediaPipe {version} carries no models{metrics}", cure)


def check_weights() -> Check:
    from generator.checkpoint import WeightsError, load, shipped

    path = shipped("pocket")
    if not path.exists():
        return Check("weights", FAILED, f"{path} is not there", "install puppet anew, or give --weights FILE")
    try:
        load(path, dtype=None)
    except WeightsError as error:
        return Check("weights", FAILED, str(error), "install puppet anew")
    return Check("weights", OK, f"pocket, {path.stat().st_size / 2**20:.1f} MiB")


def check_video() -> Check:
    import av

    from puppet.media.video_writer import OPAQUE

    missing = sorted({form.codec for form in OPAQUE.values() if form.codec not in av.codecs_available})
    if missing:
        return Check("video", WARNING, f"PyAV {av.__version__} without {', '.join(missing)}", "pip install -U av")
    return Check("video", OK, f"PyAV {av.__version__}")


def check_cameras() -> Check:
    from puppet.capture.devices import list_cameras
    from puppet.capture.sources import Webcam
    from puppet.commands.cameras import look, sentence

    cameras = [camera for camera in list_cameras() if not camera.virtual]
    if not cameras:
        return Check("cameras", WARNING, "none", "connect one; --camera synthetic and --camera FILE work without")
    tests = [look(Webcam(str(camera.index)), 1.0) for camera in cameras]
    bad = [test for test in tests if "error" in test or "black" in sentence(test)]
    found = "; ".join(f"{c.index} '{c.name}': {sentence(test)}" for c, test in zip(cameras, tests, strict=True))
    return Check("cameras", WARNING if len(bad) == len(tests) else OK, found)


def check_virtual_camera() -> Check:
    from puppet.outputs.virtual_camera import VirtualCamera

    camera = VirtualCamera()
    try:
        camera.open((256, 256), 24)
    except PuppetError as error:
        return Check("virtual camera", WARNING, "cannot be used", str(error))
    device = camera.device
    camera.close()
    if device.startswith("/dev/") and _exclusive_caps() == "N":
        return Check(
            "virtual camera", WARNING, f"{device} without exclusive_caps: browsers will not list it",
            "sudo modprobe -r v4l2loopback, then load it with exclusive_caps=1",
        )  # fmt: skip
    return Check("virtual camera", OK, device)


def check_motion() -> Check:
    if version := _version("python-osc"):
        return Check("motion", OK, f"python-osc {version}")
    return Check(
        "motion", WARNING, "python-osc is missing: no VMC in or out", "pip install 'puppet-live[osc]', where wanted"
    )


def check_settings() -> Check:
    from puppet.commands import live
    from puppet.commands.settings_file import settings_path

    path = settings_path()
    if not path.exists():
        return Check("settings", OK, f"none ({path})")
    try:
        live.settings(path)
    except PuppetError as error:
        return Check("settings", FAILED, str(error), f"mend {path}")
    return Check("settings", OK, str(path))


def check_port(port: int) -> Check:
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            return Check("port", WARNING, f"{port} cannot be used: {error}", "give puppet live --port another")
    return Check("port", OK, f"{port} is free")


def _version(name: str) -> str | None:
    """Of an installed package."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _exclusive_caps() -> str:
    """Y or N of the first device of the loaded v4l2loopback module, "" where that is not known."""
    try:
        return Path("/sys/module/v4l2loopback/parameters/exclusive_caps").read_text()[:1]
    except OSError:
        return ""
