"""A camera that every meeting program can choose, made by pyvirtualcam.

pyvirtualcam is GPL-2.0, therefore an extra, and imported only here, only when this output is asked for.
"""

from __future__ import annotations

import sys
from typing import Any

from puppet.errors import PuppetError, extra_needed
from puppet.media.alpha import straight_alpha
from puppet.outputs.base import Output, Picture
from puppet.outputs.canvas import Canvas

MODPROBE = 'sudo modprobe v4l2loopback devices=1 video_nr=10 card_label="Puppet" exclusive_caps=1'
ALPHA_BACKENDS = ("unitycapture",)


class VirtualCamera(Output):
    """width x height, both even, because cameras halve the resolution of colour.

    backend: None lets pyvirtualcam choose: v4l2loopback on Linux, OBS on macOS, OBS and then Unity Capture on Windows.
    """

    name = "virtual-camera"

    def __init__(self, width: int = 1280, height: int = 720, backend: str | None = None, device: str | None = None):
        self._canvas = Canvas(width, height)
        self._backend, self._device = backend, device
        self._camera: Any = None

    @property
    def device(self) -> str:
        """Its name in the other program's list."""
        return self._camera.device

    def open(self, size: tuple[int, int], fps: int) -> None:
        with extra_needed("a virtual camera needs pyvirtualcam", "virtualcam"):
            import pyvirtualcam
            from pyvirtualcam.camera import BACKENDS
        if self._backend is not None and self._backend not in BACKENDS:
            raise PuppetError(f"unknown virtual camera '{self._backend}': on this system choose {', '.join(BACKENDS)}")
        formats = pyvirtualcam.PixelFormat
        self._alpha = self._backend in ALPHA_BACKENDS
        try:
            self._camera = pyvirtualcam.Camera(
                self._canvas.width, self._canvas.height, fps, fmt=formats.RGBA if self._alpha else formats.RGB,
                device=self._device, backend=self._backend,
            )  # fmt: skip
        except (RuntimeError, OSError, ValueError) as error:
            raise PuppetError(no_device(sys.platform, str(error))) from error

    def send(self, picture: Picture) -> None:
        canvas = self._canvas(picture)
        frame = straight_alpha(canvas) if self._alpha and picture.background.square is None else canvas
        try:
            self._camera.send(frame if self._alpha else frame[..., :3])
        except (RuntimeError, OSError, ValueError) as error:
            raise PuppetError(
                f"the virtual camera stopped taking pictures ({error}): close the program that uses it, and start "
                "puppet before it"
            ) from error

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None


def no_device(platform: str, reason: str) -> str:
    """Cause and cure on one line, for the system that `platform` (sys.platform) names."""
    reason = " ".join(reason.split())
    if platform.startswith("linux"):
        if "ermission denied" in reason:
            return "the virtual camera may not be opened: run 'sudo usermod -aG video $USER' and log in again"
        if "busy" in reason.lower():
            return (
                "the virtual camera is held by another program: close it, then run "
                f"'sudo modprobe -r v4l2loopback; {MODPROBE}'"
            )
        return (
            f"no virtual camera on this machine: run '{MODPROBE}' (where there is no such module: 'sudo apt install "
            "v4l2loopback-dkms' first)"
        )
    if platform == "darwin":
        return (
            "no virtual camera on this machine: install OBS 30 or newer, press Start Virtual Camera and then Stop "
            "Virtual Camera in it once, and allow its extension in System Settings > General > Login Items & Extensions"
        )
    if platform == "win32":
        return (
            "no virtual camera on this machine: install OBS (winget install OBSProject.OBSStudio), start it once, and "
            "leave its own virtual camera off"
        )
    return f"no virtual camera on this machine ({reason})"
