"""Which cameras there are, by name."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from puppet.errors import PuppetError, nearest

VIDEO_CLASS = Path("/sys/class/video4linux")
ASK_SECONDS = 10  # that the system's own tools are given to answer


@dataclass(frozen=True)
class CameraInfo:
    index: int  # as OpenCV counts
    name: str
    virtual: bool = False  # made by software: another program's virtual camera, or our own


def list_cameras() -> list[CameraInfo]:
    """The cameras of this machine, real ones first. Empty where there are none or the system does not tell."""
    if sys.platform.startswith("linux"):
        found = linux_cameras(VIDEO_CLASS)
    elif sys.platform == "darwin":
        found = macos_cameras(_ask(["system_profiler", "SPCameraDataType", "-json"]))
    else:
        found = windows_cameras(_ask(["powershell", "-NoProfile", "-Command", WINDOWS_QUESTION]))
    return sorted(found, key=lambda camera: (camera.virtual, camera.index))


def linux_cameras(folder: Path) -> list[CameraInfo]:
    """Cameras of /sys/class/video4linux. A webcam has a second node, for metadata, which gives no pictures."""
    found = []
    for node in folder.glob("video*"):
        number = re.fullmatch(r"video(\d+)", node.name)
        if number is None or _text(node / "index") not in ("0", ""):
            continue
        name = _text(node / "name") or node.name
        # v4l2 often says the name twice: "Integrated Camera: Integrated C"
        head, _, tail = name.partition(": ")
        name = head if tail and head.startswith(tail[: len(head)]) else name
        virtual = "/devices/virtual/" in str(node.resolve())
        found.append(CameraInfo(int(number[1]), name, virtual))
    return found


def macos_cameras(answer: str) -> list[CameraInfo]:
    """From `system_profiler SPCameraDataType -json`, whose order is AVFoundation's."""
    try:
        entries = json.loads(answer or "{}").get("SPCameraDataType", [])
    except json.JSONDecodeError:
        return []
    names = [str(entry.get("_name", f"camera {k}")) for k, entry in enumerate(entries)]
    return [CameraInfo(k, name, "virtual" in name.lower()) for k, name in enumerate(names)]


WINDOWS_QUESTION = (
    "Get-CimInstance Win32_PnPEntity | Where-Object { $_.PNPClass -in 'Camera','Image' -and $_.Status -eq 'OK' } "
    "| Select-Object -ExpandProperty Name"
)


def windows_cameras(answer: str) -> list[CameraInfo]:
    """From the names that Windows knows, one a line; virtual cameras are not among them."""
    names = [line.strip() for line in answer.splitlines() if line.strip()]
    return [CameraInfo(k, name) for k, name in enumerate(names)]


def find_camera(wanted: str, cameras: list[CameraInfo]) -> CameraInfo:
    """The camera of that index, or whose name is or contains `wanted` in any case. Raises PuppetError."""
    if wanted.isdigit():
        known = [camera for camera in cameras if camera.index == int(wanted)]
        # the system's list may be incomplete; whether there is such a camera shows when it is opened
        return known[0] if known else CameraInfo(int(wanted), unnamed(int(wanted)))
    low = wanted.lower()
    exact = [camera for camera in cameras if camera.name.lower() == low]
    found = exact or [camera for camera in cameras if low in camera.name.lower()]
    if found:
        return found[0]
    if not cameras:
        raise PuppetError(
            f"camera '{wanted}' was not found: there is no camera on this machine; connect one, or use --camera "
            "synthetic or a video file"
        )
    raise PuppetError(
        f"camera '{wanted}' was not found{nearest(wanted, [c.name for c in cameras])}; there are {names_of(cameras)}"
    )


def unnamed(index: int) -> str:
    """What a camera is called that the system does not list."""
    return f"camera {index}"


def names_of(cameras: list[CameraInfo]) -> str:
    return ", ".join(f"{camera.index} '{camera.name}'" for camera in cameras) or "none"


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _ask(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ASK_SECONDS, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""
