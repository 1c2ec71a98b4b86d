"""Tiny models, loaded, and what they paint."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.denoise.denoiser import Denoiser, load_denoiser


def load(name: object) -> Denoiser:
    """Never cancelled."""
    return load_denoiser(str(name), "cpu", lambda: None)


def estimate(model: Denoiser) -> Tensor:
    """The same picture of the same noise, (1, 3, 64, 64), from equal models."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, 8, 8, generator=generator)
    depth = torch.rand(1, 1, 64, 64, generator=generator)
    text = model.embed(["red bricks"])
    return model.decode(model.predict_x0(x, 499, text, text, depth, 1.0))
