"""Schedules that tests share, as schedulers' configs, and what a toy network predicts along them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

_BETAS: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
}
SD15: dict[str, Any] = {  # as Stable Diffusion 1.5 ships it
    **_BETAS,
    "_class_name": "PNDMScheduler",
    "prediction_type": "epsilon",
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
}
SD15_V: dict[str, Any] = {**SD15, "prediction_type": "v_prediction"}
XL: dict[str, Any] = {  # as Stable Diffusion XL ships it
    **_BETAS,
    "_class_name": "EulerDiscreteScheduler",
    "interpolation_type": "linear",
    "prediction_type": "epsilon",
    "sample_max_value": 1.0,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "trained_betas": None,
    "use_karras_sigmas": False,
}
ZERO_SNR: dict[str, Any] = {  # from pure noise, where only v or the sample itself says what the sample is
    **_BETAS,
    "_class_name": "DDIMScheduler",
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "set_alpha_to_one": True,
    "steps_offset": 0,
}
STARTER: dict[str, Any] = {**ZERO_SNR, "prediction_type": "sample"}


TRAILING: dict[str, Any] = {  # from the last timestep, where a little of the picture is left
    **{key: value for key, value in ZERO_SNR.items() if key != "rescale_betas_zero_snr"},
    "prediction_type": "sample",
}


def output(x: Tensor, t: float) -> Tensor:
    """What the toy network predicts: smooth, bounded, and far from linear in x."""
    return torch.sin(3 * x + t / 250) * 0.8 + 0.1 * x


def by_diffusers_solver(x: Tensor, config: dict[str, Any], steps: int) -> list[Tensor]:
    """The same of its DPM-Solver++(2M)."""
    from diffusers import DPMSolverMultistepScheduler

    taken = {key: value for key, value in config.items() if key not in ("_class_name", "clip_sample")}
    scheduler = DPMSolverMultistepScheduler.from_config(taken, final_sigmas_type="zero")
    scheduler.set_timesteps(steps)
    states = []
    for t in scheduler.timesteps:
        x = scheduler.step(output(x, float(t)), t, x).prev_sample
        states.append(x)
    return states


def by_diffusers(x: Tensor, config: dict[str, Any], steps: int) -> list[Tensor]:
    """The states of ``x`` after each of the ``steps`` of diffusers' DDIM scheduler with ``output``."""
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler.from_config(config)
    scheduler.set_timesteps(steps)
    states = []
    for t in scheduler.timesteps:
        x = scheduler.step(output(x, int(t)), int(t), x, eta=0.0).prev_sample
        states.append(x)
    return states
