"""The engine's denoiser on pictures each by itself, without synchronisation."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from engine.denoise.steps import ddim, extrapolated


@torch.no_grad()
def denoised(
    denoiser: Denoiser,
    prompts: list[str],
    control: Tensor,
    x: Tensor,
    steps: int,
    guidance: float,
    first: int = 0,
) -> Tensor:
    """Clean latents (N, C, h, w) of ``x``, which is as noisy as before step ``first`` of ``steps``, by steps
    of the model's order; prompts without its prefix, ``control`` as for Denoiser.predict_x0."""
    schedule, preset = denoiser.schedule(steps), denoiser.preset
    text = denoiser.embed([preset.prefix + prompt for prompt in prompts])
    empty, control, x = denoiser.embed([preset.negative]), control.to(denoiser.device), x.to(denoiser.device)
    before = None
    for level, end in list(zip(schedule.levels, schedule.ends, strict=True))[first:]:
        found = x0 = denoiser.predict_x0(x, level, text, empty, control, guidance)
        if before is not None and preset.order == 2 and end is not schedule.ends[-1]:
            x0 = extrapolated(found, before[0], before[1].alpha_sigma, level.alpha_sigma, end.alpha_sigma)
        x, before = ddim(x, x0, *level.alpha_sigma, *end.alpha_sigma), (found, level)
    return x
