"""Schedules that tests share, as schedulers' configs, and what a toy network predicts along them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear", "clip_sample": False}
SD15: dict[str, Any] = {**_BETAS, "steps_offset": 1, "set_alpha_to_one": False}  # Stable Diffusion 1.5
SD15_V: dict[str, Any] = {**SD15, "prediction_type": "v_prediction"}
ZERO_SNR: dict[str, Any] = {  # the starter's
    **_BETAS,
    "timestep_spacing": "trailing",
    "rescale_betas_zero_snr": True,
    "prediction_type": "v_prediction",
}


def output(x: Tensor, t: int) -> Tensor:
    """What the toy network predicts: smooth, bounded, and far from linear in x."""
    return torch.sin(3 * x + t / 250) * 0.8 + 0.1 * x
