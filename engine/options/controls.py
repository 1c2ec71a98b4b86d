"""KIND[=SOURCE][:SCALE[:END]], as an option spells a control picture: read into what it says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import UserError
from . import choices
from .values import either, short

SPELLED = "KIND[=SOURCE][:SCALE[:END]]"
LARGEST_SCALE = 10.0
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")  # of a path on Windows


@dataclass(frozen=True)
class Asked:
    """A control picture that was asked for. kind: one of choices.CONTROLS. source: the ControlNet that reads
    it, "" for the model's own. scale: in [0, 10], how much it counts; end: in (0, 1], the share of the way
    from noise to picture after which it is off; None: what the ControlNet says."""

    kind: str
    source: str = ""
    scale: float | None = None
    end: float | None = None


def write(asked: Asked) -> str:
    """The text that says it. A scale is said wherever an end is."""
    head = f"{asked.kind}={asked.source}" if asked.source else asked.kind
    scale = 1.0 if asked.scale is None and asked.end is not None else asked.scale
    return ":".join([head, *(f"{one:g}" for one in (scale, asked.end) if one is not None)])


def read_all(said: Sequence[str]) -> tuple[Asked, ...]:
    """What each text says. Raises UserError for one that can't be read, and for a kind given twice."""
    found = tuple(map(read, said))
    for i, one in enumerate(found):
        if any(other.kind == one.kind for other in found[:i]):
            raise _refused(f"{one.kind} is given twice", "give each kind of picture once")
    return found


def read(said: str) -> Asked:
    """What the text ``said`` says. Raises UserError."""
    head, numbers = _split(said.strip())
    kind, equals, source = (part.strip() for part in head.partition("="))
    if kind not in choices.CONTROLS:
        words = either(list(choices.CONTROLS))
        raise _refused(f"{short(said)} names no kind of picture", f"begin it with {words}, as in depth:0.7")
    if equals and not source:
        raise _refused(f"{short(said)} names no ControlNet", "put one after the =, or leave the = out")
    pairs = zip(numbers, ("scale", "end"), strict=False)
    scale, end = [*(_number(said, *pair) for pair in pairs), None, None][:2]
    if scale is not None and not 0 <= scale <= LARGEST_SCALE:
        raise _refused(f"{short(said)}: its scale is {scale:g}", f"give one from 0 to {LARGEST_SCALE:g}")
    if end is not None and not 0 < end <= 1:
        fix = "give a share of the steps above 0 and up to 1, or leave the control out"
        raise _refused(f"{short(said)}: its end is {end:g}", fix)
    return Asked(kind, source, scale, end)


def _split(said: str) -> tuple[str, list[str]]:
    """What stands before the numbers, and these as they are spelled. A source has colons of its own: of a
    file in a repository on the hub, which ends in its suffix, and of a drive."""
    kind, equals, rest = said.partition("=")
    if not equals:
        head, *numbers = said.split(":")
        return head, _at_most_two(said, numbers)
    drive = rest[:2] if _DRIVE.match(rest) else ""
    head, *parts = rest[len(drive) :].split(":")
    while parts and parts[0].endswith(".safetensors"):
        head = f"{head}:{parts.pop(0)}"
    return f"{kind}={drive}{head}", _at_most_two(said, parts)


def _at_most_two(said: str, numbers: list[str]) -> list[str]:
    if len(numbers) > 2:
        raise _refused(f"{short(said)} has {len(numbers)} numbers", f"write it as {SPELLED}")
    return numbers


def _number(said: str, text: str, what: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise _refused(f"{short(said)}: its {what} is {short(text)}, not a number", f"write it as {SPELLED}")
    return found


def _refused(what: str, fix: str) -> UserError:
    return UserError(f"{{controls}}: {what}", fix, controls=None)
