import pytest
import torch

from generator.config import SamplerConfig
from generator.model import VideoModel
from generator.models import MODELS, get_model
from generator.runtime.precision import cast, resolve_device, resolve_dtype
from generator.transformer.config import TransformerConfig
from generator.transformer.rope import axis_split
from generator.transformer.transformer import CausalTransformer


def parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_names_are_keys():
    assert all(name == model.name == model.config.name for name, model in MODELS.items())


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(ValueError, match="did you mean 'pocket'"):
        get_model("poket")


def test_sizes_of_the_presets():
    assert parameters(VideoModel(get_model("tiny").config)) < 1.5e6
    assert 2 * parameters(VideoModel(get_model("pocket").config)) < 16 * 2**20  # shipped in half precision


def test_the_open_video_models_can_be_expressed():
    """Wan2.1 1.3B with room for the previous latent: the published count plus 16 input channels."""
    config = TransformerConfig(
        dim=1536, layers=30, heads=12, ffn_dim=8960, in_channels=32, out_channels=16, text_dim=4096, window=12
    )
    with torch.device("meta"):
        model = CausalTransformer(config)
    assert parameters(model) == 1_418_996_800 + 16 * 4 * 1536
    assert axis_split(config.head_dim) == (44, 42, 42)


@pytest.mark.parametrize("change", [
    {"heads": 5}, {"window": 0}, {"block": 0}, {"sink": -1}, {"sink_distance": 0}, {"image_dim": 8},
])
def test_impossible_transformers(change):
    with pytest.raises(ValueError):
        TransformerConfig(**{
            "dim": 64, "layers": 1, "heads": 2, "ffn_dim": 64, "in_channels": 4, "out_channels": 4, **change
        })


@pytest.mark.parametrize("change", [
    {"times": ()}, {"times": (1.0, 1.0), "clean_cache": 0.0}, {"times": (1.0, 0.0), "clean_cache": 0.0},
    {"times": (1.0, 0.5)}, {"first": (1.0, 0.5)}, {"first": (0.5, 1.0), "clean_cache": 0.0},
])
def test_impossible_samplers(change):
    with pytest.raises(ValueError):
        SamplerConfig(**change)


def test_cast_keeps_what_must_stay_exact():
    torch.manual_seed(0)
    generator = VideoModel(get_model("tiny").config)
    weight = generator.codec.linear_out.weight.clone()
    generator = cast(generator, torch.device("cpu"), torch.bfloat16)
    assert torch.equal(generator.codec.linear_out.weight, weight)  # unrounded
    kinds = {name: parameter.dtype for name, parameter in generator.named_parameters()}
    exact = {name for name, kind in kinds.items() if kind == torch.float32}
    assert "network.transformer.blocks.0.modulation" in exact
    assert "network.transformer.time_projection.1.weight" in exact
    assert "codec.linear_out.weight" in exact
    assert kinds["network.transformer.blocks.0.ffn.0.weight"] == torch.bfloat16


def test_device_and_number_format():
    cpu = resolve_device("cpu")
    assert resolve_dtype("auto", cpu) in (torch.float32, torch.bfloat16)
    assert resolve_dtype("float16", cpu) == torch.float16
    with pytest.raises(ValueError, match="unknown device"):
        resolve_device("toaster")
    if not torch.cuda.is_available():
        with pytest.raises(ValueError, match="no CUDA device"):
            resolve_device("cuda")


@pytest.mark.parametrize("name, tokens", [("apt2-8b", 1196), ("apt2-8b-720p", 3600)])
def test_the_papers_scale(name, tokens):
    config = get_model(name).config
    with torch.device("meta"):
        model = VideoModel(config)
    assert abs(parameters(model) / 8.0e9 - 1) < 0.02
    assert config.transformer.layers == 36
    noise = model.noise(1, *config.size, device="meta")
    assert noise.shape[-2] * noise.shape[-1] // config.transformer.patch**2 == tokens
