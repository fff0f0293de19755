"""`puppet evaluate` on a made-up face whose landmarks are known: no tracker, no trained model."""

import argparse
import json
from dataclasses import replace
from itertools import count

import cv2
import numpy as np
import pytest
from safetensors.numpy import save_file

from pose.portrait.preparation import Portrait
from pose.tracking.landmarks import FACE_OVAL, LIPS_INNER, RIGHT_EYE_RING, PoseFrame
from pose.warp.conditioning import Conditioner
from puppet.commands import evaluate as command
from puppet.core.background import Background
from puppet.core.character import Character
from puppet.core.look import PictureSize
from puppet.evaluate import clips, scores, sheets
from puppet.evaluate import report as report_module
from puppet.evaluate.clips import EvaluationClip
from puppet.evaluate.plain_warp import PlainWarp, ring_strips
from puppet.evaluate.report import Report
from puppet.evaluate.systems import Model
from puppet.evaluate.table import markdown
from puppet.media.pictures import filling
from tests.puppet.test_evaluate_arms import waving
from tests.puppet.test_evaluate_measures import face_sequence

SIZE, COUNT = 64, 24


@pytest.fixture
def clip():
    """A face that turns and speaks, over a smooth picture."""
    time = np.linspace(0, 4 * np.pi, COUNT)
    faces = face_sequence(yaw=8 * np.sin(time), gap=0.25 * np.abs(np.sin(time / 2)), count=COUNT)
    y, x = np.mgrid[:SIZE, :SIZE]
    picture = np.stack([3 * x, 3 * y, 128 + x - y], -1).astype(np.uint8)
    frames = np.repeat(picture[None], COUNT, 0)
    poses = [PoseFrame(face, None, None, None, (SIZE, SIZE), i / 24) for i, face in enumerate(faces)]
    return EvaluationClip("made_up", picture, frames, faces, poses)


@pytest.fixture
def untracked(monkeypatch, clip):
    """The portrait is known, and every output is taken to move as the clip does."""
    person = np.dstack([clip.picture, np.full((SIZE, SIZE), 255, np.uint8)])
    portrait = Portrait(person, clip.picture, clip.poses[0], clip.picture)
    background = Background("original", portrait.background)
    character = Character(
        "made up", portrait, PictureSize.of(SIZE), background, Conditioner(portrait.person, portrait.pose)
    )
    monkeypatch.setattr(report_module, "load_character", lambda source, size, background: character)
    monkeypatch.setattr(scores, "track_faces", lambda frames: clip.faces[: len(frames)])
    return character


def test_ring_strips_close_the_ring():
    for ring in (LIPS_INNER, RIGHT_EYE_RING):
        corners = np.array([(np.cos(a), np.sin(a)) for a in np.linspace(0, 2 * np.pi, len(ring), endpoint=False)])
        place = dict(zip(ring, corners, strict=True))
        area = 0.0
        for triangle in ring_strips(ring):
            (ax, ay), (bx, by), (cx, cy) = (place[vertex] for vertex in triangle)
            area += abs((bx - ax) * (cy - ay) - (by - ay) * (cx - ax)) / 2
        expected = len(ring) / 2 * np.sin(2 * np.pi / len(ring))  # of a regular polygon
        assert area == pytest.approx(expected)


def test_plain_warp_to_its_own_pose_changes_nothing(clip):
    output = PlainWarp(clip.picture, clip.faces[0])(clip.faces[0])
    assert np.abs(output.astype(int) - clip.picture).max() <= 3


def test_plain_warp_moves_the_face_and_not_the_border(clip):
    # colours tell where a pixel came from: red is 3 x
    moved = clip.faces[0] + np.array([4, 0, 0], np.float32)
    output = PlainWarp(clip.picture, clip.faces[0])(moved).astype(int)
    inside = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillPoly(inside, [np.round(moved[list(FACE_OVAL), :2]).astype(np.int32)], 1)
    inside = cv2.erode(inside, np.ones((5, 5))) > 0
    x = np.mgrid[:SIZE, :SIZE][1]
    np.testing.assert_allclose(output[inside][:, 0], 3 * (x[inside] - 4), atol=3)
    assert np.abs(output[[0, -1]] - clip.picture[[0, -1]]).max() <= 6


