import contextlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from generator.runtime.fp8 import in_fp8, quantise
from generator.runtime.graph import GraphedAdvance, graph_model
from generator.runtime.measure import measure
from generator.runtime.transfer import Transfer
from generator.stream import Stream
from generator.transformer.cache import StreamCache
from tests.generator.small_model import HEIGHT, TEXT_DIM, WIDTH, small_model


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


class PretendedGraph:
    """A CUDA graph for a device without: what is recorded leaves no trace, and a replay runs it on the held inputs."""

    run: Callable[[], None]

    def replay(self) -> None:
        self.run()


@pytest.fixture
def pretended_cuda(monkeypatch):
    """Streams that are none, and recordings that run when they are replayed. Counts the recordings."""
    recordings: list[PretendedGraph] = []

    class Side:
        def wait_stream(self, other) -> None: ...

    @contextlib.contextmanager
    def record(graph: PretendedGraph, capture_error_mode: str):
        assert capture_error_mode == "thread_local"  # a prompt may be encoded meanwhile
        recordings.append(graph)
        yield

    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Side())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: Side())
    for name in ("device", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda given: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", PretendedGraph)
    monkeypatch.setattr(torch.cuda, "graph", record)
    return recordings


@torch.no_grad()
def test_a_recording_takes_new_noise_and_prompts_and_is_made_again_on_other_ground(pretended_cuda) -> None:
    """On the CPU, with a graph that only pretends: what is copied where, and when another recording is due."""
    plain, graphed = small_model(), small_model()
    step = plain.advance

    class Advance(GraphedAdvance):
        """Its recorded pass runs at the replay instead, as on a device."""

        def _replayed(self, observation, state, noise, text):
            graph, outputs = self._graph, {}

            def run() -> None:
                passed, state.cache.passed = state.cache.passed, lambda count: None
                z, after = step(observation, state, noise, text)
                state.cache.passed = passed
                outputs["z"].copy_(z)
                outputs["previous"].copy_(after.previous)

            graph.run = run
            outputs |= {"z": torch.zeros_like(noise[0]), "previous": torch.zeros_like(state.previous)}
            state.cache.passed(1)
            return outputs["z"], replace(state, previous=outputs["previous"], beginning=False)

    graphed_advance = Advance(graphed, torch.device("cpu"))
    eager = graphed_advance._plain
    graphed_advance._plain = lambda *given: (
        eager(*given) if graphed_advance._graph is None else graphed_advance._replayed(*given)
    )
    graphed.advance = graphed_advance
    texts = [torch.randn(1, 3, TEXT_DIM), torch.randn(1, 3, TEXT_DIM), torch.randn(1, 5, TEXT_DIM)]
    reference = torch.rand(1, 1, 3, HEIGHT, WIDTH)
    states = [
        model.lock(reference, None, StreamCache(model.config.transformer), model.encode_text(texts[0]))
        for model in (plain, graphed)
    ]
    recorded = []
    for index in range(20):
        noise = plain.noise(1, HEIGHT, WIDTH)
        text = plain.encode_text(texts[0 if index < 10 else 1 if index < 12 else 2])
        made = []
        for number, model in enumerate((plain, graphed)):
            z, states[number] = model.step(None, states[number], noise, text)
            made.append(z)
        torch.testing.assert_close(made[1], made[0], atol=1e-6, rtol=0)
        recorded.append(len(pretended_cuda))
    # three plain steps after the window of two has filled, the fourth recorded; a longer prompt is another ground
    assert recorded == [0] * 5 + [1] * 10 + [2] * 5
