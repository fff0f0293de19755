"""Several processes: `torchrun --nproc-per-node 8 -m puppet train ...` shards weights, gradients and optimiser state.

Fully sharded data parallel (FSDP2). The pieces that the generator calls one by one (parts of the control, network with
its blocks, parts of the codec) are sharded one by one, because a rollout never calls the generator as a whole.
Parameters stay gathered between forward and backward, as in AAPT for the student-forced generator: a rollout would
otherwise gather them again for every frame.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from generator.discriminator import LatentDiscriminator
from generator.model import VideoModel
from generator.runtime.precision import kept_in_float32


@dataclass(frozen=True)
class Workers:
    """The processes of a run, and where and in which number format this one computes."""

    device: torch.device
    dtype: torch.dtype | None = None
    rank: int = 0
    count: int = 1

    @property
    def main(self) -> bool:
        """The one that writes files."""
        return self.rank == 0

    @property
    def parameter_dtype(self) -> torch.dtype | None:
        """What a learner casts parameters to; sharded ones are cast as they are gathered."""
        return self.dtype if self.count == 1 else None

    def place(self, module: nn.Module) -> nn.Module:
        """Move a module to the device, and shard it (several processes) or lay its convolutions out channels-last."""
        module = module.to(self.device)
        if self.count == 1:
            for parameter in module.parameters():
                if parameter.dim() == 4:
                    parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
            return module
        _shard(module, self.dtype)
        return module

    def agree(self, values: list[float]) -> list[float]:
        """The main process's values, everywhere: clocks and signals must not part the processes."""
        if self.count == 1:
            return values
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.broadcast(tensor, 0)
        return tensor.tolist()


@contextlib.contextmanager
def join(device: torch.device, dtype: torch.dtype | None) -> Iterator[Workers]:
    """The workers of this run: those that torchrun started, or this process alone."""
    if not dist.is_torchelastic_launched():
        yield Workers(device, dtype)
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield Workers(device, dtype, dist.get_rank(), dist.get_world_size())
        # Gloo's threads drop a collective's tensors a moment after it is done. If the interpreter ends before that,
        # they abort the process; one more collective, which has no tensor, gives them that moment.
        dist.barrier()
    finally:
        dist.destroy_process_group()


def _shard(module: nn.Module, dtype: torch.dtype | None) -> None:
    """Shard in place, piece by piece. What stays in float32 at inference (`keep_fp32`) is small: it is left whole, for
    a piece has one number format."""
    from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard, register_fsdp_forward_method

    cast = dtype if dtype != torch.float32 else None
    exact = kept_in_float32(module)
    kept = {parameter for name, parameter in module.named_parameters() if name in exact}

    def shard(part: nn.Module, cast_inputs: bool = True) -> None:
        if set(part.parameters()) <= kept:
            return
        policy = MixedPrecisionPolicy(param_dtype=cast, reduce_dtype=torch.float32, cast_forward_inputs=cast_inputs)
        fully_shard(part, mp_policy=policy, reshard_after_forward=False, ignored_params=kept)
        # gradient comes back through cached keys and values too, where no hook gathers what has been let go
        part.set_reshard_after_backward(False)

    def shard_network(network: nn.Module) -> None:
        for block in network.transformer.blocks:
            shard(block, cast_inputs=False)  # time and residual may be finer than the matrices
        if network is not network.transformer:  # something around it calls it so
            shard(network.transformer, cast_inputs=False)
            register_fsdp_forward_method(network.transformer, "run")
        shard(network, cast_inputs=False)
        register_fsdp_forward_method(network, "step")

    if isinstance(module, LatentDiscriminator):
        shard_network(module.network)
        parts = list(module.control.children())
    elif isinstance(module, VideoModel):
        shard_network(module.network)
        parts = [*module.control.children(), *module.codec.children()]
    else:
        parts = [module]
    for part in parts:
        shard(part)


def mean_replicated_gradients(module: nn.Module) -> None:
    """The mean over the processes for those parameters of a sharded module that are not in shards."""
    parameters = list(module.parameters())
    if not any(hasattr(parameter, "full_tensor") for parameter in parameters):
        return
    whole_ones = [p.grad for p in parameters if p.grad is not None and not hasattr(p, "full_tensor")]
    if whole_ones:
        flat = torch.cat([gradient.flatten() for gradient in whole_ones])
        dist.all_reduce(flat)
        flat /= dist.get_world_size()
        for gradient, part in zip(whole_ones, flat.split([gradient.numel() for gradient in whole_ones])):
            gradient.copy_(part.view_as(gradient))


def let_go(module: nn.Module) -> None:
    """Free the gathered parameters after a backward pass: the update changes the shards, and they would be stale."""
    for part in module.modules():
        if hasattr(part, "reshard"):
            part.reshard()


def whole(tensor: Tensor) -> Tensor:
    """A sharded tensor put together, on every process; any other as it is."""
    return tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor


def spread(value: Tensor, like: Tensor) -> Tensor:
    """A whole tensor in the layout of `like`: its memory order, or this process's shard."""
    if value.shape != like.shape:
        return value
    if hasattr(like, "full_tensor"):
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(value.to(like.device, like.dtype), like.device_mesh, like.placements)
    return torch.empty_like(like).copy_(value)
