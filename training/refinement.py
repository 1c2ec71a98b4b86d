"""The small decoder's last lesson: latents as the denoiser leaves them, not as the encoder makes them.

Real pictures are noised and denoised again by the model's own steps (SDEdit, Meng and others 2022). What is
behind an object is known whatever comes out: its outline shall be clean. On the object, where the last steps
alone were the denoiser's, the means of small places are compared and, instead of pixels that it can't know,
how much fine detail there is: by pixels alone a decoder learns to blur what is uncertain.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from diffusers import AutoencoderDC
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from training import autoencoder, small_autoencoder
from training.autoencoder import CROP, PATCH, corner, cut
from training.data import TrainingBatch
from training.regression import Log, Regression
from training.sampling import denoised

STEPS = 20  # of the denoiser, for the way from noise to picture
STARTS = (4, 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17)  # steps left out: the real picture stands for them
KEPT = 10  # from this start on the picture that comes out is the one that went in, but for its detail
TOGETHER = 8  # pictures denoised at once, from the same start
BEHIND = 1.5  # weight of errors beside the object
PLACES = 0.3  # weight of the means of 4x4 pixels on it
DETAIL = 2.0  # weight of the amount of fine detail on it
WIDE = 16  # pixels of a place whose detail is measured
ON_OBJECT = 0.7  # share of the crops around a place on the object, the others around any


@dataclass(frozen=True)
class Made:
    """``latents`` (N, C, h, w) that the denoiser made of ``pictures`` (N, 3, H, W) in [0, 1] with objects'
    ``mask`` (N, 1, H, W), all float16; ``kept`` (N,) bool: the objects are comparable."""

    latents: Tensor
    pictures: Tensor
    mask: Tensor
    kept: Tensor


@torch.no_grad()
def made(
    denoiser: Denoiser, data: Callable[[int, int], TrainingBatch], count: int, seed: int, log: Log
) -> Made:
    """``count`` samples, ``data(start, count)`` being some of the training's kind."""
    generator = torch.Generator().manual_seed(seed)
    latents, batches, kept = [], [], []
    for number, start in enumerate(range(0, count, TOGETHER)):
        first = STARTS[number % len(STARTS)]
        batches.append(data(start, min(TOGETHER, count - start)))
        latents.append(_redenoised(denoiser, batches[-1], first, generator).half())
        kept += [first >= KEPT] * len(latents[-1])
        log(f"refinement: {start + len(latents[-1])} of {count} pictures denoised again")
    pictures, mask = (torch.cat([getattr(b, name).half() for b in batches]) for name in ("pictures", "mask"))
    return Made(torch.cat(latents), pictures, mask, torch.tensor(kept))


def _redenoised(denoiser: Denoiser, batch: TrainingBatch, first: int, generator: torch.Generator) -> Tensor:
    """The pictures' latents noised as before step ``first`` and denoised from there."""
    schedule = denoiser.schedule(STEPS)
    alpha, sigma = schedule.levels[first].alpha_sigma
    x = denoiser.encode(batch.pictures)
    x = alpha * x + sigma * torch.randn(x.shape, generator=generator).to(x.device)
    guidance = denoiser.preset.guidance
    return denoised(denoiser, batch.captions, batch.control, x, STEPS, guidance, first)


def refine(network: AutoencoderDC, data: TrainingBatch, samples: Made, plan: Regression, log: Log) -> None:
    """Train the decoder on the encoder's latents of ``data`` and on ``samples`` by turns, in place."""
    small_autoencoder.exact(network)

    def loss(generator: torch.Generator) -> Tensor:
        if torch.rand(1, generator=generator) < 0.5:
            return small_autoencoder.projected(network, data, generator)
        return _made_loss(network, _crops(samples, generator))

    plan.fit(network, loss, "refinement", log)


def _crops(samples: Made, generator: torch.Generator) -> Made:
    """8 crops of random samples, as float32."""
    index = torch.randint(len(samples.latents), (8,), generator=generator)
    latents, pictures, masks = [], [], []
    for i in index.tolist():
        row, column = _corner(samples.mask[i, 0], generator)
        latents.append(cut(samples.latents[i], row // PATCH, column // PATCH, CROP // PATCH))
        pictures.append(cut(samples.pictures[i], row, column, CROP))
        masks.append(cut(samples.mask[i], row, column, CROP))
    return Made(*(torch.stack(part).float() for part in (latents, pictures, masks)), samples.kept[index])


def _corner(mask: Tensor, generator: torch.Generator) -> tuple[int, int]:
    """The first pixel of a crop: row and column."""
    if torch.rand(1, generator=generator) < ON_OBJECT:
        return corner(mask, generator)
    return corner(torch.ones_like(mask), generator)


def _made_loss(network: AutoencoderDC, crops: Made) -> Tensor:
    decoded = network.decode(crops.latents).sample  # type: ignore[no-untyped-call]
    real = crops.pictures * 2 - 1
    inside, kept = (crops.mask > 0.99).float(), crops.kept.float().view(-1, 1, 1, 1).to(real.device)
    return (
        autoencoder.difference(decoded - real, BEHIND * (1 - crops.mask))
        + PLACES * (F.avg_pool2d(decoded - real, 4).abs() * F.avg_pool2d(crops.mask * kept, 4)).mean()
        + DETAIL * (detail(decoded, inside) - detail(real, inside)).abs().mean()
    )


def detail(pictures: Tensor, inside: Tensor) -> Tensor:
    """How much fine detail (N, 1, H / WIDE, W / WIDE) there is: the root of the mean square of what a 3x3
    blur takes from ``pictures`` (N, 3, H, W), over the pixels where ``inside`` (N, 1, H, W) is 1."""
    fine = pictures - F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    return (F.avg_pool2d((fine**2).mean(1, keepdim=True) * inside, WIDE) + 1e-5).sqrt()