def test_the_square_is_the_centre():
    picture = np.zeros((40, 100, 3), np.uint8)
    picture[:, 30:70] = 200
    assert (filling(picture, 20, 20) == 200).all()
    assert filling(picture, 80, 80).shape == (80, 80, 3)


def test_clips_of_a_folder_and_over_grey(tmp_path):
    frames = np.zeros((2, SIZE, SIZE, 4), np.uint8)
    frames[:, :, 32:] = (200, 100, 50, 255)
    save_file({"frames": frames}, tmp_path / "clip_000001.safetensors")
    (tmp_path / "notes.txt").write_text("no clip")
    (tmp_path / "a.MP4").write_bytes(b"")
    assert [path.name for path in clips.clip_files([tmp_path])] == ["a.MP4", "clip_000001.safetensors"]
    shown = list(clips._frames_of(tmp_path / "clip_000001.safetensors"))
    assert len(shown) == 2 and shown[0].shape == (SIZE, SIZE, 3)
    assert shown[0][0, 0].tolist() == [128] * 3 and shown[0][0, 63].tolist() == [200, 100, 50]


def truth_of(clip):
    """A performer that gives the clip's own frames."""
    shown = iter(clip.frames)
    return lambda batch: np.stack([next(shown) for _ in batch.targets])


def test_report_of_baselines_and_a_model(clip, untracked, tmp_path, monkeypatch):
    monkeypatch.setattr(Model, "performer", lambda self, subject: truth_of(clip))
    report = Report([Model("perfect", "tiny", "random")], None, SIZE, tmp_path, quiet=True)
    report.self_reenactment([clip])
    report.cross_reenactment({"other": untracked}, [clip])
    figures = report.figures()
    assert list(figures["self"]) == ["still", "plain warp", "warp", "perfect"]
    perfect = figures["self"]["perfect"]
    assert perfect["psnr"] is None  # infinite, which JSON does not know
    assert perfect["mouth_w1"] == 0 and perfect["akd"] == 0 and perfect["identity"] is None
    assert perfect["follow"] == pytest.approx(1) and perfect["amplitude"] == pytest.approx(1)
    assert figures["self"]["plain warp"]["mouth_w1"] > 0
    assert set(figures["cross"]["perfect"]) == {"follow", "amplitude", "identity", "face_rate"}
    assert {"yaw", "mouth_open"} <= set(figures["signals"]["made_up"]["warp"])
    json.dumps(figures, allow_nan=False)
    assert {path.name for path in tmp_path.iterdir()} == {"self_made_up.png", "cross_other_made_up.png"}
    text = report.markdown()
    assert "∞" in text and "| perfect " in text and "nan" not in text


def test_report_tells_of_arms_where_a_clip_shows_them(clip, untracked, monkeypatch):
    limbs = waving()
    monkeypatch.setattr(scores.arms, "track_limbs", lambda frames: limbs[: len(frames)])
    report = Report([], None, SIZE, None, quiet=True)
    report.self_reenactment([clip])
    assert "Arms" not in report.markdown()
    signer = replace(clip, name="signer", limbs=limbs)
    report.self_reenactment([signer])
    report.cross_reenactment({"other": untracked}, [signer])
    text = report.markdown()
    assert "Arms and hands, own first frame: signer" in text and "Arms and hands, other portraits" in text
    figures = report.figures()
    assert figures["self"]["warp"]["hand_placed"] == 1 and figures["self_by_clip"]["signer"]["warp"]["wrist"] == 0
    assert figures["cross"]["warp"]["hand_found"] == 1 and "wrist" not in figures["cross"]["warp"]


