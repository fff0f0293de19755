"""What a network adds, region by region, on pictures and differences whose value is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pose.tracking.landmarks import PoseFrame
from puppet.evaluate import measures, regions
from puppet.evaluate.additions import Additions
from puppet.evaluate.clips import EvaluationClip
from puppet.evaluate.gain import CLIPS_ENOUGH, paired_gain, student
from puppet.evaluate.regions import REGIONS, Part, part_maps, region_curves
from tests.puppet.test_evaluate_measures import face_sequence

SIZE, COUNT = 96, 24


@pytest.fixture
def clip(monkeypatch):
    """A face with an open mouth in noise, all of it the person, and a hand in the lower left corner."""
    faces = face_sequence(gap=np.full(COUNT, 0.3), count=COUNT, unit=20.0)
    frames = np.random.default_rng(0).integers(40, 200, (COUNT, SIZE, SIZE, 3), np.uint8)
    hand = np.array([[2 * (i % 5), 80 + 3 * (i // 5), 0] for i in range(21)], np.float32)
    # the tracker may see larger pictures than are measured
    poses = [PoseFrame(face, None, hand * 2, None, (2 * SIZE, 2 * SIZE), i / 24) for i, face in enumerate(faces)]
    monkeypatch.setattr(regions, "_persons", lambda frames: np.ones((COUNT, SIZE, SIZE), bool))
    return EvaluationClip("made_up", frames[0], frames, faces, poses)


def test_parts_are_where_they_are(clip):
    (part_map, *_) = part_maps(clip)
    face = clip.faces[0]

    def at(point):
        x, y = point[:2].astype(int)
        return part_map[y, x]

    assert at((face[13] + face[14]) / 2) == Part.INNER_MOUTH
    assert at(face[0]) == Part.LIPS and at(face[159]) == Part.EYES
    assert at(face[4]) == Part.CHEEKS and at(face[10]) == Part.RING
    assert part_map[2, 48] == Part.HAIR and part_map[85, 5] == Part.HANDS and part_map[90, 60] == Part.REST
    clip.faces[:] = np.nan
    assert set(np.unique(part_maps(clip))) == {Part.REST, Part.HANDS}


def test_a_region_sees_its_own_errors_only(clip):
    maps = part_maps(clip)
    output = clip.frames.copy()
    output[maps == Part.EYES] += 20
    curves = region_curves(output, clip.frames, maps)
    assert curves.psnr["eyes"] == pytest.approx(20 * np.log10(255 / 20))
    assert np.isinf(curves.psnr["mouth"]).all() and np.isfinite(curves.psnr["face"]).all()
    assert measures.mean(curves.psnr["picture"]) == pytest.approx(measures.psnr(output, clip.frames))
    assert curves.detail["picture"].mean() == pytest.approx(measures.laplacian_variance(output), rel=1e-4)


def test_additions_are_a_networks_minus_the_warps(clip):
    noise = np.random.default_rng(1).normal(size=clip.frames.shape)
    warp = (clip.frames + 10 * noise).clip(0, 255).astype(np.uint8)
    network = warp.copy()
    mouth = np.isin(part_maps(clip), REGIONS["mouth"])
    network[mouth] = (clip.frames + 5 * noise).clip(0, 255).astype(np.uint8)[mouth]
    additions = Additions("warp")
    additions.add(clip, {"warp": warp, "better": network})
    figures = additions.figures()
    gains = figures["gains"]["better"]
    assert gains["mouth"]["psnr"]["mean"] == pytest.approx(6, abs=0.3)
    assert gains["mouth"]["psnr"]["low"] > 5 and gains["mouth"]["psnr"]["over"] == "segments"
    assert gains["eyes"]["psnr"] == {"mean": 0, "low": 0, "high": 0, "over": "segments", "clips": 1}
    levels = figures["levels"]
    assert levels["better"]["mouth"]["psnr"] - levels["warp"]["mouth"]["psnr"] == pytest.approx(
        gains["mouth"]["psnr"]["mean"]
    )
    assert levels["better"]["mouth"]["sharpness"] < levels["warp"]["mouth"]["sharpness"]
    json.dumps(figures)
    text = "\n".join(additions.markdown())
    assert "| mouth " in text and "s |" in text and "nan" not in text


def test_a_region_that_is_never_there_is_a_dash(clip):
    bare = replace(clip, poses=[replace(pose, left_hand=None) for pose in clip.poses])
    additions = Additions("warp")
    additions.add(bare, {"warp": clip.frames, "same": clip.frames})
    assert additions.figures()["gains"]["same"]["hands"]["psnr"]["clips"] == 0
    assert "| hands " in additions.markdown()[1]


def test_intervals_over_clips_are_students():
    # scipy.stats.t.ppf(0.975, df)
    assert student(5) == pytest.approx(2.5706, abs=0.01) and student(30) == pytest.approx(2.0423, abs=1e-4)
    values = np.arange(CLIPS_ENOUGH, dtype=float)
    gain = paired_gain([np.full(24, value) for value in values], [np.ones(24)] * len(values))
    half = student(len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    assert gain.over == "clips" and gain.mean == values.mean()
    assert (gain.low, gain.high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_intervals_of_few_clips_are_over_half_seconds():
    rng = np.random.default_rng(0)
    alike = np.repeat(rng.normal(1, 1, 40), 12)  # frames of a half second are as one
    gain = paired_gain([alike], [np.ones(len(alike))])
    assert gain.over == "segments" and gain.low < gain.mean < gain.high
    assert gain.high - gain.low == pytest.approx(2 * 1.96 * alike.std() / np.sqrt(40), rel=0.1)
    unknown = alike.copy()
    unknown[:12] = np.nan
    assert paired_gain([unknown], [np.ones(len(alike))]).mean == pytest.approx(alike[12:].mean())
    assert np.isnan(paired_gain([alike[:12]], [np.ones(12)]).low)
    assert paired_gain([np.full(24, np.nan)], [np.ones(24)]).clips == 0
