"""VMC over real UDP on the loopback device: what is sent comes back as the same motion; rubbish ends nothing."""

import socket
import threading
import time

import numpy as np
import pytest

pytest.importorskip("pythonosc")
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder  # noqa: E402
from pythonosc.osc_message_builder import OscMessageBuilder  # noqa: E402
from pythonosc.osc_packet import OscPacket  # noqa: E402

from pose.motion.blendshapes import ARKIT, AT, BlendshapeFace, BlendshapeMeter  # noqa: E402
from pose.motion.neutral import find_neutral
from pose.tracking.landmarks import PoseFrame, empty_pose  # noqa: E402
from pose.tracking.signals import angles_rotation, expression, head_pose  # noqa: E402
from pose.tracking.tracker import Tracker  # noqa: E402
from puppet import cli  # noqa: E402
from puppet.capture.sources import make_source  # noqa: E402
from puppet.errors import PuppetError  # noqa: E402
from puppet.media import DRIVER  # noqa: E402
from puppet.media.video_reader import VideoReader  # noqa: E402
from puppet.vmc import bones, names, osc  # noqa: E402
from puppet.vmc.receiver import Performance, VmcReceiver, make_receiver, resting_face  # noqa: E402
from puppet.vmc.sender import LARGEST_PACKET, VmcSender, parse_target  # noqa: E402
from tests.pose.faces import body  # noqa: E402


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def receiver():
    vmc = VmcReceiver(free_port())
    vmc.start()
    yield vmc
    vmc.close()


@pytest.fixture
def sender(receiver):
    lines = []
    out = VmcSender(f"127.0.0.1:{receiver.port}", lines.append)
    out.lines = lines
    yield out
    out.close()


