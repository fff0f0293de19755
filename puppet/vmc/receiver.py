"""Takes VMC from another program in place of a camera: a UDP port of this machine, and poses made of what arrives."""

from __future__ import annotations

import logging
import math
import socket
import threading
import time
from collections.abc import Iterable, Sequence

import numpy as np

from pose.motion.blendshapes import ARKIT, AT, BlendshapeFace
from pose.tracking.landmarks import PoseFrame
from pose.tracking.mesh import face_mesh
from puppet.core.driver import TRACKED_SIDE
from puppet.core.latest_value import LatestValue
from puppet.errors import port_reported
from puppet.vmc.bones import HEAD_CHAIN, Quaternion, gaze_weights, turn_of
from puppet.vmc.names import read_weights
from puppet.vmc.osc import HOST, PORT, load_osc, parse_port

WORD = "vmc"
PREFIX = "/VMC/Ext/"
FRAME, HEAD = "frame", "head"
GAZE = [index for index, name in enumerate(ARKIT) if name.startswith("eyeLook")]
BONES = (*HEAD_CHAIN, "LeftEye", "RightEye")
MOST_SHAPES = 1024  # names that are kept; what sends more is no avatar
APPLY_SECONDS = 0.5  # without a Blend/Apply, after which a Head alone makes a frame
SILENT_SECONDS = 1.0  # without a frame, after which that is said
WAIT = 0.2  # s between two looks at whether to end
LARGEST_PACKET = 65536
EYES = 0.25  # distance of the outer eye corners, as a share of the made-up picture


def resting_face() -> PoseFrame:
    """The neutral driver: the canonical face in the middle of a picture of the tracker's size."""
    face = face_mesh().canonical * (EYES * TRACKED_SIDE) + np.array([0.5, 0.45, 0]) * TRACKED_SIDE
    return PoseFrame(face.astype(np.float32), None, None, None, (TRACKED_SIDE, TRACKED_SIDE), 0.0)


class Performance:
    """What the messages so far say. `take` reads one packet's messages, `pose` makes the frame of them all."""

    def __init__(self) -> None:
        self.tracked = True
        self._pending: dict[str, float] = {}
        self._values: dict[str, float] = {}
        self._bones: dict[str, Quaternion] = {}
        self._applied = -math.inf  # s, when blendshapes were last applied
        self._face = BlendshapeFace(resting_face())

    def take(self, messages: Iterable[tuple[str, Sequence]], now: float) -> bool:
        """Whether a frame is complete with these (address, values). What is not as it should be is passed over."""
        done = {self._read(address.removeprefix(PREFIX), values, now) for address, values in messages}
        # some senders have bones only; others' blendshapes are still on their way
        return FRAME in done or (HEAD in done and not self._pending and now - self._applied > APPLY_SECONDS)

    def _read(self, kind: str, values: Sequence, now: float) -> str | None:
        """Take one message in; FRAME where it completes one, HEAD where it turns the head."""
        if kind == "Blend/Val" and len(values) >= 2:
            name, value = values[:2]
            if isinstance(name, str) and _is_number(value) and len(self._pending) < MOST_SHAPES:
                self._pending[name] = float(value)
        elif kind == "Blend/Apply":
            # a sender may name only what changed; after a pause it may be another one
            kept = self._values if now - self._applied < SILENT_SECONDS and len(self._values) < MOST_SHAPES else {}
            self._values, self._pending = kept | self._pending, {}
            self._applied = now
            return FRAME
        elif kind == "Bone/Pos" and len(values) >= 8:
            name, turn = values[0], tuple(values[4:8])
            if name in BONES and all(_is_number(value) for value in turn) and 0.5 < math.hypot(*turn) < 2:
                self._bones[name] = turn
                return HEAD if name == "Head" else None
        elif kind == "OK" and values:
            # loaded, state and mode of the calibration, and since version 2.7 whether tracking works
            was, self.tracked = self.tracked, bool(values[0]) and not (len(values) > 3 and values[3] == 0)
            return FRAME if was != self.tracked else None
        return None

    def pose(self, now: float) -> PoseFrame:
        """The person at `now`; without a face where the sender says that it has lost it."""
        if not self.tracked:
            return PoseFrame(None, None, None, None, (TRACKED_SIDE, TRACKED_SIDE), now)
        weights = read_weights(self._values)
        if not weights[GAZE].any():  # it may come as blendshapes, as bones, or as both
            for name, value in gaze_weights(self._bones).items():
                weights[AT[name]] = value
        return self._face(weights, turn_of(self._bones), now)


class VmcReceiver:
    """The place of a camera in the live loop; `frames` holds the newest pose that nobody took yet.

    Listens on this machine only. `status` is "" while all is well, else what is wrong.
    """

    def __init__(self, port: int = PORT):
        self.name = f"{WORD}:{port}"
        self.port = port
        self.frames: LatestValue[PoseFrame] = LatestValue()
        self.neutral = resting_face()  # VMC's zero
        self.malformed = 0  # packets that are no OSC
        self._packet = load_osc("osc_packet").OscPacket
        self._stop = threading.Event()
        self._heard = -math.inf
        self._thread = threading.Thread(target=self._run, name="vmc", daemon=True)
        self._socket: socket.socket | None = None

    def start(self) -> None:
        """Raises PuppetError where the port cannot be had."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        cure = f"give --camera {WORD}:PORT another and let the sender send to that"
        with port_reported(self.port, f"UDP port {self.port} of this machine", cure):
            self._socket.bind((HOST, self.port))
        self._socket.settimeout(WAIT)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self.frames.close()
        if self._thread.is_alive():
            self._thread.join()
        if self._socket is not None:
            self._socket.close()

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def status(self) -> str:
        """What is wrong, for whoever looks."""
        if time.perf_counter() - self._heard < SILENT_SECONDS:
            return ""
        return f"no motion arrives at {self.address}: does the other program send VMC there?"

    def _run(self) -> None:
        performance = Performance()
        root, quiet = logging.getLogger(), _WithoutOsc()
        root.addFilter(quiet)  # python-osc warns of every odd packet, and any program may send some
        try:
            while not self._stop.is_set():
                try:
                    packet = self._socket.recv(LARGEST_PACKET)
                except TimeoutError:
                    continue
                except OSError:
                    self._stop.wait(WAIT)  # Windows tells here of packets that did not arrive elsewhere
                    continue
                self._take(performance, packet)
        finally:
            root.removeFilter(quiet)

    def _take(self, performance: Performance, packet: bytes) -> None:
        try:
            messages = [(timed.message.address, timed.message.params) for timed in self._packet(packet).messages]
        except Exception:  # the parser meets what strangers wrote
            self.malformed += 1
            return
        now = time.perf_counter()
        if performance.take(messages, now):
            self._heard = now
            self.frames.put(performance.pose(now))


class _WithoutOsc(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "pythonosc" not in record.pathname


def make_receiver(camera: str) -> VmcReceiver | None:
    """From "vmc" or "vmc:PORT"; None for another camera. Raises PuppetError."""
    word, colon, port = camera.partition(":")
    if word.lower() != WORD:
        return None
    return VmcReceiver(parse_port(port, f"--camera {camera}") if colon else PORT)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
