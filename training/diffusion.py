"""One training step of the denoiser."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from training.buffer import Draw
from training.networks import FASTER, Networks

TEXT_DROPOUT = 0.1  # teaches the unconditional estimate that guidance needs
CONTROL_DROPOUT = 0.05
BACKGROUND = 0.6  # weight of a background pixel's error against an object pixel's
OUTLINE = 1.5  # more weight where it ends: what is drawn beside the object is fuzz
NOISIER = 0.9  # below 1, noisy times are drawn more often: there the layout of a pattern is decided
CLEANEST = 5.0  # the most that an error counts at little noise, against 1 at pure noise


@dataclass(frozen=True)
class Noised:
    """x_t = alpha z + sigma e; ``times`` (N,) int64; ``weight`` (N,) of an error of z: 1 / sigma^2, with
    which it would be the error of v = alpha e - sigma z, but at most CLEANEST (Hang and others 2023)."""

    x: Tensor
    times: Tensor
    weight: Tensor


def noised(
    latents: Tensor, alphas_cumprod: Tensor, generator: torch.Generator, layout: float = 0.0
) -> Noised:
    """Noise each latent to its own time, the times spread over the batch; the share ``layout`` of them
    wholly."""
    count, total = len(latents), len(alphas_cumprod)
    spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    part = count - round(layout * count)
    times = ((spread * count / max(part, 1)).clamp(max=1) ** NOISIER * total).long().clamp(max=total - 1)
    return noised_to(times.to(latents.device), latents, alphas_cumprod, generator)


def noised_to(times: Tensor, latents: Tensor, alphas_cumprod: Tensor, generator: torch.Generator) -> Noised:
    """Noise each latent to its time of ``times`` (N,) int64. ``generator`` is the CPU's, whatever the device
    of ``latents``: a seed means the same everywhere."""
    kept = alphas_cumprod[times].view(-1, 1, 1, 1)
    alpha, sigma = kept.sqrt(), (1 - kept).sqrt()
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    weight = (1 / (1 - kept).flatten()).clamp(max=CLEANEST)
    return Noised(alpha * latents + sigma * noise, times, weight)


def losses(
    networks: Networks,
    draw: Draw,
    empty: Tensor,
    alphas_cumprod: Tensor,
    generator: torch.Generator,
    layout: float = 0.0,
) -> Tensor:
    """(N,) weighted squared errors of the predicted latents, in order of noise. ``empty`` (T,): tokens of ''.
    ``layout``: the share from pure noise, where the prediction is a regression of the picture on its
    control."""
    count = len(draw.latents)
    step = noised(draw.latents, alphas_cumprod, generator, layout)
    without = torch.rand(count, 1, generator=generator) < TEXT_DROPOUT
    ids = torch.where(without.to(empty.device), empty, draw.tokens)
    keep = (torch.rand(count, 1, 1, 1, generator=generator) >= CONTROL_DROPOUT).to(draw.latents.device)
    precision = networks.unet.dtype
    x, control = (t.to(precision).contiguous(memory_format=FASTER) for t in (step.x, draw.control))
    predicted = predict(networks, x, step.times, ids, control, keep.to(precision))
    return weighted(predicted.float() - draw.latents, step, draw.weight)


def weighted(error: Tensor, step: Noised, share: Tensor) -> Tensor:
    """(N,) mean squared errors (N, C, h, w), those at outlines and on the object counting more, by the noise;
    ``share`` (N, 1, h, w) of the object in each latent."""
    weight = BACKGROUND + (1 - BACKGROUND) * share + OUTLINE * outline(share)
    return step.weight * (error**2 * weight).mean((1, 2, 3)) / weight.mean((1, 2, 3))


def outline(share: Tensor) -> Tensor:
    """1 for latents next to which the object ends, 0 elsewhere; ``share`` (N, 1, h, w) of it in each."""
    most, least = (F.max_pool2d(sign * share, 3, stride=1, padding=1) for sign in (1, -1))
    return ((most + least) > 0.02).float()


def predict(
    networks: Networks, x: Tensor, times: Tensor, ids: Tensor, control: Tensor, keep: Tensor
) -> Tensor:
    """The networks' picture, as latents; ``keep`` (N, 1, 1, 1) scales what the ControlNet adds."""
    text = networks.text(ids)[0].to(x.dtype)
    down, middle = networks.controlnet(x, times, text, control, return_dict=False)
    output = networks.unet(
        x,
        times,
        text,
        down_block_additional_residuals=[residual * keep for residual in down],
        mid_block_additional_residual=middle * keep,
        return_dict=False,
    )
    return output[0]  # type: ignore[no-any-return]
