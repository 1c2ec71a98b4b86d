"""Files with a weight: FILE[:WEIGHT]."""

from __future__ import annotations

import math

from ..errors import UserError

MOST = 10.0
_FIX = "write FILE:WEIGHT with a number from -10 to 10, such as style.safetensors:0.8"


def split(text: str) -> tuple[str, float]:
    """("FILE", WEIGHT) of "FILE:WEIGHT"; 1 where there is none. Raises UserError for what is no number."""
    name, colon, weight = text.strip().rpartition(":")
    if not colon or weight.endswith(".safetensors") or _goes_on(weight):
        return text.strip(), 1.0
    try:
        number = float(weight)
    except ValueError:
        number = math.nan
    if not abs(number) <= MOST:
        raise UserError(f"the weight of the LoRA {name} is {weight!r}", _FIX)
    return name, number


def as_written(text: str) -> tuple[str, float]:
    """``split`` for who shows it: a weight that is no number stays with the file's name."""
    try:
        return split(text)
    except UserError:
        return text, 1.0


def joined(name: str, weight: float) -> str:
    """What ``split`` takes apart."""
    return name if weight == 1 else f"{name}:{weight:g}"


def _goes_on(weight: str) -> bool:
    """Whether what follows a colon is the rest of a path."""
    return "/" in weight or "\\" in weight
