"""A module together with its optimiser: Muon for the matrices of transformer blocks, AdamW for everything else.

Muon's update is scaled to the size of AdamW's, so that both take one learning rate.

The module computes in its own number format (bfloat16 where the processor has it). The optimiser works on float32
masters, because a bfloat16 weight swallows updates below 1/256 of itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from generator.runtime.precision import kept_in_float32
from generator.training.distributed import let_go, mean_replicated_gradients, spread, whole
from generator.training.muon import Muon

AVERAGE_REACH = 10  # the average of n steps begins as that of the last n / 10 + 1 or so


@dataclass(frozen=True)
class OptimizerConfig:
    lr: float = 1e-3  # AdamW
    matrix_lr: float | None = 1e-3  # Muon; None leaves the matrices to AdamW
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.01
    warmup: int = 50  # steps
    final: float = 0.02  # of the learning rate, at the end of the cosine
    clip: float = 1.0  # norm of the whole gradient
    average: float | None = None  # decay of the moving average that becomes the result (APT: 0.995)
    rule: Literal["adamw", "rmsprop"] = "adamw"  # of what Muon leaves; rmsprop's alpha is betas[1]


def average_decay(config: OptimizerConfig, step: int) -> float:
    """Decay of the moving average at a step (1, 2, ...): it reaches back over a tenth of the steps so far, until that
    is as far as `average` reaches. A fixed decay would keep the untrained start in the result of a short stage."""
    return min(config.average, step / (step + AVERAGE_REACH))


def schedule(config: OptimizerConfig, step: int, progress: float) -> float:
    """Factor on the learning rate: linear warm-up by steps, cosine over the progress 0..1 of the stage."""
    warm = min(1.0, (step + 1) / config.warmup) if config.warmup else 1.0
    cosine = 0.5 * (1 + math.cos(math.pi * min(max(progress, 0.0), 1.0)))
    return warm * (config.final + (1 - config.final) * cosine)


def is_block_matrix(name: str, parameter: nn.Parameter) -> bool:
    """The hidden matrices of transformer blocks: 2-D weights below a list called `blocks`."""
    return parameter.dim() == 2 and "blocks." in name and min(parameter.shape) >= 16


def compute_dtype(device: torch.device | str) -> torch.dtype:
    """bfloat16 where matrix products are faster in it, float32 elsewhere."""
    if torch.device(device).type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    if torch.device(device).type == "cpu" and torch.cpu._is_avx512_bf16_supported():
        return torch.bfloat16
    return torch.float32


class Learner:
    """Trains those parameters of `module` that require a gradient.

    `dtype` None leaves the parameters as they are (float32, or sharded with their own mixed precision). Parameters
    that a module's `keep_fp32` names stay float32, as at inference.
    """

    def __init__(
        self,
        module: nn.Module,
        config: OptimizerConfig,
        dtype: torch.dtype | None = None,
    ):
        self.module, self.config, self.steps = module, config, 0
        exact = kept_in_float32(module)
        self.masters: dict[str, Tensor] = {}
        self.parameters: dict[str, nn.Parameter] = {}
        for name, parameter in module.named_parameters():
            if not parameter.is_floating_point():
                continue
            master = parameter
            if dtype not in (None, parameter.dtype) and name not in exact:
                master = nn.Parameter(parameter.detach().float().clone(), requires_grad=parameter.requires_grad)
                parameter.data = parameter.data.to(dtype)
            self.parameters[name], self.masters[name] = parameter, master
        trained = {name: master for name, master in self.masters.items() if master.requires_grad}
        matrices = {
            name: master
            for name, master in trained.items()
            if config.matrix_lr is not None and is_block_matrix(name, self.parameters[name])
        }
        self.trained = trained
        self.optimizers: list[torch.optim.Optimizer] = []
        rest = [master for name, master in trained.items() if name not in matrices]
        for sharded in (True, False):  # an optimizer takes one kind
            if part := [master for master in rest if hasattr(master, "full_tensor") == sharded]:
                self.optimizers.append(_plain_optimizer(part, config))
        if matrices:
            self.optimizers.append(
                Muon(
                    list(matrices.values()),
                    config.matrix_lr,
                    config.weight_decay,
                    iterate_in=compute_dtype(next(iter(matrices.values())).device),
                )
            )
        self.averages: dict[str, Tensor] = {}
        self._rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]

    def step(self, progress: float) -> float:
        """Take the gradients that are there, clip, update, clear. Returns the norm before clipping; an update whose
        gradient is not finite is skipped."""
        let_go(self.module)
        mean_replicated_gradients(self.module)
        for name, master in self.trained.items():
            parameter = self.parameters[name]
            if master is not parameter:
                master.grad = None if parameter.grad is None else parameter.grad.float()
                parameter.grad = None
        norm = clip_gradients(list(self.trained.values()), self.config.clip)
        if math.isfinite(norm):
            factor = schedule(self.config, self.steps, progress)
            for optimizer, rates in zip(self.optimizers, self._rates):
                for group, rate in zip(optimizer.param_groups, rates):
                    group["lr"] = rate * factor
                optimizer.step()
            self._publish(self.trained)
        for master in self.trained.values():
            master.grad = None
        self.steps += 1
        self._average()
        return norm

    @torch.no_grad()
    def _average(self) -> None:
        if self.config.average is None:
            return
        if not self.averages:
            self.averages = {name: master.detach().clone() for name, master in self.trained.items()}
        weight = 1 - average_decay(self.config, self.steps)
        for name, average in self.averages.items():
            average.lerp_(self.trained[name].detach(), weight)

    def _publish(self, masters: dict[str, Tensor]) -> None:
        with torch.no_grad():
            for name, master in masters.items():
                if master is not self.parameters[name]:
                    self.parameters[name].copy_(master)

    def state_dict(self) -> dict[str, Tensor]:
        """The module's state, whole, with float32 masters in place of what it computes with."""
        return {name: whole(self.masters.get(name, value).detach()) for name, value in self.module.state_dict().items()}

    def result(self) -> dict[str, Tensor]:
        """What the training is for: `state_dict`, averaged where there is an average."""
        return self.state_dict() | {name: whole(average) for name, average in self.averages.items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        own = self.module.state_dict()
        self.module.load_state_dict({name: spread(value, own[name]) for name, value in state.items()})
        with torch.no_grad():
            for name, master in self.masters.items():
                if master is not self.parameters[name]:
                    master.copy_(state[name])

    def optimizer_tensors(self) -> dict[str, Tensor]:
        """The optimisers' state as a flat dictionary, for safetensors."""
        tensors = {"steps": torch.tensor(self.steps)}
        tensors |= {f"average.{name}": whole(average) for name, average in self.averages.items()}
        for number, optimizer in enumerate(self.optimizers):
            for index, state in optimizer.state_dict()["state"].items():
                for key, value in state.items():
                    tensors[f"{number}.{index}.{key}"] = whole(torch.as_tensor(value))
        return tensors

    def load_optimizer_tensors(self, tensors: dict[str, Tensor]) -> None:
        self.steps = int(tensors["steps"])
        self.averages = {
            name: spread(tensors[f"average.{name}"], master.detach())
            for name, master in self.trained.items()
            if f"average.{name}" in tensors
        }
        for number, optimizer in enumerate(self.optimizers):
            current = optimizer.state_dict()
            parameters = [parameter.detach() for group in optimizer.param_groups for parameter in group["params"]]
            state: dict[int, dict[str, Tensor]] = {}
            for key, value in tensors.items():
                if key.startswith(f"{number}."):
                    _, index, field = key.split(".")
                    # the fused update walks memory: moments have to lie as their parameter does
                    state.setdefault(int(index), {})[field] = spread(value, parameters[int(index)])
            optimizer.load_state_dict({"state": state, "param_groups": current["param_groups"]})


def clip_gradients(parameters: list[Tensor], largest: float) -> float:
    """Scale the gradients, sharded or not, so that their common norm is at most `largest`; the norm before that."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    kinds = ([g for g in gradients if hasattr(g, "full_tensor") == sharded] for sharded in (True, False))
    norm = math.hypot(*(float(whole(torch.nn.utils.get_total_norm(kind))) for kind in kinds if kind))
    if largest < norm < math.inf:
        for gradient in gradients:
            gradient.mul_(largest / (norm + 1e-6))
    return norm


def _plain_optimizer(parameters: list[Tensor], config: OptimizerConfig) -> torch.optim.Optimizer:
    if config.rule == "rmsprop":
        return torch.optim.RMSprop(parameters, config.lr, alpha=config.betas[1], weight_decay=config.weight_decay)
    return torch.optim.AdamW(
        parameters, config.lr, config.betas, weight_decay=config.weight_decay, fused=_fusible(parameters)
    )


def _fusible(parameters: list[Tensor]) -> bool:
    return all(type(p) is nn.Parameter and p.device.type in ("cpu", "cuda") for p in parameters)
