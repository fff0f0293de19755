"""The training objectives as equations. AAPT: Lin et al. 2025, arXiv 2506.09350. APT: arXiv 2501.08316.

Every function returns a scalar in float32 unless its docstring says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def shift_time(u: Tensor, shift: float) -> Tensor:
    """t = s u / (1 + (s - 1) u): moves uniform u towards noise (AAPT, appendix B: s = 24)."""
    return shift * u / (1 + (shift - 1) * u)


def interpolate(x: Tensor, noise: Tensor, t: Tensor) -> Tensor:
    """x_t = (1 - t) x + t noise, with t (B,) broadcast over the other axes (flow matching, Lipman et al. 2023)."""
    t = t.view(-1, *[1] * (x.dim() - 1)).to(x.dtype)
    return (1 - t) * x + t * noise


def velocity(x: Tensor, noise: Tensor) -> Tensor:
    """v = noise - x, so that x = x_t - t v for every t. Same shape as x."""
    return noise - x


def clean(x_t: Tensor, v: Tensor, t: Tensor) -> Tensor:
    """x = x_t - t v, the boundary condition of consistency models: at t = 0 it is x_t itself."""
    return x_t - t.view(-1, *[1] * (x_t.dim() - 1)).to(x_t.dtype) * v


def flow_matching(v: Tensor, x: Tensor, noise: Tensor) -> Tensor:
    """|| v - (noise - x) ||^2, mean over everything (AAPT, appendix B)."""
    return F.mse_loss(v.float(), velocity(x, noise).float())


def time_grid(steps: int, shift: float, device: torch.device | str = "cpu") -> Tensor:
    """t_0 = 0 .. t_steps = 1, (steps + 1,): uniform, then shifted (AAPT, appendix B: 32 steps)."""
    return shift_time(torch.linspace(0, 1, steps + 1, device=device), shift)


def euler(x_t: Tensor, v: Tensor, t: Tensor, t_next: Tensor) -> Tensor:
    """One step of dx/dt = v from t to t_next, both (B,)."""
    return x_t + (t_next - t).view(-1, *[1] * (x_t.dim() - 1)).to(x_t.dtype) * v


def pseudo_huber(a: Tensor, b: Tensor) -> Tensor:
    """sqrt(|a - b|^2 + c^2) - c per latent frame, c = 0.00054 sqrt(dim) (Song and Dhariwal 2024, arXiv 2310.14189);
    divided by sqrt(dim), so that its size does not grow with the picture. a, b (B, T, C, h, w)."""
    dim = a[0, 0].numel()
    c = 0.00054 * dim**0.5
    squared = (a.float() - b.float()).square().flatten(2).sum(-1)
    return ((squared + c * c).sqrt() - c).mean() / dim**0.5


def relativistic_generator(fake: Tensor, real: Tensor) -> Tensor:
    """softplus(-(D(fake) - D(real))), the pairing loss of AAPT eq. 1 as a minimisation."""
    return F.softplus(real.float() - fake.float()).mean()


def relativistic_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    """softplus(-(D(real) - D(fake)))."""
    return F.softplus(fake.float() - real.float()).mean()


def approximate_penalty(logits: Tensor, disturbed: Tensor) -> Tensor:
    """|| D(x) - D(x + sigma n) ||^2, mean: R1 on real and R2 on fake input without a second derivative
    (APT section 3.3; AAPT: lambda 1000, sigma 0.1). The gradient flows through both terms."""
    return (logits.float() - disturbed.float()).square().mean()


def centring_penalty(real: Tensor, fake: Tensor) -> Tensor:
    """mean(D)^2: the pairing loss sees differences only, and an offset that drifts wears out the number format
    (Lin et al. 2025, arXiv 2511.22475)."""
    return 0.5 * (real.float().mean() + fake.float().mean()).square()


@dataclass(frozen=True)
class Objective:
    """The discriminator's loss: pairing + penalty (R1 + R2) + centring mean(D)^2 (AAPT, eq. 1 and appendix B)."""

    penalty: float  # lambda
    sigma: float  # standard deviation of the disturbance, latents or pixels
    centring: float  # 0 in AAPT

    def __call__(self, real: Tensor, fake: Tensor, real_disturbed: Tensor, fake_disturbed: Tensor) -> dict[str, Tensor]:
        pairing = relativistic_discriminator(real, fake)
        r1, r2 = approximate_penalty(real, real_disturbed), approximate_penalty(fake, fake_disturbed)
        total = pairing + self.penalty * (r1 + r2) + self.centring * centring_penalty(real, fake)
        mean, margin = 0.5 * (real.mean() + fake.mean()), (real - fake).mean()
        return {"total": total, "pairing": pairing, "penalty": r1 + r2, "mean": mean, "margin": margin}

    def disturb(self, x: Tensor, random: torch.Generator) -> Tensor:
        return x + self.sigma * torch.randn(x.shape, generator=random, device=x.device).to(x.dtype)


def weighted_l1(error: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute value of pixel differences (..., C, H, W) under weights (..., 1, H, W)."""
    return (error.abs() * weight).mean(dtype=torch.float32)


def gradient_l1(error: Tensor, weight: Tensor) -> Tensor:
    """weighted_l1 of the horizontal and vertical steps between neighbouring pixels: edges in the right place."""
    across = weighted_l1(error[..., :, 1:] - error[..., :, :-1], weight[..., :, 1:])
    return across + weighted_l1(error[..., 1:, :] - error[..., :-1, :], weight[..., 1:, :])


def chroma_l1(error: Tensor, weight: Tensor) -> Tensor:
    """weighted_l1 of red and blue less green: tints that each channel alone forgives."""
    return weighted_l1(error[..., 0:3:2, :, :] - error[..., 1:2, :, :], weight)


def texture_l1(video: Tensor, truth: Tensor, weight: Tensor, window: int = 8) -> Tensor:
    """weighted_l1 of the mean step between neighbouring pixels in windows of 8x8: what cannot be foretold to the pixel,
    strands of hair, shall still be as sharp as the truth; the other terms are content with its mean, a blur."""

    def steps(x: Tensor) -> Tensor:  # (..., C, H, W) -> (M, C, H / window, W / window)
        x = x.flatten(0, -4)
        across = F.pad((x[..., 1:] - x[..., :-1]).abs(), (0, 1))
        down = F.pad((x[..., 1:, :] - x[..., :-1, :]).abs(), (0, 0, 0, 1))
        return F.avg_pool2d(across + down, window)

    return weighted_l1(steps(video) - steps(truth), F.avg_pool2d(weight.flatten(0, -4), window))