def test_rollout_has_a_value_for_every_second(clip, untracked, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")

    def darkening(self, subject):
        times = count()
        return lambda batch: np.stack([
            np.maximum(clip.picture.astype(int) - next(times) // 24, 0).astype(np.uint8) for _ in batch.targets
        ])

    monkeypatch.setattr(Model, "performer", darkening)
    report = Report([Model("darkening", "tiny", "random")], None, SIZE, tmp_path, quiet=True)
    report.rollout(clip, 0.2)
    rollout = report.figures()["rollout"]["darkening"]
    assert len(rollout["curves"]["psnr"]) == 12
    assert rollout["colour_drift"] == pytest.approx(-10, abs=0.5)
    assert rollout["identity_first"] is None
    assert (tmp_path / "drift.png").stat().st_size > 1000
    assert "0.2 minutes of made_up" in report.markdown()


def test_chosen_frames_hold_the_extremes(clip):
    frames = sheets.chosen_frames(clip.faces)
    gaps = np.linalg.norm(clip.faces[:, 13] - clip.faces[:, 14], axis=1)
    assert int(gaps.argmax()) in frames and frames == sorted(set(frames))
    assert sheets.chosen_frames(np.full_like(clip.faces, np.nan))


def test_table_is_aligned_markdown():
    text = markdown(
        {"a": {"psnr": 24.04, "follow": np.nan}, "long name": {"psnr": np.inf, "follow": 0.9}}, ("psnr", "follow")
    )
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[1].startswith("|---") and lines[1].endswith(":|")
    assert lines[2].split("|")[2].strip() == "24.0" and lines[2].split("|")[3].strip() == "–"
    assert lines[3].split("|")[2].strip() == "∞"


def run(*argv):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(word) for word in argv]))


@pytest.fixture
def files(tmp_path):
    for name in ("a.mp4", "b/a.mp4", "broken.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"nothing of use")
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("missing.mp4",), "clip missing.mp4 does not exist"),
        (("{a}.mp4", "--portraits", "missing.png"), "portrait missing.png does not exist"),
        (("{a}.mp4", "{b}.mp4"), "two clips are called a"),
        (("{a}.mp4", "--seconds", "0"), "--seconds 0 is not possible"),
        (("{a}.mp4", "--minutes", "-1"), "--minutes -1 is not possible"),
        (("{a}.mp4", "--size", "250"), "--size 250 is not possible"),
        (("{a}.mp4", "--out", "{a}.mp4"), "cannot make the folder"),
        (("{a}.mp4", "--weights", "{w}"), "broken.safetensors is damaged"),
        (("{a}.mp4", "--weights", "random", "--weights", "{w}"), "broken.safetensors is damaged"),
        (("{a}.mp4", "--weights", "random", "--weights", "random"), "--weights random is given twice"),
        (("{a}.mp4", "--regions", "--minutes", "1"), "leave --portraits and --minutes out"),
        (("{a}.mp4", "--model", "poket", "--weights", "random"), "did you mean 'pocket'"),
        (("{a}.mp4", "--baselines"), "a.mp4 is not a video"),
        (("{w}", "--baselines"), "broken.safetensors is not a training clip"),
        (("{empty}", "--baselines"), "holds no clip"),
    ],
)
def test_bad_input_is_one_line(files, words, said):
    from puppet.errors import PuppetError

    places = {"a": files / "a", "b": files / "b" / "a", "w": files / "broken.safetensors", "empty": files / "empty"}
    with pytest.raises(PuppetError) as failure:
        run(*(word.format(**places) for word in words))
    assert said in str(failure.value) and "\n" not in str(failure.value)


def test_missing_extra_is_said(monkeypatch, capsys):
    from puppet.evaluate import identity

    monkeypatch.setattr(identity.importlib.util, "find_spec", lambda name: None)
    assert command._embedder() is None
    said = capsys.readouterr().err
    assert "puppet-live[evaluate]" in said and said.count("\n") == 1


def test_identity_needs_a_face():
    pytest.importorskip("dlib")
    from puppet.evaluate.identity import FaceEmbedder

    embed = FaceEmbedder()
    grey = np.full((96, 96, 3), 128, np.uint8)
    assert np.isnan(embed(grey)).all()
    seen = embed(grey, face_sequence(count=1, unit=30.0)[0])  # told where to look, it looks there
    assert seen.shape == (128,) and np.isfinite(seen).all()
