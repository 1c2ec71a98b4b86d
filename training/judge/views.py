"""Single views: each picture denoised on its own, by the engine's own network, controls and steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.canvas.mesh_views import take_views
from engine.denoise.denoiser import Denoiser
from engine.host import Host
from engine.views.prompts import positive
from engine.views.surface import Surface
from training.judge.pairs import Pair
from training.pool import SIZE
from training.sampling import denoised

TOGETHER = 10  # pictures denoised at once


def generate(
    denoiser: Denoiser,
    pairs: list[Pair],
    steps: int | None,
    guidance: float | None,
    log: Callable[[str], None],
    other: int = 0,
) -> Tensor:
    """A picture (3, R, R) in [0, 1] for each pair, R the model's view size; None is the model's preset.
    ``other``: what to add to the pairs' seeds; another than 0 is another layout too, as in textures."""
    steps = denoiser.preset.steps if steps is None else steps
    guidance = denoiser.preset.guidance if guidance is None else guidance
    pictures = []
    for start in range(0, len(pairs), TOGETHER):
        part = pairs[start : start + TOGETHER]
        prompts = [positive(pair.prompt, pair.camera) for pair in part]
        noise = torch.stack([_noise(denoiser, pair.seed + other) for pair in part])
        control = controls(denoiser, part, other)
        latents = denoised(denoiser, prompts, control, noise, steps, guidance)
        pictures.append(denoiser.decode(latents).clamp(0, 1).cpu())
        log(f"single views: {start + len(part)} of {len(pairs)}")
    return torch.cat(pictures)


def sized(pictures: Tensor) -> Tensor:
    """Pictures of a model with another view size at the judges'."""
    if pictures.shape[-1] == SIZE:
        return pictures
    return F.interpolate(pictures, (SIZE, SIZE), mode="bilinear", antialias=True)


def controls(denoiser: Denoiser, pairs: list[Pair], other: int = 0) -> Tensor:
    """The control pictures (N, 1 or 3, R, R) that the model was trained on; ``other`` as in generate."""
    return torch.cat([_control(denoiser, pair, layout(pair, other)) for pair in pairs])


def layout(pair: Pair, other: int) -> int:
    """The seed of where the object lies: 0 leaves it where the generator has it."""
    return pair.seed + other if other else 0


def surface_of(pair: Pair) -> Surface:
    """The pair's shape as the engine has it."""
    vertices, faces = pair.mesh
    return Surface.build(vertices, faces, np.zeros((len(faces), 3, 2), np.float32))


def _control(denoiser: Denoiser, pair: Pair, placed: int) -> Tensor:
    preset, kinds = denoiser.preset, [denoiser.preset.control]
    (view,) = take_views(surface_of(pair), [pair.camera], preset.view_size, kinds, Host(), layout=placed)
    return torch.from_numpy(view.controls[preset.control][None])


def _noise(denoiser: Denoiser, seed: int) -> Tensor:
    side = denoiser.preset.view_size // denoiser.downscale
    return torch.randn(denoiser.latent_channels, side, side, generator=torch.Generator().manual_seed(seed))
