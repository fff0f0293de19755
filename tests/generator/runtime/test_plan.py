"""The plan's equations against torch's own counter, on tensors without data."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from generator.model import VideoModel
from generator.models.registry import MODELS
from generator.runtime.accelerators import ACCELERATORS, Accelerator
from generator.runtime.plan import counted, plan, transformer_flop
from generator.transformer.cache import StreamCache
from generator.transformer.projective import Cameras

TEXT_TOKENS = 7


@pytest.mark.parametrize("name", sorted(MODELS))
def test_flop_are_those_of_torch(name: str) -> None:
    config = MODELS[name].config
    planned = plan(config, *config.size, text_tokens=TEXT_TOKENS)
    settings = config.transformer
    with torch.device("meta"):
        model = VideoModel(config)
        transformer = model.transformer
        rows, columns = (extent // model.codec.space_factor for extent in config.size)
        x = torch.zeros(1, settings.block, settings.in_channels, rows, columns)
        cache = StreamCache(settings)
        cache.frame = torch.tensor(0)
        text = None
        if settings.text_dim is not None:
            with torch.no_grad():
                text = transformer.encode_text(torch.zeros(1, TEXT_TOKENS, settings.text_dim))
        cameras = Cameras(*[torch.zeros(*x.shape[:2], 4, 4)] * 3) if settings.projective else None
        cost = counted(lambda: transformer.step(x, torch.ones(x.shape[:2]), cache, text, cameras=cameras))
    found = sum(transformer_flop(settings, planned.tokens, planned.keys, TEXT_TOKENS).values())
    assert found == pytest.approx(cost.flop, rel=0.02)
    passes = len(config.sampler.times) + (config.sampler.clean_cache is not None)
    assert planned.linear.flop + planned.attention.flop + planned.text.flop == passes * found
    assert planned.parameters == sum(p.numel() for p in model.parameters())


def test_cards_share_the_work_and_pay_for_it() -> None:
    config = MODELS["pocket"].config
    alone, shared = plan(config, 256, 256), plan(config, 256, 256, cards=4)
    assert alone.communication_bytes == 0
    # 4 exchanges x 4 layers x 256 tokens x 256 channels x 2 bytes, of which a quarter belongs to each card and a
    # quarter stays
    assert shared.communication_bytes == 4 * 4 * 256 * 256 * 2 * 3 // 16
    assert shared.flop == alone.flop
    assert shared.memory_bytes_a_card < alone.memory_bytes_a_card


def test_the_bound_is_the_slower_of_arithmetic_and_memory() -> None:
    config = MODELS["tiny"].config
    slow_memory = Accelerator("a", 1e9, None, 1, 1.0, 1.0)
    slow_units = Accelerator("b", 1e-3, None, 1, 1e12, 1.0)
    found = plan(config, 64, 64)
    assert found.seconds(slow_memory) == pytest.approx(found.bytes / 1e9)
    assert found.seconds(slow_units) == pytest.approx(found.flop / 1e9)


def test_fp8_makes_only_linears_faster() -> None:
    found, h100 = plan(MODELS["pocket"].config, 256, 256), ACCELERATORS[0]
    found = replace(found, linear=replace(found.linear, bytes=0))
    saved = found.seconds(h100) - found.seconds(h100, fp8=True)
    assert saved == pytest.approx(found.linear.seconds(h100, 1) - found.linear.seconds(h100, 1, fp8=True))
    assert saved > 0


@pytest.mark.parametrize("height, width, cards, message", [
    (250, 256, 1, "cannot make 256x250"), (256, 256, 3, "4 heads cannot be shared by 3 cards"),
])
def test_impossible_plans_are_named(height: int, width: int, cards: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan(MODELS["pocket"].config, height, width, cards)
