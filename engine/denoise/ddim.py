"""The levels of variance-preserving models: diffusers' own DDIM numbers in float64.

Checkpoints ship many scheduler configs (Stable Diffusion 1.5: PNDM). All of CLASSES describe the same noise,
so each is read as a DDIM config, as the published implementation does. A config of another class (flow
matching, EDM, the few-step schedulers of distilled models) means something else by the same keys, so it is
refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from .levels import Level, Schedule

CLASSES = (
    "DDIMScheduler",
    "DDIMParallelScheduler",
    "DDPMScheduler",
    "DDPMParallelScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSDEScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "SASolverScheduler",
    "UniPCMultistepScheduler",
)
PREDICTIONS = ("epsilon", "v_prediction", "sample")
FIX = "use a model with the schedule of Stable Diffusion 1.x or 2.x"


def check(config: Mapping[str, Any]) -> None:
    """Raise UserError for a scheduler config (its JSON as a mapping) that can't be read as DDIM's."""
    kind = config.get("_class_name")
    if kind not in CLASSES or config.get("use_flow_sigmas"):
        flow = " for flow matching" if kind in CLASSES else ""
        raise UserError(f"the model's scheduler is {kind}{flow}, which isn't supported", FIX)
    if prediction(config) not in PREDICTIONS:
        raise UserError(f"the model predicts {prediction(config)!r}, which isn't supported", FIX)


def prediction(config: Mapping[str, Any]) -> str:
    """What the network gives, in diffusers' words."""
    return str(config.get("prediction_type", "epsilon"))


def schedule(config: Mapping[str, Any], steps: int, trailing: bool = False) -> Schedule:
    """The levels of ``steps`` steps for a diffusers scheduler config.

    trailing: begin at the noisiest timestep and count down from there, whatever spacing the config names. A
    schedule whose noisiest level is pure noise is always read like that: with another spacing it would begin
    further on, with noise where the network expects some of a picture.
    Raises UserError for what isn't supported, and where the model wasn't trained for that many steps.
    """
    check(config)
    scheduler = _scheduler(config, trailing or bool(config.get("rescale_betas_zero_snr")))
    trained = len(scheduler.alphas_cumprod)
    if not 1 <= steps <= trained:
        raise UserError(f"{steps} steps asked for", f"choose 1 to {trained} steps")
    scheduler.set_timesteps(steps)
    # Leading spacing with an offset can name a timestep past the last one (1000 of 0..999), and trailing
    # spacing, by rounding, one before the first (-1 after 61 steps).
    times = [min(int(t), trained - 1) for t in scheduler.timesteps[:steps]]
    squares = scheduler.alphas_cumprod.double().tolist()
    final = float(scheduler.final_alpha_cumprod)

    def at(t: int) -> Level:
        return _level(squares[t] if t >= 0 else final, max(t, 0), trained)

    # As in diffusers' DDIM a step ends one stride below its timestep rather than at the next one; they differ
    # by rounding where steps don't divide 1000.
    stride = trained // steps
    return Schedule(tuple(at(t) for t in times), tuple(at(t - stride) for t in times))


def _level(alpha_squared: float, t: int, trained: int) -> Level:
    return Level(math.sqrt(alpha_squared), (1.0 - alpha_squared) ** 0.5, float(t), t / trained)


def _scheduler(config: Mapping[str, Any], trailing: bool) -> Any:
    # Imported here: schedules are cheap to ask for, diffusers isn't.
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    return DDIMScheduler.from_config({**config, **({"timestep_spacing": "trailing"} if trailing else {})})
