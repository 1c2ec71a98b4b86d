"""The levels of variance-preserving models: diffusers' own DDIM numbers in float64.

Checkpoints ship many scheduler configs (Stable Diffusion 1.5: PNDM). All of CLASSES describe the same noise,
so each is read as a DDIM config, as the published implementation does. A config of another class (flow
matching, EDM) means something else by the same keys, so it is refused. Those of models that were distilled
for few steps (DISTILLED) have the same noise, too, but visit levels of their own: :func:`distilled`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..errors import UserError
from ..models.accelerators import Accelerator
from ..options.values import cut, short
from .faults import reason
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
DISTILLED = ("LCMScheduler", "TCDScheduler")
MOST_LEVELS = 100_000  # that a model was trained on; Stable Diffusion's 1,000
_LIMITS = {  # of the numbers in a config
    "num_train_timesteps": (int, 1, MOST_LEVELS),
    "beta_start": (float, 0, 1),
    "beta_end": (float, 0, 1),
    "steps_offset": (int, 0, MOST_LEVELS),
    "original_inference_steps": (int, 1, MOST_LEVELS),
    "timestep_scaling": (float, 0, MOST_LEVELS),
}
_ORIGINAL_STEPS = 50  # that consistency models were distilled from, of the timesteps that theirs are among
_TIME_SCALE, _DATA = 10.0, 0.5  # of their scalings: of the timestep, and the pictures' own deviation
PREDICTIONS = ("epsilon", "v_prediction", "sample")
FIX = "use a model with the schedule of Stable Diffusion 1.x or 2.x"


def check(config: Mapping[str, Any], classes: Sequence[str] = (*CLASSES, *DISTILLED)) -> None:
    """Raise UserError for a scheduler config (its JSON as a mapping) that can't be read as DDIM's, and for
    one of none of the ``classes``."""
    kind = config.get("_class_name")
    if kind in DISTILLED and kind not in classes:
        what = f"the model's scheduler is {kind}: it was distilled for few steps"
        fix = "leave {accelerator} out, or name the one that it was made with"
        raise UserError(what, fix, accelerator=None)
    if kind not in classes or config.get("use_flow_sigmas"):
        flow = " for flow matching" if kind in classes else ""
        raise UserError(f"the model's scheduler is {_said(kind)}{flow}, which isn't supported", FIX)
    if prediction(config) not in PREDICTIONS:
        raise UserError(f"the model predicts {short(config['prediction_type'])}, which isn't supported", FIX)
    for key, (number, low, high) in _LIMITS.items():
        value = config.get(key, low)
        if type(value) not in (int, number) or not low <= value <= high:
            raise UserError(f"the {key} of the model's scheduler is {short(value)}", FIX)
    betas = config.get("trained_betas")
    if betas is not None and not (isinstance(betas, list) and len(betas) <= MOST_LEVELS):
        raise UserError(f"the trained_betas of the model's scheduler are {short(betas)}", FIX)


def prediction(config: Mapping[str, Any]) -> str:
    """What the network gives, in diffusers' words."""
    return _said(config.get("prediction_type", "epsilon"))


def _said(name: Any) -> str:
    return cut(name) if isinstance(name, str) else short(name)


def schedule(config: Mapping[str, Any], steps: int) -> Schedule:
    """The levels of ``steps`` steps for a diffusers scheduler config.

    A schedule whose noisiest level is pure noise begins there and counts down, whatever spacing the config
    names: with another it would begin further on, with noise where the network expects some of a picture.
    Raises UserError for what isn't supported, and where the model wasn't trained for that many steps.
    """
    check(config, CLASSES)
    found = _strided(_scheduler(config, bool(config.get("rescale_betas_zero_snr")), steps), steps)
    _require_levels(found, prediction(config))
    return found


def distilled(config: Mapping[str, Any], steps: int, how: Accelerator) -> Schedule:
    """The levels of ``steps`` steps for weights that were distilled in the way ``how``; arguments and errors
    else as of :func:`schedule`."""
    check(config)
    scheduler = _scheduler(config, True, steps)
    found = _strided(scheduler, steps) if how.last == "own" else _listed(config, scheduler, steps, how)
    _require_levels(found, prediction(config))
    return found


