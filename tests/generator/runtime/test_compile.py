"""One graph while the window fills and one for ever after: the compiled step equals the plain one, leaves its graph
nowhere, and is not compiled again."""

from __future__ import annotations

import torch
from torch._dynamo.utils import counters

from generator.runtime.compile import compile_model
from generator.stream import Stream
from tests.generator.small_model import HEIGHT, WIDTH, small_model

STEPS = 200


def test_200_steps_without_a_recompilation() -> None:
    torch._dynamo.reset()
    counters.clear()
    plain = Stream(small_model(), device="cpu", dtype="float32")
    # graphs and guards are the same with every backend; this one needs no C++ compiler
    fast = Stream(compile_model(small_model(), backend="aot_eager"), device="cpu", dtype="float32")
    reference = torch.rand(1, 1, 3, HEIGHT, WIDTH) * 2 - 1
    for stream in (plain, fast):
        stream.lock(reference)
    difference = changed = 0.0
    before = None
    for step in range(STEPS):
        expected, found = plain.step(), fast.step()
        difference = max(difference, (expected - found).abs().max().item())
        if before is not None:
            changed = max(changed, (expected - before).abs().max().item())
        before = expected
        if step == 0:
            graphs = counters["stats"]["unique_graphs"]
        if step == 2:  # reference and window are there: from now on without a mask
            assert counters["stats"]["unique_graphs"] == graphs + 1
            graphs += 1
    assert changed > 1e-3  # it is a moving picture
    assert difference < 1e-5
    assert counters["stats"]["unique_graphs"] == graphs
    assert not counters["graph_break"]
