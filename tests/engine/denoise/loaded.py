"""Tiny models, loaded, and what they paint."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.levels import Level


def load(name: object) -> Denoiser:
    """Never cancelled."""
    return load_denoiser(str(name), "cpu", lambda: None)


def network(model: Denoiser, name: str) -> Any:
    """One of its networks, loaded."""
    return model._family.parts[name].network()


def watched(pipeline: Any, prompt: str, **how: Any) -> list[Tensor]:
    """The latents after each step of one of diffusers' pipelines, by DDIM."""
    from diffusers import DDIMScheduler

    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    states: list[Tensor] = []

    def keep(_: Any, __: int, ___: Any, given: dict[str, Tensor]) -> dict[str, Tensor]:
        states.append(given["latents"])
        return given

    pipeline(prompt, output_type="latent", callback_on_step_end=keep, **how)
    return states


def level(model: Denoiser, t: int) -> Level:
    """The noise at timestep ``t``."""
    schedule = model.schedule(1000)
    return next(found for found in (*schedule.levels, *schedule.ends) if found.time == t)


def estimate(model: Denoiser) -> Tensor:
    """The same picture of the same noise, (1, 3, 64, 64), from equal models."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, 8, 8, generator=generator)
    depth = torch.rand(1, 1, 64, 64, generator=generator)
    text = model.embed(["red bricks"])
    return model.decode(model.predict_x0(x, level(model, 499), text, text, depth, 1.0))