def _strided(scheduler: Any, steps: int) -> Schedule:
    """As in diffusers' DDIM a step ends one stride below its timestep rather than at the next one; they
    differ by rounding where steps don't divide 1000."""
    trained = len(scheduler.alphas_cumprod)
    # Leading spacing with an offset can name a timestep past the last one (1000 of 0..999), and trailing
    # spacing, by rounding, one before the first (-1 after 61 steps).
    times = [min(int(t), trained - 1) for t in scheduler.timesteps[:steps]]
    squares = scheduler.alphas_cumprod.double().tolist()
    final = float(scheduler.final_alpha_cumprod)

    def at(t: int) -> Level:
        return _level(squares[t] if t >= 0 else final, max(t, 0), trained)

    stride = trained // steps
    return Schedule(tuple(at(t) for t in times), tuple(at(t - stride) for t in times))


def _listed(config: Mapping[str, Any], scheduler: Any, steps: int, how: Accelerator) -> Schedule:
    """Steps from each timestep of a list to the next."""
    squares, trained = scheduler.alphas_cumprod.double().tolist(), len(scheduler.alphas_cumprod)
    trailing = [max(0, int(t)) for t in scheduler.timesteps[:steps]]
    times = _among_original(config, steps, trained) if how.times == "lcm" else trailing
    levels = [_level(squares[t], t, trained) for t in times]
    ends = (*levels[1:], _level(1.0 if how.last == "clean" else squares[0], 0, trained))
    if how.renoises:
        scale = config.get("timestep_scaling", _TIME_SCALE)
        levels = [replace(level, **_scalings(level.time * scale)) for level in levels]
    return Schedule(tuple(levels), ends, renoises=how.renoises)


def _among_original(config: Mapping[str, Any], steps: int, trained: int) -> list[int]:
    """Of the timesteps of the steps that a consistency model was distilled from, ``steps`` evenly spread."""
    original = min(config.get("original_inference_steps", _ORIGINAL_STEPS), trained)
    if steps > original:
        raise UserError(f"{steps} steps asked for", f"choose 1 to {original} steps")
    stride = trained // original
    return [stride * (original - original * i // steps) - 1 for i in range(steps)]


def _scalings(time: float) -> dict[str, float]:
    """Of a consistency model's output: with little noise it is the input itself (boundary condition)."""
    total = time**2 + _DATA**2
    return {"skip": _DATA**2 / total, "out": time / math.sqrt(total)}


def _require_levels(found: Schedule, predicted: str) -> None:
    """Raise UserError for levels without noise before a step or without a picture after it, and for those at
    which what is ``predicted`` says nothing."""
    for before, after in zip(found.levels, found.ends, strict=True):
        least = 0.0 if predicted == "epsilon" else -1.0
        if not (before.sigma > 0 and after.alpha > 0 and before.alpha > least and after.sigma >= 0):
            what = f"the noise of the model's scheduler makes no sense at timestep {before.time:g}"
            raise UserError(what, FIX)


def _level(alpha_squared: float, t: int, trained: int) -> Level:
    return Level(_root(alpha_squared), _root(1.0 - alpha_squared), float(t), t / trained)


def _root(square: float) -> float:
    """Not a number where there is none."""
    return math.sqrt(square) if square >= 0 else math.nan


def _scheduler(config: Mapping[str, Any], trailing: bool, steps: int) -> Any:
    """diffusers' own with ``steps`` steps; errors as of :func:`schedule`."""
    # Imported here: schedules are cheap to ask for, diffusers isn't.
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    try:
        spacing = {"timestep_spacing": "trailing"} if trailing else {}
        scheduler = DDIMScheduler(**_taken({**config, **spacing}, DDIMScheduler))
        trained = len(scheduler.alphas_cumprod)
        if not 1 <= steps <= trained:
            raise UserError(f"{steps} steps asked for", f"choose 1 to {trained} steps")
        scheduler.set_timesteps(steps)
    except UserError:
        raise
    except Exception as error:  # whatever it makes of values that make no sense
        raise UserError(f"the model's scheduler can't be used ({reason(error)})", FIX) from error
    return scheduler


def _taken(config: Mapping[str, Any], scheduler: type) -> dict[str, Any]:
    """As ``from_config`` does, which imports every other scheduler for it: a second."""
    unsaid = config.get("_use_default_values", ())
    names = inspect.signature(scheduler).parameters
    return {name: value for name, value in config.items() if name in names and name not in unsaid}
