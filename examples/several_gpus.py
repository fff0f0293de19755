"""One stream on several GPUs:

    torchrun --nproc-per-node 8 examples/several_gpus.py apt2-8b-720p 1280x720

Random weights unless a file of `puppet import` or `puppet train` is given. Without GPUs it runs on processes of the
CPU.
"""

import sys
import time

import torch
import torch.distributed as dist

from generator import checkpoint
from generator.distributed.distribute import distribute
from generator.models import get_model
from generator.runtime.precision import resolve_dtype
from generator.runtime.random_weights import with_random_weights
from generator.stream import Stream

STEPS = 20


def main(name: str, size: str, weights: str | None = None) -> None:
    width, height = map(int, size.split("x"))
    on_gpu = torch.cuda.is_available()
    dist.init_process_group("nccl" if on_gpu else "gloo")
    rank = dist.get_rank()
    device = torch.device("cuda", rank % torch.cuda.device_count()) if on_gpu else torch.device("cpu")
    if on_gpu:
        torch.cuda.set_device(device)
    dtype = resolve_dtype("auto", device)
    if weights:
        model = checkpoint.load(weights, dtype=None)
    else:  # the same on every process
        model = with_random_weights(get_model(name).config.resized(height, width), device, dtype)
    stream = Stream(model, (height, width), device, dtype)
    distribute(stream.model)
    stream.lock()
    block = stream.model.config.transformer.block
    signal = stream.model.control.blank(
        stream.model.codec, 1, block, height, width, device=stream.device, dtype=stream.dtype
    )
    for _ in range(2):  # the first step begins the video
        video = stream.step(signal)
    began = time.perf_counter()
    for _ in range(STEPS):
        video = stream.step(signal)
    seconds = (time.perf_counter() - began) / STEPS
    if rank == 0:
        print(
            f"{dist.get_world_size()} processes, {device.type}: {1000 * seconds:.1f} ms a step, "
            f"{video.shape[1] / seconds:.1f} fps"
        )
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    main(*sys.argv[1:])
