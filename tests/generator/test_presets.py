import pytest
import torch

from generator.config import AutoencoderConfig, ModelConfig, StemConfig, TransformerConfig
from generator.generator import Generator
from generator.presets import PRESETS, get_preset
from generator.rope import axis_split
from generator.runtime.precision import cast, resolve_device, resolve_dtype
from generator.transformer import CausalTransformer


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_names_are_keys():
    assert all(name == config.name for name, config in PRESETS.items())


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'pocket'"):
        get_preset("poket")


def test_sizes_of_the_presets():
    assert parameters(Generator(get_preset("tiny"))) < 1.5e6
    assert 2 * parameters(Generator(get_preset("pocket"))) < 16 * 2**20  # shipped in half precision


def test_the_open_video_models_can_be_expressed():
    """Wan2.1 1.3B with room for the previous latent: the published count plus 16 input channels."""
    config = TransformerConfig(
        dim=1536, layers=30, heads=12, ffn_dim=8960, condition_channels=0, text_dim=4096, window=12, sink_distance=12
    )
    with torch.device("meta"):
        model = CausalTransformer(config)
    assert parameters(model) == 1_418_996_800 + 16 * 4 * 1536
    assert axis_split(config.head_dim) == (44, 42, 42)


@pytest.mark.parametrize("change", [
    {"heads": 5}, {"window": 0}, {"sink_distance": 0}, {"trunk_depth": 1},
])
def test_impossible_transformers(change):
    with pytest.raises(ValueError):
        TransformerConfig(**{"dim": 64, "layers": 1, "heads": 2, "ffn_dim": 64, "condition_channels": 0, **change})


def test_condition_channels_must_fit_the_stem():
    with pytest.raises(ValueError, match="condition_channels must be 24"):
        ModelConfig(
            name="x", size=64, stem=StemConfig(4, 8), autoencoder=AutoencoderConfig((4, 4, 4), (4, 4, 4), (1, 1, 1)),
            transformer=TransformerConfig(dim=32, layers=1, heads=1, ffn_dim=32, condition_channels=8),
        )


def test_cast_keeps_what_must_stay_exact():
    generator = cast(Generator(get_preset("tiny")), torch.device("cpu"), torch.bfloat16)
    kinds = {name: parameter.dtype for name, parameter in generator.named_parameters()}
    exact = {name for name, kind in kinds.items() if kind == torch.float32}
    assert "transformer.blocks.0.modulation" in exact and "transformer.time_projection.1.weight" in exact
    assert "autoencoder.linear_out.weight" in exact
    assert kinds["transformer.blocks.0.ffn.0.weight"] == torch.bfloat16


def test_device_and_number_format():
    cpu = resolve_device("cpu")
    assert resolve_dtype("auto", cpu) in (torch.float32, torch.bfloat16)
    assert resolve_dtype("float16", cpu) == torch.float16
    with pytest.raises(ValueError, match="unknown device"):
        resolve_device("toaster")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no CUDA device"):
            resolve_device("cuda")
