"""The levels of flow-matching models: x = (1 - sigma) x0 + sigma eps, sigma from 1 to 0 in float64.

sigma runs evenly from 1 to 1 / steps and then to 0, and is shifted towards noise, because large pictures
need more of it before nothing is seen of them (Esser et al. 2024, "Scaling Rectified Flow Transformers",
equation 23):

    static   s sigma / (1 + (s - 1) sigma)
    dynamic  e^mu / (e^mu + 1/sigma - 1), or mu for e^mu ("linear"); mu is linear in a picture's tokens

These are diffusers' FlowMatchEulerDiscreteScheduler with the sigmas its pipelines give it; left to itself it
applies the static shift twice. Its Euler step, x + (sigma' - sigma) v, is steps.ddim with x0 = x - sigma v.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from ..options.values import short
from .levels import Schedule

CLASS = "FlowMatchEulerDiscreteScheduler"
STEPS = 1000  # the most that may be asked for: what these models were trained with
FIX = "use the model's own scheduler folder"

# Keys that ask for another schedule or another step than the one above.
_OTHERS = (
    "invert_sigmas",
    "use_karras_sigmas",
    "use_exponential_sigmas",
    "use_beta_sigmas",
    "stochastic_sampling",
)
_NUMBERS = {  # with the scheduler's own defaults, and from where to where they make sense
    "shift": (1.0, 0.01, 100.0),
    "base_shift": (0.5, -10.0, 10.0),
    "max_shift": (1.15, -10.0, 10.0),
    "base_image_seq_len": (256, 1, 1 << 20),
    "max_image_seq_len": (4096, 1, 1 << 20),
    "shift_terminal": (0.0, 0.0, 0.99),
}


def check(config: Mapping[str, Any]) -> None:
    """Raise UserError for a scheduler config (its JSON as a mapping) that says another schedule."""
    if (kind := config.get("_class_name")) != CLASS:
        raise UserError(f"the model's scheduler is {short(kind)}, not {CLASS}", FIX)
    if others := [key for key in _OTHERS if config.get(key)]:
        raise UserError(f"the model's scheduler has {others[0]}, which isn't supported", FIX)
    if config.get("time_shift_type", "exponential") not in ("exponential", "linear"):
        raise UserError(f"the model's scheduler has time_shift_type {short(config['time_shift_type'])}", FIX)
    for key in _NUMBERS:
        _number(config, key)
    if _number(config, "base_image_seq_len") == _number(config, "max_image_seq_len"):
        raise UserError("the model's scheduler has equal base_image_seq_len and max_image_seq_len", FIX)


def schedule(config: Mapping[str, Any], steps: int, tokens: int) -> Schedule:
    """The levels of ``steps`` steps for a diffusers scheduler config; their time is 1000 sigma.

    tokens: of a picture in the network. Raises UserError as :func:`check`, and for a number of steps that
    can't be.
    """
    check(config)
    if not 1 <= steps <= STEPS:
        raise UserError(f"{steps} steps asked for", f"choose 1 to {STEPS} steps")
    shift = _shift(config, tokens)
    even = [1.0 - i / steps for i in range(1, steps)]
    shifted = [1.0, *(shift * sigma / (1.0 + (shift - 1.0) * sigma) for sigma in even)]
    sigmas = [*_stretched(shifted, _number(config, "shift_terminal")), 0.0]
    return Schedule.through([(1.0 - sigma, sigma) for sigma in sigmas], [1000.0 * sigma for sigma in sigmas])


def shifted(config: Mapping[str, Any], shift: float) -> dict[str, Any]:
    """``config`` with a static ``shift`` in place of whatever it says of it."""
    return {**config, "use_dynamic_shifting": False, "shift": shift, "shift_terminal": None}


def _shift(config: Mapping[str, Any], tokens: int) -> float:
    """s, whichever way it is said; 1 shifts nothing."""
    if not config.get("use_dynamic_shifting"):
        return _number(config, "shift")
    low, high = _number(config, "base_shift"), _number(config, "max_shift")
    few, many = _number(config, "base_image_seq_len"), _number(config, "max_image_seq_len")
    mu = low + (tokens - few) * (high - low) / (many - few)
    linear = config.get("time_shift_type") == "linear"
    if not (0.01 <= mu <= 100.0 if linear else abs(mu) <= 10.0):
        raise UserError(f"the model's scheduler has base_shift and max_shift that give mu {mu:g}", FIX)
    return mu if linear else math.exp(mu)


def _stretched(sigmas: list[float], terminal: float) -> list[float]:
    """``sigmas`` of which the last is ``terminal``; 0 leaves them as they are. A single step stays pure
    noise: there is nothing to stretch."""
    if not terminal or sigmas[-1] == 1.0:
        return sigmas
    scale = (1.0 - sigmas[-1]) / (1.0 - terminal)
    return [1.0 - (1.0 - sigma) / scale for sigma in sigmas]


def _number(config: Mapping[str, Any], key: str) -> float:
    default, low, high = _NUMBERS[key]
    value = config.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise UserError(
            f"the model's scheduler has {key} {short(value)}", f"give a number from {low} to {high}"
        )
    return float(value)