@pytest.fixture
def listener():
    """A bare UDP socket that stands for another program."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as heard:
        heard.bind(("127.0.0.1", 0))
        heard.settimeout(30)
        yield heard


def weights_of(**shapes) -> np.ndarray:
    weights = np.zeros(len(ARKIT), np.float32)
    for name, value in shapes.items():
        weights[AT[name]] = value
    return weights


def heard_until_applied(listener) -> list[tuple[str, list]]:
    messages = []
    while not messages or messages[-1][0] != "/VMC/Ext/Blend/Apply":
        packet = listener.recv(65536)
        assert len(packet) <= LARGEST_PACKET
        messages += [(timed.message.address, timed.message.params) for timed in OscPacket(packet).messages]
    return messages


def packet(*messages: tuple) -> bytes:
    bundle = OscBundleBuilder(IMMEDIATELY)
    for address, *values in messages:
        builder = OscMessageBuilder(f"/VMC/Ext/{address}")
        for value in values:
            builder.add_arg(value)
        bundle.add_content(builder.build())
    return bundle.build().dgram


def push(receiver, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(data, ("127.0.0.1", receiver.port))


@pytest.fixture(scope="module")
def tracked() -> list[PoseFrame]:
    """The bundled driver, every sixth frame."""
    if not DRIVER.exists():
        pytest.skip("the bundled driver is not there")
    with Tracker(body_every=0) as tracker:
        frames = [image for index, image in enumerate(VideoReader(DRIVER).frames()) if index % 6 == 0][:24]
        return [tracker.track(image, index / 4) for index, image in enumerate(frames)]


def test_a_tracked_person_arrives_with_turn_mouth_and_lids(tracked, receiver, sender):
    neutral = find_neutral(tracked)
    meter = BlendshapeMeter(neutral)
    came = []
    for pose in tracked:
        sender.send(pose, neutral)
        came.append(receiver.frames.take(60))
    assert all(pose is not None and pose.found for pose in came) and sender.lines == []
    sent_turns = np.array([head_pose(BlendshapeFace(resting_face())(weights_of(), meter.turn(p))) for p in tracked])
    np.testing.assert_allclose([head_pose(pose) for pose in came], sent_turns, atol=0.5)
    change = np.array([head_pose(pose) for pose in tracked]) - head_pose(neutral)
    np.testing.assert_allclose(sent_turns, change, atol=5)

    def column(poses, trait):
        return np.array([getattr(expression(pose), trait) for pose in poses])

    for trait, least in (("mouth_open", 0.9), ("lid_left", 0.6), ("lid_right", 0.6)):
        sent, got = column(tracked, trait), column(came, trait)
        if sent.std() > 0.015:  # what the driver does at all
            assert np.corrcoef(sent, got)[0, 1] > least, trait
    np.testing.assert_allclose(column(came, "mouth_open"), column(tracked, "mouth_open"), atol=0.08)


def test_a_made_up_face_comes_back_as_it_was(receiver, sender):
    rest = resting_face()
    turn = angles_rotation(20, -10, 6)
    acted = BlendshapeFace(rest)(weights_of(jawOpen=0.6, eyeBlinkLeft=0.9, mouthSmileRight=0.7), turn)
    sender.send(acted, rest)
    came = receiver.frames.take(60)
    np.testing.assert_allclose(head_pose(came), (20, -10, 6), atol=0.6)
    before, after, still = expression(acted), expression(came), expression(rest)
    assert after.mouth_open == pytest.approx(before.mouth_open, abs=0.05) and after.mouth_open > still.mouth_open + 0.1
    assert after.lid_left < 0.4 * still.lid_left and after.lid_right > 0.7 * still.lid_right
    assert receiver.status == ""


def test_a_lost_face_is_told_and_nothing_else_is(receiver, sender, listener):
    sender.send(resting_face(), resting_face())
    assert receiver.frames.take(60).found
    sender.send(empty_pose((64, 64)))
    assert not receiver.frames.take(60).found
    sender.send(resting_face(), resting_face())
    assert receiver.frames.take(60).found
    out = VmcSender(f"127.0.0.1:{listener.getsockname()[1]}", print)
    out.send(empty_pose((64, 64)))
    messages = [timed.message for timed in OscPacket(listener.recv(65536)).messages]
    assert [message.address for message in messages] == ["/VMC/Ext/OK", "/VMC/Ext/T"]
    assert messages[0].params == [1, 3, 0, 0]
    out.close()


def test_the_messages_of_one_frame(listener):
    out = VmcSender(f"127.0.0.1:{listener.getsockname()[1]}", print)
    acted = BlendshapeFace(resting_face())(weights_of(jawOpen=0.8), angles_rotation(30, 0, 0))
    out.send(acted, resting_face())
    out.close()
    messages = heard_until_applied(listener)
    assert messages[0] == ("/VMC/Ext/OK", [1, 3, 0, 1]) and messages[1][0] == "/VMC/Ext/T"
    turns = {values[0]: values[4:] for address, values in messages if address == "/VMC/Ext/Bone/Pos"}
    assert set(turns) == {"Spine", "Neck", "Head", "LeftEye", "RightEye"}
    assert all(np.linalg.norm(turn) == pytest.approx(1, abs=1e-5) for turn in turns.values())
    # to the picture's right is the person's left, about Unity's y a negative angle
    assert turns["Head"][1] < -0.1 and turns["Neck"][1] < -0.05 and abs(turns["Head"][0]) < 0.01
    shapes = dict(values for address, values in messages if address == "/VMC/Ext/Blend/Val")
    assert len([name for name in shapes if name in names.PERFECT_SYNC]) == 52
    assert {"A", "I", "U", "E", "O", "Blink_L", "Blink_R", "Joy"} <= set(shapes)
    assert shapes["JawOpen"] > 0.5 and shapes["A"] > 0.5 and shapes["Blink_L"] < 0.2
    assert all(0 <= value <= 1 for value in shapes.values())


@pytest.mark.parametrize("family, there, away", [("arkit", "JawOpen", "A"), ("vrm", "A", "JawOpen")])
def test_one_family_of_names_can_be_chosen(listener, family, there, away):
    out = VmcSender(f"127.0.0.1:{listener.getsockname()[1]}/{family}", print)
    out.send(resting_face(), resting_face())
    out.close()
    shapes = {values[0] for address, values in heard_until_applied(listener) if address == "/VMC/Ext/Blend/Val"}
    assert there in shapes and away not in shapes


def test_without_a_known_neutral_the_calmest_of_the_first_second_is_taken(receiver, sender):
    face = BlendshapeFace(resting_face())
    for step in range(8):
        turn = angles_rotation(25 if step < 2 else 0, 0, 0)
        sender.send(face(weights_of(jawOpen=0.5 if step < 2 else 0), turn, 0.2 * step))
        receiver.frames.take(60)
    sender.send(face(weights_of(), angles_rotation(15, 0, 0), 2.0))
    np.testing.assert_allclose(head_pose(receiver.frames.take(60)), (15, 0, 0), atol=1)


def test_a_spine_that_leans_does_not_turn_the_head_twice(receiver, sender):
    rest = resting_face()
    seen = PoseFrame(rest.face, body(), None, None, rest.size, 0.0)
    lean = np.radians(10)
    tilted = body(((90 + 60 * np.cos(lean), 230 + 60 * np.sin(lean)), (90, 230)))
    acted = BlendshapeFace(rest)(weights_of(), angles_rotation(0, 0, 14))
    sender.send(PoseFrame(acted.face, tilted, None, None, rest.size, 0.0), seen)
    np.testing.assert_allclose(head_pose(receiver.frames.take(60)), (0, 0, 14), atol=0.6)


@pytest.mark.parametrize("angles", [(0, 0, 0), (40, -20, 10), (-70, 30, -25), (0, 0, 175)])
def test_quaternions(angles):
    rotation = angles_rotation(*angles)
    np.testing.assert_allclose(bones.to_rotation(bones.to_quaternion(rotation)), rotation, atol=1e-9)


def test_unity_turns():
    look_down = bones.to_quaternion(angles_rotation(0, 20, 0))
    assert look_down[0] == pytest.approx(np.sin(np.radians(10)))  # about its own right, and its hand is the left one
    weights = weights_of(eyeLookOutLeft=0.5, eyeLookInRight=0.5, eyeLookUpLeft=0.2, eyeLookUpRight=0.2)
    eyes = bones.bones_of(np.eye(3), np.eye(3), weights)
    assert eyes["LeftEye"][1] < -0.1 and eyes["RightEye"][1] < -0.1 and eyes["LeftEye"][0] < 0
    for name, value in bones.gaze_weights(eyes).items():
        assert value == pytest.approx(weights[AT[name]], abs=1e-6), name


def test_names_in_every_spelling_mean_the_same():
    for name in ("jawOpen", "JawOpen", "JAWOPEN"):
        assert names.read_weights({name: 0.5})[AT["jawOpen"]] == 0.5
    for name in ("eyeBlinkLeft", "EyeBlinkLeft", "eyeBlink_L"):
        assert names.read_weights({name: 0.5}) == pytest.approx(weights_of(eyeBlinkLeft=0.5))
    assert names.read_weights({"Blink": 1.0}) == pytest.approx(weights_of(eyeBlinkLeft=1, eyeBlinkRight=1))
    assert names.read_weights({"aa": 1.0}) == pytest.approx(names.read_weights({"A": 1.0}))
    assert names.read_weights({"A": 1.0})[AT["jawOpen"]] > 0.5
    # an avatar with both kinds of clips, of which its program uses one
    assert names.read_weights({"A": 1.0, "JawOpen": 0.2})[AT["jawOpen"]] == pytest.approx(0.2)
    assert names.read_weights({"A": 1.0, "JawOpen": 0.0})[AT["jawOpen"]] > 0.5
    assert names.read_weights({"JawOpen": 7.0, "Fcl_ALL": 1.0}).max() == 1


def test_the_vowels_of_vrm_are_told_apart():
    said = {
        "A": weights_of(jawOpen=0.7),
        "U": weights_of(jawOpen=0.1, mouthPucker=0.8),
        "O": weights_of(jawOpen=0.6, mouthFunnel=0.6),
        "I": weights_of(jawOpen=0.05, mouthStretchLeft=0.5, mouthStretchRight=0.5),
    }
    for vowel, weights in said.items():
        shapes = names.vrm_shapes(weights)
        assert max("AIUEO", key=shapes.get) == vowel, shapes
    assert names.vrm_shapes(weights_of(jawOpen=0.5, mouthClose=0.5))["A"] < 0.05
    assert names.vrm_shapes(weights_of(mouthSmileLeft=0.9, mouthSmileRight=0.9))["Joy"] > 0.9
    assert max(names.vrm_shapes(weights_of()).values()) == 0


def test_what_is_no_motion_is_passed_over(receiver, sender, capfd):
    rubbish = [
        b"", b"\x00", b"hello", b"#bundle\x00", b"#bundle\x00" + b"\xff" * 40, b"/VMC/Ext/Blend/Val\x00\x00,zq\x00",
        b"/VMC/Ext/Blend/Val\x00\x00,sf\x00", b"/\xff\xfe\x00,s\x00\x00\xff\x00\x00\x00", bytes(range(256)) * 8,
        packet(("Bone/Pos", "Head", "a", "b", "c", "d", "e", "f", "g")),
        packet(("Bone/Pos", "Head", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)),
        packet(("Bone/Pos", "Head", 0.0, 0.0, 0.0, float("nan"), 0.0, 0.0, 1.0)),
        packet(("Bone/Pos", "Head", 0.0)), packet(("Bone/Pos",)), packet(("Blend/Val", 1.0, "A")),
        packet(("Blend/Val", "A", float("inf"))), packet(("Blend/Val",)), packet(("OK",)), packet(("Nothing", 1)),
    ]  # fmt: skip
    for data in rubbish:
        push(receiver, data)
    push(receiver, packet(("Blend/Val", "JawOpen", 0.6), ("Blend/Apply",)))
    deadline = time.perf_counter() + 60
    while (pose := receiver.frames.take(1)) is None or expression(pose).mouth_open < 0.1:
        assert time.perf_counter() < deadline, "the loop ended"
    assert receiver.malformed > 3 and np.isfinite(pose.face).all()
    np.testing.assert_allclose(head_pose(pose), (0, 0, 0), atol=0.6)
    assert capfd.readouterr().err == ""


def test_frames_without_applied_blendshapes_come_with_the_head():
    performance = Performance()
    head = ("/VMC/Ext/Bone/Pos", ["Head", 0.0, 0.0, 0.0, *bones.to_quaternion(angles_rotation(12, 0, 0))])
    value, apply = ("/VMC/Ext/Blend/Val", ["A", 0.5]), ("/VMC/Ext/Blend/Apply", [])
    assert performance.take([head], 10.0)
    np.testing.assert_allclose(head_pose(performance.pose(10.0)), (12, 0, 0), atol=0.3)
    assert not performance.take([head, value], 10.1) and performance.take([value, apply], 10.1)
    assert not performance.take([head], 10.2) and performance.take([head], 11.0)


def test_gaze_comes_as_bones_or_as_blendshapes():
    performance = Performance()
    turns = bones.bones_of(np.eye(3), np.eye(3), weights_of(eyeLookOutLeft=0.6, eyeLookInRight=0.6))
    performance.take([("/VMC/Ext/Bone/Pos", [name, 0.0, 0.0, 0.0, *turn]) for name, turn in turns.items()], 0.0)
    assert expression(performance.pose(0.0)).gaze_x > 0.05
    looks = [("/VMC/Ext/Blend/Val", [name, 0.6]) for name in ("EyeLookInLeft", "EyeLookOutRight")]
    assert performance.take([*looks, ("/VMC/Ext/Blend/Apply", [])], 0.1)
    assert expression(performance.pose(0.1)).gaze_x < -0.05


def test_only_the_newest_pose_is_kept(receiver, sender):
    face = BlendshapeFace(resting_face())
    for step in range(5):
        sender.send(face(weights_of(), angles_rotation(4.0 * step, 0, 0)), resting_face())
    deadline = time.perf_counter() + 60
    while (pose := receiver.frames.take(1)) is None or head_pose(pose)[0] < 15:
        assert time.perf_counter() < deadline
    assert receiver.frames.take(0.01) is None


def test_a_taken_port_is_one_line(receiver):
    with pytest.raises(PuppetError, match=f"UDP port {receiver.port} .* cannot be used .* --camera vmc:PORT"):
        VmcReceiver(receiver.port).start()


def test_cameras_that_are_vmc():
    assert make_source("vmc").port == 39539 and make_source("VMC:40000").port == 40000
    for wrong in ("vmc:", "vmc:abc", "vmc:0", "vmc:99999"):
        with pytest.raises(PuppetError, match="is no port"):
            make_receiver(wrong)


def test_targets():
    assert parse_target("127.0.0.1:39539") == ("127.0.0.1", 39539, ("arkit", "vrm"))
    assert parse_target("studio.local:4000/vrm") == ("studio.local", 4000, ("vrm",))
    assert parse_target("[::1]:39539/arkit") == ("::1", 39539, ("arkit",))
    for wrong, cause in (
        ("localhost", "is no address"), (":39539", "is no address"), ("localhost:x", "is no port"),
        ("localhost:70000", "is no port"), ("localhost:39539/vrn", "arkit or vrm"),
    ):  # fmt: skip
        with pytest.raises(PuppetError, match=cause):
            parse_target(wrong)


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(osc.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    for make in (lambda: VmcReceiver(1), lambda: VmcSender("127.0.0.1:39539", print)):
        with pytest.raises(PuppetError, match=r"pip install 'puppet-live\[osc\]'"):
            make()


def empty(folder):
    """Settings that set nothing: not those of whoever runs the tests."""
    (folder / "empty.toml").touch()
    return folder / "empty.toml"


@pytest.mark.parametrize(
    "words, cause",
    [
        (["--camera", "vmc:x"], "'x' is no port"),
        (["--camera", "vmc", "--motion", "absolute"], "use --motion relative"),
        (["--send-motion", "nowhere"], "write HOST:PORT"),
        (["--camera", "vmc:39777", "--send-motion", "127.0.0.1:39777"], "change one port"),
    ],
)
def test_wrong_words_on_the_command_line(words, cause, fails, tmp_path):
    assert cause in fails("live", "--settings", empty(tmp_path), "--output", "none", *words)


def test_live_takes_motion_in_and_sends_it_on(tmp_path, capfd, monkeypatch, listener):
    """The whole program: a pose that comes as VMC moves the portrait, and leaves again as VMC."""
    from puppet.live.session import Session

    monkeypatch.setattr("puppet.live.session.data_folder", lambda: tmp_path)
    port, seen = free_port(), set()

    def drive(session):
        def act():
            face, out = BlendshapeFace(resting_face()), VmcSender(f"127.0.0.1:{port}", print)
            deadline = time.perf_counter() + 240
            while session.statistics._ages["motion"].sum() < 30 and not session.loop.error:
                if time.perf_counter() >= deadline:
                    break
                swing = 15 * np.sin(4 * time.perf_counter())
                out.send(face(weights_of(jawOpen=0.5), angles_rotation(swing, 0, 0)), resting_face())
                time.sleep(0.03)
                if not session.driver.lost:
                    seen.add("face")
            if session.driver.calibrated:
                seen.add("neutral")
            session.end()

        threading.Thread(target=act, daemon=True).start()

    monkeypatch.setattr(Session, "_greet", drive)
    words = ["live", "--model", "tiny", "--weights", "random", "--size", "64", "--device", "cpu", "--output", "none"]
    words += ["--camera", f"vmc:{port}", "--send-motion", f"127.0.0.1:{listener.getsockname()[1]}/vrm"]
    assert cli.main([*words, "--settings", str(empty(tmp_path))]) == 0, capfd.readouterr().err
    assert seen == {"face", "neutral"}
    said = [dict(v for a, v in heard_until_applied(listener) if a == "/VMC/Ext/Blend/Val")["A"] for _ in range(5)]
    assert max(said) > 0.3
