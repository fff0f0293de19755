"""`puppet generate` with tiny random weights of every published family."""

import json

import av
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from generator import checkpoint
from generator.model import VideoModel
from puppet.cli import main
from tests.generator.importers.published import TEXT_DIM, TINY


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


def shown(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], float(stream.average_rate)


@pytest.mark.parametrize("name", sorted(TINY))
def test_every_family_writes_a_clip_with_a_prompt_that_changes(name, tmp_path, capsys):
    out, config = tmp_path / "clip.mp4", TINY[name].config
    path = ("--path", "w*2,right*3") if config.transformer.projective else ()
    words = ("--prompt", embedding(tmp_path, 1), "--then", 0.5, embedding(tmp_path, 2), "--seconds", 1, *path)
    assert generate("--model", name, "--weights", weights(name, tmp_path), *words, "--out", out, "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    frames, rate = shown(out)
    assert facts["frames"] == len(frames) == config.fps == rate
    assert frames[0].shape == (*config.size, 3) and facts["size"] == [config.size[1], config.size[0]]


def test_prompt_path_and_seed_decide_and_a_picture_begins(tmp_path):
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
        clips.append((tmp_path / f"{number}.mp4").read_bytes())
    assert clips[0] == clips[1] and len(set(clips)) == 4
    first = shown(tmp_path / "0.mp4")[0][0].reshape(-1, 3).mean(0)
    assert abs(first - [200, 40, 40]).max() < 12


@pytest.mark.parametrize("words, cause", [
    (("--model", "pocket"), "use puppet render"),
    (("--model", "wan2.1-1.3"), "did you mean 'wan2.1-1.3b'"),
    (("--model", "self-forcing", "--prompt", "a cat"), "umT5"),
    (("--model", "self-forcing", "--path", "w*3"), "follows no camera"),
    (("--model", "minwm-camera", "--path", "x*3"), "'x*3' is no move"),
    (("--model", "minwm-camera", "--path", "away.txt"), "does not exist"),
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


def test_a_prompt_for_a_model_without_text_is_refused(tmp_path, fails, monkeypatch):
    from dataclasses import replace

    from generator.models import MODELS

    model = TINY["self-forcing"]
    mute = replace(model.config, name="mute", transformer=replace(model.config.transformer, text_dim=None))
    monkeypatch.setitem(MODELS, "mute", replace(model, config=mute))
    assert "knows no text" in fails("generate", "--model", "mute", "--prompt", "a cat", "--out", tmp_path / "clip.mp4")
