import numpy as np
import pytest
import torch

from generator.runtime.fp8 import in_fp8, quantise
from generator.runtime.graph import graph_model
from generator.runtime.measure import measure
from generator.runtime.transfer import Transfer
from generator.stream import Stream
from tests.generator.small_model import small_model


def test_fp8_takes_the_linears_of_the_blocks_only() -> None:
    chosen = [name for name, module in small_model().transformer.named_modules() if in_fp8(module, name)]
    expected = ["self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "ffn.0", "ffn.2"]
    expected += [name.replace("self", "cross") for name in expected[:4]]
    assert sorted(chosen) == sorted(f"blocks.{block}.{name}" for block in range(2) for name in expected)


@pytest.mark.parametrize("wrap, message", [(quantise, "fp8 needs an NVIDIA card"), (graph_model, "need a CUDA device")])
def test_what_a_cpu_cannot_do_is_said(wrap, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrap(small_model())


def test_arrays_come_back_as_they_went() -> None:
    transfer = Transfer(torch.device("cpu"))
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    np.testing.assert_array_equal(transfer.down(transfer.up("warp", picture[::-1])), picture[::-1])


def test_a_measurement_is_of_the_steps_that_were_made() -> None:
    stream = Stream(small_model(), device="cpu", dtype="float32")
    stream.lock(torch.zeros(1, 1, 3, stream.height, stream.width))
    found = measure(stream, range(3), warm_up=1)
    assert found.generate_ms > 0 and found.decode_ms > 0
    assert found.frames_a_second == pytest.approx(4000 / (found.generate_ms + found.decode_ms))
    assert found.memory_bytes is None
