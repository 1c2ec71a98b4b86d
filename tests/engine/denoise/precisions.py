"""A model in 32 bits and in 16, and how far apart they are."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.controls.position import CHANNELS
from engine.denoise import device as devices
from engine.denoise.denoiser import Denoiser, load_denoiser
from tests.engine.denoise.loaded import level

Pair = tuple[Denoiser, Denoiser]


def both(name: str, device: str, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The model in full precision on the processor, and in 16 bits on ``device``."""
    monkeypatch.setenv(devices.PRECISION, "full")
    full = load_denoiser(name, "cpu", lambda: None)
    monkeypatch.delenv(devices.PRECISION)
    if device == "cpu":
        monkeypatch.setattr(devices, "has_bfloat16", lambda _: True)  # emulated, if need be
    half = load_denoiser(name, device, lambda: None)
    assert full.dtype == torch.float32
    assert half.dtype.itemsize == 2
    return full, half


def require_alike(name: str, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Estimates at several times and decoded pictures of :func:`both` differ by rounding."""
    pair = both(name, device, monkeypatch)
    full = pair[0]
    generator = torch.Generator().manual_seed(4)
    side, pixels = full.preset.latent_view_size, full.preset.view_size
    x = torch.randn(2, full.latent_channels, side, side, generator=generator)
    planes = {"position": 3, "place": CHANNELS}.get(full.preset.control, 1)
    control = torch.rand(2, planes, pixels, pixels, generator=generator)
    for t in (950, 500, 100):
        exact, rounded = (_predicted(model, x, t, control) for model in pair)
        assert torch.isfinite(rounded).all()
        assert ((rounded - exact).norm() / exact.norm()).item() < 0.05
    exact, rounded = (model.decode(x.to(model.device)).float().cpu() for model in pair)
    assert (rounded - exact).abs().mean().item() < 0.02


def _predicted(model: Denoiser, x: Tensor, t: int, control: Tensor) -> Tensor:
    words, nothing = model.embed(["red bricks"]), model.embed([""])
    here = x.to(model.device), level(model, t), words, nothing, control.to(model.device)
    return model.predict_x0(*here, 3.0).float().cpu()
