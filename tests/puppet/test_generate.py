"""`puppet generate` with tiny random weights of every published family."""

import itertools
import json
from dataclasses import replace

import av
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from generator import checkpoint
from generator.controls.pictures import PicturesControlConfig
from generator.importers.importer import import_weights
from generator.model import VideoModel
from generator.models import MODELS, get_model
from puppet.cli import main
from puppet.core.video_signals import held
from puppet.media.video_writer import VideoWriter
from tests.generator.importers.published import TEXT_DIM, TINY, write_release


def weights(name, folder):
    torch.manual_seed(0)
    path = folder / f"{name}.safetensors"
    checkpoint.save(path, VideoModel(TINY[name].config))
    return path


def embedding(folder, seed):
    path = folder / f"prompt{seed}.safetensors"
    save_file({"embedding": torch.randn(5, TEXT_DIM, generator=torch.Generator().manual_seed(seed))}, path)
    return path


def generate(*words):
    return main(["generate", *(str(word) for word in words)])


@pytest.fixture
def drawn(monkeypatch):
    """Frames as they come to the encoder, which does not make the same of them every time. Call it to take them."""
    frames, write = [], VideoWriter.write
    monkeypatch.setattr(VideoWriter, "write", lambda self, frame: frames.append(frame.copy()) or write(self, frame))

    def take():
        taken = np.stack(frames).tobytes()
        frames.clear()
        return taken

    return take


def shown(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], float(stream.average_rate)


