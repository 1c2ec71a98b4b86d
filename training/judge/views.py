"""Single views: each picture denoised on its own, by the engine's own network, controls and steps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from engine.canvas.mesh_views import take_views
from engine.denoise.denoiser import Denoiser
from engine.host import Host
from engine.views.prompts import positive
from engine.views.surface import Surface
from training.judge.pairs import Pair
from training.sampling import denoised

TOGETHER = 10  # pictures denoised at once


def generate(
    denoiser: Denoiser,
    pairs: list[Pair],
    steps: int | None,
    guidance: float | None,
    log: Callable[[str], None],
) -> Tensor:
    """A picture (3, R, R) in [0, 1] for each pair, R the model's view size; None is the model's preset."""
    steps = denoiser.preset.steps if steps is None else steps
    guidance = denoiser.preset.guidance if guidance is None else guidance
    pictures = []
    for start in range(0, len(pairs), TOGETHER):
        part = pairs[start : start + TOGETHER]
        prompts = [positive(pair.prompt, pair.camera) for pair in part]
        noise = torch.stack([_noise(denoiser, pair.seed) for pair in part])
        latents = denoised(denoiser, prompts, controls(denoiser, part), noise, steps, guidance)
        pictures.append(denoiser.decode(latents).clamp(0, 1).cpu())
        log(f"single views: {start + len(part)} of {len(pairs)}")
    return torch.cat(pictures)


def controls(denoiser: Denoiser, pairs: list[Pair]) -> Tensor:
    """The control pictures (N, 1 or 3, R, R) that the model was trained on."""
    return torch.cat([_control(denoiser, pair) for pair in pairs])


def _control(denoiser: Denoiser, pair: Pair) -> Tensor:
    vertices, faces = pair.mesh
    surface = Surface.build(vertices, faces, np.zeros((len(faces), 3, 2), np.float32))
    preset = denoiser.preset
    (view,) = take_views(surface, [pair.camera], preset.view_size, [preset.control], Host())
    return torch.from_numpy(view.controls[preset.control][None])


def _noise(denoiser: Denoiser, seed: int) -> Tensor:
    side = denoiser.preset.view_size // denoiser.downscale
    return torch.randn(denoiser.latent_channels, side, side, generator=torch.Generator().manual_seed(seed))
