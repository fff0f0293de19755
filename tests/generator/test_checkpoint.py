import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from generator import checkpoint
from generator.checkpoint import WeightsError
from generator.codecs.wan import WanCodecConfig
from generator.config import ModelConfig
from generator.controls.none import NoControlConfig
from generator.model import VideoModel
from generator.models import get_model
from generator.models.components import COMPONENTS
from generator.runtime.precision import cast
from generator.spaces import IdentitySpace
from generator.transformer.config import TransformerConfig


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return VideoModel(get_model("tiny").config)


@pytest.fixture()
def path(tmp_path, generator):
    path = tmp_path / "model.safetensors"
    checkpoint.save(path, generator, dtype=torch.float32)
    return path


def rewrite(path, change):
    tensors = load_file(path)
    config = json.dumps(get_model("tiny").config.to_dict())
    metadata = {"config": config}
    change(tensors, metadata)
    save_file(tensors, path, metadata=metadata)


def fails(path, pattern):
    with pytest.raises(WeightsError, match=pattern) as caught:
        checkpoint.load(path)
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_round_trip(path, generator):
    loaded = checkpoint.load(path)
    assert loaded.config == generator.config == checkpoint.load_config(path)
    for name, tensor in generator.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    assert [file.name for file in path.parent.iterdir()] == [path.name]  # no temporary file is left


def test_half_precision_is_the_default(tmp_path, generator):
    path = tmp_path / "folder" / "half.safetensors"
    checkpoint.save(path, generator)
    assert {tensor.dtype for tensor in load_file(path).values()} == {torch.float16}
    loaded = checkpoint.load(path)
    for name, tensor in generator.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, atol=1e-6, rtol=1e-3)


def test_a_stream_takes_weights_as_they_are_stored(tmp_path, generator):
    """Nothing lies in memory in float32 first; what no file holds, a codec's own constants, is there all the same."""
    path = tmp_path / "half.safetensors"
    checkpoint.save(path, generator, torch.bfloat16)
    loaded = checkpoint.load(path, dtype=None)
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.bfloat16}
    cast(loaded, torch.device("cpu"), torch.float32)
    for name, tensor in checkpoint.load(path).state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name
    codec = WanCodecConfig(mean=(0.5,) * 4, deviation=(2.0,) * 4, encoder_width=4, decoder_width=4)
    transformer = TransformerConfig(dim=16, layers=1, heads=2, ffn_dim=16, in_channels=4, out_channels=4)
    config = ModelConfig("wan", (32, 32), transformer, codec, NoControlConfig(), IdentitySpace(recycling=False))
    checkpoint.save(path, VideoModel(config))
    assert checkpoint.load(path, dtype=None).codec.mean.flatten().tolist() == [0.5] * 4


def test_missing_file(tmp_path):
    fails(tmp_path / "none.safetensors", "no weights file")


def test_truncated_file(path):
    path.write_bytes(path.read_bytes()[:-1000])
    fails(path, "damaged")


@pytest.mark.parametrize("content", [b"", b"not weights at all, only text"])
def test_foreign_file(path, content):
    path.write_bytes(content)
    fails(path, "damaged")


def test_missing_tensor(path):
    rewrite(path, lambda tensors, _: tensors.pop("control.stem.latent_conv.bias"))
    fails(path, "'control.stem.latent_conv.bias' is missing")


def test_unknown_tensor(path):
    rewrite(path, lambda tensors, _: tensors.update(extra=torch.zeros(1)))
    fails(path, "'extra' is unknown")


def test_wrong_shape(path):
    rewrite(path, lambda tensors, _: tensors.update({"control.stem.latent_conv.bias": torch.zeros(3)}))
    fails(path, r"is \(3,\) instead of")


def test_no_configuration(path):
    rewrite(path, lambda _, metadata: metadata.clear())
    fails(path, "no model configuration")


@pytest.mark.parametrize("change", [
    {"colour": 1}, {"codec": {"kind": "Magic"}}, {"size": [33, 32]}, {"transformer": {"kind": "TransformerConfig"}},
])
def test_configuration_of_another_version(path, change):
    config = {**get_model("tiny").config.to_dict(), **change}
    rewrite(path, lambda _, metadata: metadata.update(config=json.dumps(config)))
    fails(path, "another version")


def test_diverged_weights_are_not_saved(tmp_path, generator):
    broken = VideoModel(generator.config)
    broken.control.stem.latent_conv.bias.data[0] = float("nan")
    with pytest.raises(WeightsError, match="diverged"):
        checkpoint.save(tmp_path / "broken.safetensors", broken)
    assert not list(tmp_path.iterdir())


def test_config_survives_json():
    config = get_model("pocket").config
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict())), COMPONENTS) == config
