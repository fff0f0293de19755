"""Importing: every family and layout, strictly, and bad checkpoints in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from generator import checkpoint
from generator.importers.families import codec_layouts, layouts
from generator.importers.importer import ImportFault, import_weights
from tests.generator.importers.published import TINY, TINY_DECODER, codec_weights, shapes_of, weights_of, write_release

CASES = [(name, index) for name, model in TINY.items() for index, _ in enumerate(layouts(model.config))]


@pytest.mark.parametrize("name, index", CASES)
def test_every_layout_of_every_family(tmp_path: Path, name: str, index: int) -> None:
    model = TINY[name]
    layout = list(layouts(model.config))[index]
    source = write_release(tmp_path / "release", model, layout)
    imported = import_weights(source, model, tmp_path / "out.safetensors")
    loaded = checkpoint.load(tmp_path / "out.safetensors")
    assert loaded.config == imported.config == layout.config
    weights, found = weights_of(layout), loaded.state_dict()
    for theirs, ours in layout.names.items():
        torch.testing.assert_close(found[ours], weights[theirs].reshape(found[ours].shape), atol=0, rtol=0)
    codec = codec_weights(layout.config.codec)
    for theirs, ours in next(codec_layouts(layout.config)).names.items():
        torch.testing.assert_close(found[ours], codec[theirs].reshape(found[ours].shape), atol=0, rtol=0)


def test_diffusers_folder_in_shards(tmp_path: Path) -> None:
    model = TINY["wan2.1-1.3b"]
    layout = list(layouts(model.config))[1]
    weights = weights_of(layout)
    for folder in ("transformer", "vae"):
        (tmp_path / folder).mkdir()
    names = sorted(weights)
    places = {}
    for shard in range(3):
        file = f"diffusion_pytorch_model-{shard + 1:05}-of-00003.safetensors"
        save_file({name: weights[name].bfloat16() for name in names[shard::3]}, tmp_path / "transformer" / file)
        places |= dict.fromkeys(names[shard::3], file)
    index = tmp_path / "transformer/diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}))
    codec = codec_weights(model.config.codec, diffusers=True)
    save_file(codec, tmp_path / "vae/diffusion_pytorch_model.safetensors")

    import_weights(tmp_path, model, tmp_path / "out.safetensors")
    found = load_file(tmp_path / "out.safetensors")
    assert found["network.patch_embedding.weight"].dtype == torch.bfloat16
    expected = weights["patch_embedding.weight"].bfloat16()[:, :, 0]
    torch.testing.assert_close(found["network.patch_embedding.weight"], expected, atol=0, rtol=0)

    import_weights(tmp_path, model, tmp_path / "half.safetensors", dtype=torch.float16)
    assert {tensor.dtype for tensor in load_file(tmp_path / "half.safetensors").values()} == {torch.float16}


def test_tiny_decoder_takes_the_place_of_the_codec(tmp_path: Path) -> None:
    model = TINY["self-forcing"]
    write_release(tmp_path / "release", model)
    torch.save(codec_weights(TINY_DECODER), tmp_path / "taew2_1.pth")
    import_weights(tmp_path / "release", model, tmp_path / "out.safetensors", codec=tmp_path / "taew2_1.pth")
    assert checkpoint.load(tmp_path / "out.safetensors").config.codec == TINY_DECODER


def test_training_checkpoint_with_averaged_weights(tmp_path: Path) -> None:
    model = TINY["one-forcing"]
    layout = next(layouts(model.config))
    weights = weights_of(layout)
    averaged = {f"model._fsdp_wrapped_module.{name}": tensor for name, tensor in weights.items()}
    torch.save({"generator_ema": averaged, "generator": {}, "critic": {}}, tmp_path / "one_forcing.pt")
    torch.save(codec_weights(model.config.codec), tmp_path / "Wan2.1_VAE.pth")
    imported = import_weights(tmp_path / "one_forcing.pt", model, tmp_path / "out.safetensors")
    assert imported.inner == "generator_ema"
    found = load_file(tmp_path / "out.safetensors")
    torch.testing.assert_close(found["network.head.head.bias"], weights["head.head.bias"], atol=0, rtol=0)


@pytest.fixture
def release(tmp_path: Path) -> Path:
    return write_release(tmp_path / "release", TINY["wan2.1-1.3b"])


def fault(source: Path, name: str = "wan2.1-1.3b", **options) -> str:
    """The message, which must be one line; what was there before must stay, and nothing else be left behind."""
    out = source.parent / "out.safetensors"
    out.write_bytes(b"of value")
    with pytest.raises(ImportFault) as caught:
        import_weights(source, TINY[name], out, **options)
    assert "\n" not in str(caught.value)
    assert out.read_bytes() == b"of value"
    assert not list(source.parent.glob(".*tmp"))
    return str(caught.value)


def change(release: Path, **tensors: torch.Tensor | None) -> None:
    path = release / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    for name, tensor in tensors.items():
        weights.pop(name, None)
        if tensor is not None:
            weights[name] = tensor
    save_file(weights, path)


def test_another_family(release: Path, tmp_path: Path) -> None:
    assert "'img_emb.proj.0.weight' first" in fault(release, "wan2.1-1.3b-control")
    wide = {name: torch.zeros(1) for name in next(layouts(TINY["wan2.2-5b"].config)).names}
    wide |= {"patch_embedding.bias": torch.zeros(5120)}
    save_file(wide, tmp_path / "14b.safetensors")
    (tmp_path / "Wan2.1_VAE.pth").write_bytes((release / "Wan2.1_VAE.pth").read_bytes())
    message = fault(tmp_path / "14b.safetensors")
    assert "is not of wan2.1-1.3b" in message and "instead of" in message
    save_file({"something": torch.zeros(2)}, tmp_path / "else.safetensors")
    assert "has no tensor of it" in fault(tmp_path / "else.safetensors")


def test_the_right_family_is_named(tmp_path: Path) -> None:
    from generator.importers.families import PUBLISHED

    control = next(model for model in PUBLISHED if model.name == "wan2.1-1.3b-control")
    names = {name: torch.zeros(1) for name in next(layouts(control.config)).names}
    save_file(names | {"patch_embedding.bias": torch.zeros(1536)}, tmp_path / "a.safetensors")
    torch.save(codec_weights(TINY["wan2.1-1.3b"].config.codec), tmp_path / "Wan2.1_VAE.pth")
    assert "it looks like wan2.1-1.3b-control: give --model wan2.1-1.3b-control" in fault(tmp_path / "a.safetensors")


def test_missing_and_unknown_tensors(release: Path) -> None:
    change(release, **{"blocks.1.ffn.2.bias": None})
    assert "1 tensor(s) are missing, 'blocks.1.ffn.2.bias' first" in fault(release)
    change(release, **{"blocks.1.ffn.2.bias": torch.zeros(48), "extra": torch.zeros(3)})
    assert "1 tensor(s) do not belong, 'extra' first" in fault(release)


def test_wrong_dtype(release: Path) -> None:
    change(release, **{"head.head.bias": torch.zeros(16).to(torch.float8_e4m3fn)})
    assert "is float8_e4m3fn; get the checkpoint in float32, float16 or bfloat16" in fault(release)


def test_numbers_that_are_not_finite(release: Path) -> None:
    change(release, **{"head.head.bias": torch.full((16,), float("nan"))})
    assert "not finite in 'network.head.head.bias'" in fault(release)


def test_truncated_file(release: Path) -> None:
    path = release / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "truncated, 100 bytes are missing at its end" in fault(release)


def test_missing_codec(release: Path) -> None:
    (release / "Wan2.1_VAE.pth").unlink()
    assert "no autoencoder lies beside" in fault(release) and "--codec FILE" in fault(release)
    assert "no file or folder" in fault(release, codec=release / "nowhere.pth")


PEAK = """
import resource, sys
from pathlib import Path
from generator.importers.importer import import_weights
import tests.generator.importers.published as published
model = published.TINY["wan2.1-1.3b"]
from dataclasses import replace
transformer = replace(model.config.transformer, dim=512, ffn_dim=1024, layers=12, text_dim=512)
model = replace(model, config=replace(model.config, transformer=transformer))
warm = Path(sys.argv[2])
import_weights(warm, published.TINY["wan2.1-1.3b"], warm / "out.safetensors")  # what the code itself takes
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
import_weights(Path(sys.argv[1]), model, Path(sys.argv[1]) / "out.safetensors")
print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before))
"""


def test_peak_memory_is_one_tensor_and_not_the_model(tmp_path: Path) -> None:
    """Far below one shard of the source, let alone the whole."""
    model = TINY["wan2.1-1.3b"]
    transformer = replace(model.config.transformer, dim=512, ffn_dim=1024, layers=12, text_dim=512)
    large = replace(model, config=replace(model.config, transformer=transformer))
    (tmp_path / "large").mkdir()
    shapes = shapes_of(next(layouts(large.config)))
    save_file({name: torch.zeros(shape) for name, shape in shapes.items()}, tmp_path / "large/model.safetensors")
    torch.save(codec_weights(large.config.codec), tmp_path / "large/Wan2.1_VAE.pth")
    write_release(tmp_path / "small", model)
    size = (tmp_path / "large/model.safetensors").stat().st_size
    command = [sys.executable, "-c", PEAK, str(tmp_path / "large"), str(tmp_path / "small")]
    grown = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert size > 1.5e8
    assert grown < size / 8, f"{grown} bytes for a checkpoint of {size}"
