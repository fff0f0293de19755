"""Sends a tracked person as VMC: bones of head, neck, eyes and spine, and blendshapes. Only these numbers leave."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable

import cv2
import numpy as np

from pose.motion.blendshapes import BlendshapeMeter
from pose.motion.neutral import NeutralSearch
from pose.tracking.landmarks import LEFT_SHOULDER, RIGHT_SHOULDER, PoseFrame
from puppet.errors import PuppetError
from puppet.vmc.bones import PLACES, bones_of
from puppet.vmc.names import PERFECT_SYNC, vrm_shapes
from puppet.vmc.osc import PORT, load_osc, parse_port

FAMILIES = ("arkit", "vrm")  # of blendshape names
CALIBRATED = 3  # VMC's word for it
LARGEST_PACKET = 1200  # bytes; what is larger may be cut up on the way and lost as a whole
SEEN = 0.5  # visibility from which a shoulder counts


class VmcSender:
    """Sends to one address, from one thread. Raises PuppetError where the address cannot be understood or found.

    target: HOST:PORT, HOST:PORT/arkit or HOST:PORT/vrm; without a family of names, both are sent. report: takes a line
    for the user when sending fails; that never ends anything.
    """

    def __init__(self, target: str, report: Callable[[str], None]):
        self.target = target
        self._report = report
        self._build = load_osc("osc_message_builder").OscMessageBuilder
        self._bundles = load_osc("osc_bundle_builder")
        host, self.port, self._families = parse_target(target)
        try:
            self.address: tuple
            family, kind, protocol, _, self.address = socket.getaddrinfo(host, self.port, type=socket.SOCK_DGRAM)[0]
        except (OSError, UnicodeError) as error:
            raise PuppetError(
                f"--send-motion {target}: there is no computer '{host}': give its address, 127.0.0.1 for this one"
            ) from error
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._start = time.perf_counter()
        self._failing = False
        self._neutral: PoseFrame | None = None
        self._meter: BlendshapeMeter | None = None
        self._search = NeutralSearch()

    def send(self, pose: PoseFrame, neutral: PoseFrame | None = None) -> None:
        """One tracked frame, relative to the neutral one of the same person.

        neutral: None where nobody knows it: the calmest of the first second is taken.
        """
        messages = [
            self._message("OK", 1, CALIBRATED, 0, int(pose.face is not None)),
            self._message("T", time.perf_counter() - self._start),
        ]
        if pose.face is None:
            self._send(messages)
            return
        self._take_neutral(pose, neutral)
        weights = self._meter.weights(pose)
        bones = bones_of(self._meter.turn(pose), spine_of(pose, self._neutral), weights)
        shapes = dict(zip(PERFECT_SYNC, weights.tolist(), strict=True)) if "arkit" in self._families else {}
        if "vrm" in self._families:
            shapes |= vrm_shapes(weights)
        messages += [self._message("Bone/Pos", name, *PLACES[name], *turn) for name, turn in bones.items()]
        messages += [self._message("Blend/Val", name, value) for name, value in shapes.items()]
        self._send([*messages, self._message("Blend/Apply")])

    def close(self) -> None:
        self._socket.close()

    def _take_neutral(self, pose: PoseFrame, neutral: PoseFrame | None) -> None:
        if neutral is None:
            if self._search is None:
                return
            neutral = self._neutral or pose
            self._search.add(pose)
            if self._search.complete:
                neutral, self._search = self._search.best(), None
        if neutral is not self._neutral:
            self._neutral, self._meter = neutral, BlendshapeMeter(neutral)

    def _message(self, name: str, *values: str | int | float):
        builder = self._build(f"/VMC/Ext/{name}")
        for value in values:
            kind = "s" if isinstance(value, str) else "i" if isinstance(value, int) else "f"
            builder.add_arg(value, kind)
        return builder.build()

    def _send(self, messages: list) -> None:
        try:
            for group in packets(messages):
                bundle = self._bundles.OscBundleBuilder(self._bundles.IMMEDIATELY)
                for message in group:
                    bundle.add_content(message)
                self._socket.sendto(bundle.build().dgram, self.address)
            self._failing = False
        except BlockingIOError:
            pass  # the network is behind; the next frame is worth more than this one
        except OSError as error:
            if not self._failing:
                self._report(f"motion cannot be sent to {self.target} ({error.strerror}); it is tried again")
            self._failing = True


def parse_target(target: str) -> tuple[str, int, tuple[str, ...]]:
    """(host, port, families of names) of "127.0.0.1:39539/vrm". Raises PuppetError."""
    about = f"--send-motion {target}"
    address, slash, family = target.partition("/")
    if slash and family not in FAMILIES:
        raise PuppetError(f"{about}: after the / comes {' or '.join(FAMILIES)}, or leave it out to send both")
    host, colon, port = address.rpartition(":")
    if not colon or not host:
        raise PuppetError(f"{about} is no address: write HOST:PORT, such as 127.0.0.1:{PORT}")
    return host.strip("[]"), parse_port(port, about), (family,) if family else FAMILIES


def packets(messages: Iterable) -> Iterable[list]:
    """The messages in their order, in groups that fit into one packet."""
    group: list = []
    size = 16
    for message in messages:
        if group and size + 4 + message.size > LARGEST_PACKET:
            yield group
            group, size = [], 16
        group.append(message)
        size += 4 + message.size
    if group:
        yield group


def spine_of(pose: PoseFrame, neutral: PoseFrame) -> np.ndarray:
    """(3, 3) turn of the trunk since neutral, from the line through the shoulders; none where they are not seen."""
    if not (_shoulders_seen(pose) and _shoulders_seen(neutral)):
        return np.eye(3)
    now, rest = (
        float(np.arctan2(*(part.body[LEFT_SHOULDER, :2] - part.body[RIGHT_SHOULDER, :2])[::-1]))
        for part in (pose, neutral)
    )
    lean = (now - rest + np.pi) % (2 * np.pi) - np.pi
    return cv2.Rodrigues(np.array([0.0, 0.0, float(np.clip(lean, -0.5, 0.5))]))[0]


def _shoulders_seen(pose: PoseFrame) -> bool:
    return pose.body is not None and float(pose.body[[LEFT_SHOULDER, RIGHT_SHOULDER], 3].min()) > SEEN