@pytest.mark.parametrize("name", sorted(TINY))
def test_every_family_writes_a_clip_with_a_prompt_that_changes(name, tmp_path, capsys):
    """From a checkpoint as it is published: imported, with a camera's path or a control video where there is a way."""
    out, config = tmp_path / "clip.mp4", TINY[name].config
    imported = tmp_path / "weights.safetensors"
    import_weights(write_release(tmp_path / "release", TINY[name]), TINY[name], imported)
    steered = ()
    if config.transformer.projective:
        steered = ("--path", "w*2,right*3")
    if isinstance(config.control, PicturesControlConfig):
        Image.new("RGB", (90, 60), (200, 40, 40)).save(tmp_path / "red.png")
        steered = ("--control", control_video(tmp_path / "control.mp4", 1), "--image", tmp_path / "red.png")
    words = ("--prompt", embedding(tmp_path, 1), "--then", 0.5, embedding(tmp_path, 2), "--seconds", 1, *steered)
    assert generate("--model", name, "--weights", imported, *words, "--out", out, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    frames, rate = shown(out)
    assert facts["frames"] == len(frames) == config.fps == rate
    assert frames[0].shape == (*config.size, 3) and facts["size"] == [config.size[1], config.size[0]]


def test_prompt_path_and_seed_decide_and_a_picture_begins(tmp_path, drawn):
    name = "minwm-camera"
    Image.new("RGB", (90, 60), (200, 40, 40)).save(tmp_path / "red.png")
    given = ("--model", name, "--weights", weights(name, tmp_path), "--seconds", 0.8, "--image", tmp_path / "red.png")
    clips = []
    for number, words in enumerate((
        ("--prompt", embedding(tmp_path, 1), "--path", "w*3"), ("--prompt", embedding(tmp_path, 1), "--path", "w*3"),
        ("--prompt", embedding(tmp_path, 2), "--path", "w*3"), ("--prompt", embedding(tmp_path, 1), "--path", "left*3"),
        ("--prompt", embedding(tmp_path, 1), "--path", "w*3", "--seed", 1),
    )):
        assert generate(*given, *words, "--out", tmp_path / f"{number}.mp4", "--json") == 0
        clips.append(drawn())
    assert clips[0] == clips[1] and len(set(clips)) == 4
    first = shown(tmp_path / "0.mp4")[0][0].reshape(-1, 3).mean(0)
    assert abs(first - [200, 40, 40]).max() < 12


def control_video(path, seed, frames=4):
    """Boxes that change, 32x32, half a second."""
    random = np.random.default_rng(seed)
    with VideoWriter(path, (32, 32), fps=8) as writer:
        for _ in range(frames):
            writer.write(np.kron(random.integers(0, 256, (4, 4, 3)), np.ones((8, 8, 1))).astype(np.uint8))
    return path


def test_a_control_video_is_followed_and_a_picture_is_its_reference(tmp_path, drawn):
    """Fun-Control: the video's latents beside the noise, the picture as a reference; what either shows decides."""
    name = "wan2.1-1.3b-control"
    for colour, value in (("red", (200, 40, 40)), ("blue", (40, 40, 200))):
        Image.new("RGB", (90, 60), value).save(tmp_path / f"{colour}.png")
    first, second = (control_video(tmp_path / f"control{seed}.mp4", seed) for seed in (1, 2))
    drawn()
    given = ("--model", name, "--weights", weights(name, tmp_path))
    given += ("--seconds", 0.8, "--prompt", embedding(tmp_path, 1))
    clips = []
    for number, words in enumerate((
        ("--control", first, "--image", tmp_path / "red.png"), ("--control", first, "--image", tmp_path / "red.png"),
        ("--control", second, "--image", tmp_path / "red.png"), ("--control", first, "--image", tmp_path / "blue.png"),
        ("--control", first), ("--image", tmp_path / "red.png"), (),
    )):
        assert generate(*given, *words, "--out", tmp_path / f"{number}.mp4", "--json") == 0
        clips.append(drawn())
    assert clips[0] == clips[1] and len(set(clips)) == 6
    frames, _ = shown(tmp_path / "0.mp4")
    assert len(frames) == round(0.8 * TINY[name].config.fps)
    assert abs(frames[0].reshape(-1, 3).mean(0) - [200, 40, 40]).max() > 12  # a reference, not the first frame


def test_what_has_ended_stands_still():
    assert list(itertools.islice(held(iter((1, 2))), 5)) == [1, 2, 2, 2, 2]


@pytest.mark.parametrize("words, cause", [
    (("--model", "pocket"), "use puppet render"),
    (("--model", "wan2.1-1.3"), "did you mean 'wan2.1-1.3b'"),
    (("--model", "self-forcing", "--prompt", "a cat"), "umT5"),
    (("--model", "self-forcing", "--path", "w*3"), "follows no camera"),
    (("--model", "minwm-camera", "--path", "x*3"), "'x*3' is no move"),
    (("--model", "minwm-camera", "--path", "away.txt"), "does not exist"),
    (("--model", "self-forcing", "--control", "control.mp4"), "follows no control video"),
    (("--model", "wan2.1-1.3b-control", "--control", "away.mp4"), "control video away.mp4 does not exist"),
    (("--model", "self-forcing", "--size", "50x32"), "cannot make 50x32"),
    (("--model", "self-forcing", "--seconds", "0"), "--seconds 0"),
    (("--model", "self-forcing", "--image", "away.png"), "does not exist"),
    (("--model", "self-forcing", "--then", "soon", "a dog"), "--then soon"),
])
def test_impossible_wishes_are_told_in_a_line(words, cause, tmp_path, fails):
    given = () if words[1] in ("pocket", "wan2.1-1.3") else ("--weights", weights(words[1], tmp_path))
    before = sorted(tmp_path.iterdir())
    assert cause in fails("generate", *words, *given, "--out", tmp_path / "clip.mp4")
    assert sorted(tmp_path.iterdir()) == before


def test_wrong_weights_and_embeddings_are_told_in_a_line(tmp_path, fails):
    given = ("--weights", weights("self-forcing", tmp_path), "--out", tmp_path / "clip.mp4")
    assert "are of model 'self-forcing'" in fails("generate", "--model", "one-forcing", *given)
    given = ("generate", "--model", "self-forcing", *given, "--prompt")
    save_file({"embedding": torch.zeros(5, TEXT_DIM + 1)}, tmp_path / "wide.safetensors")
    assert "up to 512 tokens" in fails(*given, tmp_path / "wide.safetensors")
    save_file({"other": torch.zeros(5, TEXT_DIM)}, tmp_path / "other.safetensors")
    assert "no embedding" in fails(*given, tmp_path / "other.safetensors")
    assert not (tmp_path / "clip.mp4").exists()


def test_our_own_world_follows_a_path_and_knows_no_text(tmp_path, drawn, fails, monkeypatch):
    """`world-small` with fewer layers: rays relative to the frame before, from w a s d; no weights, no prompt."""
    model = get_model("world-small")
    transformer = replace(model.config.transformer, dim=32, layers=2, heads=2, ffn_dim=48)
    codec = replace(model.config.codec, decoder_widths=(16, 12, 8, 8), encoder_width=8)
    small = replace(model.config, transformer=transformer, codec=codec, size=(32, 48))
    monkeypatch.setitem(MODELS, "world-small", replace(model, config=small))
    Image.new("RGB", (90, 60), (200, 40, 40)).save(tmp_path / "red.png")
    clips = []
    for number, words in enumerate((
        ("--path", "w*2,a,d,s"), ("--path", "wwads"), ("--path", "w*2,a,s,d"), (),
        ("--path", "w*2,a,d,s", "--image", tmp_path / "red.png"),
    )):
        given = ("--model", "world-small", *words, "--seconds", 1.2, "--out", tmp_path / f"{number}.mp4", "--json")
        assert generate(*given) == 0
        clips.append(drawn())
    assert clips[0] == clips[1] and len(set(clips)) == 4
    assert len(shown(tmp_path / "0.mp4")[0]) == round(1.2 * 16)
    given = ("--model", "world-small", "--prompt", "a cat", "--out", tmp_path / "clip.mp4")
    assert "knows no text" in fails("generate", *given)
