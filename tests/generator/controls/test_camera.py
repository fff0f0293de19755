import json
import math

import pytest
import torch

from generator.codecs.tiny import TinyCodec, TinyCodecConfig
from generator.controls.camera import CameraPath, RayCameraConfig, relative_rays
from generator.controls.trajectory import ANGLE, FOCAL, STEP, parse_moves, read_path


def test_moves_of_minwm():
    """A move is one latent frame; the pose of latent frame k is that after k moves."""
    path = parse_moves("w*2, right*30, w, i*30, u", frames_per_move=4)
    assert path.camera_to_world.shape == (1 + 4 * 64, 4, 4)
    latent = path.camera_to_world[::4]
    assert torch.equal(latent[0], torch.eye(4).double())

    def close(found, wanted):
        torch.testing.assert_close(found, torch.tensor(wanted, dtype=torch.float64), atol=1e-9, rtol=0)

    close(latent[2, :3, 3], [0.0, 0.0, 2 * STEP])
    close(path.camera_to_world[1, :3, 3], [0.0, 0.0, STEP / 4])  # a quarter of a move in each video frame
    close(latent[32, :3, 2], [1.0, 0.0, 0.0])  # 30 x 3 degrees to the right: it looks along x
    close(latent[33, :3, 3], [STEP, 0.0, 2 * STEP])  # and goes there
    close(latent[63, :3, 2], [0.0, -1.0, 0.0])  # then looks up, where y is negative
    assert ANGLE == pytest.approx(math.pi / 60)


def test_letters_and_words_of_turns_agree():
    for letter, word in ("l", "right"), ("j", "left"), ("i", "up"), ("k", "down"):
        one, other = (parse_moves(f"{name}*3", 4).camera_to_world for name in (letter, word))
        assert torch.equal(one, other)


@pytest.mark.parametrize("text, message", [
    ("w*x", "'w\\*x' is no move"), ("", "'' is no move"), ("w*2;d", "is no move"), ("forwards*2", "w s d a"),
    ("path.json", "path.json does not exist"),
])
def test_wrong_moves_are_told_in_a_line(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_path(text, 4)
    assert "\n" not in str(caught.value)


def test_files_of_poses(tmp_path):
    wanted = parse_moves("w, right*2, d", 4)
    by_json, by_text = tmp_path / "path.json", tmp_path / "path.txt"
    by_json.write_text(json.dumps({"poses": wanted.camera_to_world.tolist(), "focal": list(FOCAL)}))
    elsewhere = parse_moves("a*7, up*5", 4).camera_to_world[-1]  # a world that begins somewhere else
    rows = []
    for number, pose in enumerate(torch.linalg.inv(elsewhere @ wanted.camera_to_world)):
        rows.append(" ".join(str(value) for value in (number, *FOCAL, 0.5, 0.5, 0, 0, *pose[:3].flatten().tolist())))
    by_text.write_text("https://example.org/video\n" + "\n".join(rows))
    for path in (by_json, by_text):
        found = read_path(str(path), 4)
        torch.testing.assert_close(found.camera_to_world, wanted.camera_to_world, atol=1e-9, rtol=0)
        assert found.focal.tolist()[0] == pytest.approx(list(FOCAL))


@pytest.mark.parametrize("name, content", [
    ("a.json", "{}"), ("a.json", "nothing"), ("a.json", '{"poses": [[1, 2]]}'), ("a.txt", "1 2 3"),
    ("a.json", '{"poses": [[[2, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]]}'),
])
def test_files_without_poses_are_told_in_a_line(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=name) as caught:
        read_path(str(tmp_path / name), 4)
    assert "\n" not in str(caught.value)


def test_a_path_that_has_ended_stands_still():
    path = parse_moves("w", 4)
    signal = path.signal(100, 4, (32, 48))
    assert torch.equal(signal.world_to_camera[0, 0], signal.world_to_camera[0, 3])
    assert torch.equal(signal.before, signal.world_to_camera[:, 0])


def test_rays_by_hand():
    """Of a camera that went 1 ahead and turned by 90 degrees to the right since the frame before."""
    turned = torch.tensor([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 1], [0, 0, 0, 1]])  # to the axes of the one before
    focal = torch.tensor([[[0.5, 1.0]]])
    path = CameraPath(torch.linalg.inv(turned)[None, None], focal, (16, 16), torch.eye(4)[None])
    rays = relative_rays(path, 1, 2)[0, 0]  # (6, 1, 2)
    side = torch.tensor([0.25 / 0.5, 0.0, 1.0])
    direction = turned[:3, :3] @ (side / side.norm())
    torch.testing.assert_close(rays[3:, 0, 1], direction)
    torch.testing.assert_close(rays[:3, 0, 1], torch.linalg.cross(torch.tensor([0.0, 0.0, 1.0]), direction))


def test_rays_do_not_depend_on_where_the_world_begins_and_are_one_whatever_the_blocks():
    path, moved = parse_moves("w*2, right*3, d*2", 4), parse_moves("a*3, up*2", 4).camera_to_world[-1]
    codec, control = TinyCodec(TinyCodecConfig(channels=4)), RayCameraConfig().build(4, 8)
    whole = control.observe(path.signal(0, 29, (16, 24)), codec).channels
    assert whole.shape == (1, 8, 24, 2, 3)
    blocks = (0, 1), (1, 12), (13, 16)
    parts = [control.observe(path.signal(*block, (16, 24)), codec).channels for block in blocks]
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-5, rtol=0)
    elsewhere = type(path)(moved @ path.camera_to_world, path.focal)
    again = control.observe(elsewhere.signal(0, 29, (16, 24)), codec).channels
    torch.testing.assert_close(again, whole, atol=1e-5, rtol=0)
    assert (whole[:, 2] - whole[:, 0]).abs().max() > 0.01
