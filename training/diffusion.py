"""One training step of the denoiser."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.buffer import Draw
from training.networks import Networks

TEXT_DROPOUT = 0.1  # teaches the unconditional estimate that guidance needs
DEPTH_DROPOUT = 0.05
BACKGROUND = 0.2  # weight of a background pixel's error against an object pixel's


NOISIER = 0.7  # below 1, noisy times are drawn more often: there the layout of a pattern is decided


@dataclass(frozen=True)
class Noised:
    """x_t = alpha z + sigma e with its target v = alpha e - sigma z; ``times`` (N,) int64."""

    x: Tensor
    target: Tensor
    times: Tensor


def noised(latents: Tensor, alphas_cumprod: Tensor, generator: torch.Generator) -> Noised:
    """Noise each latent to its own time, the times spread over the batch."""
    count, total = len(latents), len(alphas_cumprod)
    spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    times = (spread**NOISIER * total).long().clamp(max=total - 1)
    kept = alphas_cumprod[times].view(-1, 1, 1, 1)
    alpha, sigma = kept.sqrt(), (1 - kept).sqrt()
    noise = torch.randn(latents.shape, generator=generator)
    return Noised(alpha * latents + sigma * noise, alpha * noise - sigma * latents, times)


def losses(
    networks: Networks, draw: Draw, empty: Tensor, alphas_cumprod: Tensor, generator: torch.Generator
) -> Tensor:
    """(N,) weighted squared errors of the predicted v, in order of noise. ``empty`` (T,): tokens of ''."""
    count = len(draw.latents)
    step = noised(draw.latents, alphas_cumprod, generator)
    ids = torch.where(torch.rand(count, 1, generator=generator) < TEXT_DROPOUT, empty, draw.tokens)
    keep = (torch.rand(count, 1, 1, 1, generator=generator) >= DEPTH_DROPOUT).bfloat16()
    predicted = predict(networks, step.x.bfloat16(), step.times, ids, draw.depth.bfloat16(), keep)
    weight = BACKGROUND + (1 - BACKGROUND) * draw.weight
    error = (predicted.float() - step.target) ** 2 * weight
    return error.mean((1, 2, 3)) / weight.mean((1, 2, 3))


def predict(networks: Networks, x: Tensor, times: Tensor, ids: Tensor, depth: Tensor, keep: Tensor) -> Tensor:
    """The networks' v; ``keep`` (N, 1, 1, 1) scales what the ControlNet adds."""
    text = networks.text(ids)[0]
    down, middle = networks.controlnet(x, times, text, depth, return_dict=False)
    output = networks.unet(
        x,
        times,
        text,
        down_block_additional_residuals=[residual * keep for residual in down],
        mid_block_additional_residual=middle * keep,
        return_dict=False,
    )
    return output[0]  # type: ignore[no-any-return]
