"""KIND:NAME, as options spell an area of a mesh, and KIND:NAME=PROMPT[|GUIDANCE], a region with a prompt."""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UserError
from . import choices
from .values import cut, either, short

SPELLED = "KIND:NAME"
SPELLED_REGION = "KIND:NAME=PROMPT"
ONLY_BLENDER = ("group", "faces")
MOST = 32  # regions: each is a pass of the network more for every view that sees it
GREATEST_GUIDANCE = 100.0
_EQUALS = re.compile(r"(?<!\\)=")


@dataclass(frozen=True)
class Area:
    """Part of a mesh. kind: one of choices.AREAS; name: of what is of that kind."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Region:
    """What a model is asked for in an ``area``. guidance: None where it is that of the rest."""

    area: Area
    prompt: str
    guidance: float | None = None


def read(said: str, option: str) -> Area:
    """The area that ``said``, a value of ``option``, names. Raises UserError."""
    kind, colon, name = (part.strip() for part in said.partition(":"))
    if not colon or kind not in choices.AREAS:
        words = either([f"{kind}:" for kind in choices.AREAS])
        raise refused(option, f"{short(said)} names no area", f"begin it with {words}")
    if not name:
        raise refused(option, f"{short(said)} has no name after the colon", f"write it as {SPELLED}")
    return Area(kind, name)


def read_region(said: str) -> Region:
    """What ``said`` asks for. Raises UserError."""
    head, *rest = _EQUALS.split(said, maxsplit=1)
    area = read(head.replace("\\=", "="), "region")
    if not rest or not rest[0].strip():
        raise refused("region", f"{cut(str(area))!r} has no prompt", f"write it as {SPELLED_REGION}")
    prompt, bar, number = (part.strip() for part in rest[0].rpartition("|"))
    return Region(area, prompt, _guidance(area, number)) if bar else Region(area, rest[0].strip())


def read_regions(said: Sequence[str]) -> tuple[Region, ...]:
    """What each text asks for. Raises UserError for one that can't be read, an area named twice, too many."""
    found = tuple(map(read_region, said))
    if len(found) > MOST:
        raise refused("region", f"there are {len(found)} regions", f"use at most {MOST}")
    for i, one in enumerate(found):
        if any(other.area == one.area for other in found[:i]):
            raise refused("region", f"{cut(str(one.area))!r} is given twice", "give each area once")
    return found


def write_region(region: Region) -> str:
    """The text that asks for it."""
    area = str(region.area).replace("=", "\\=")
    return f"{area}={region.prompt}" + ("" if region.guidance is None else f"|{region.guidance:g}")


def plain(said: str) -> Area:
    """The area that ``said``, one to repaint, names. Raises UserError."""
    return read(said, "repaint")


def beside(said: str, folder: Path) -> str:
    """The region ``said`` with its file, where it names one, counted from ``folder``."""
    try:
        region = read_region(said)
    except UserError:  # which is refused elsewhere
        return said
    return write_region(replace(region, area=_beside(region.area, folder)))


def plain_beside(said: str, folder: Path) -> str:
    """The same of the area ``said``, one to repaint."""
    try:
        return str(_beside(plain(said), folder))
    except UserError:
        return said


def _beside(area: Area, folder: Path) -> Area:
    return Area("mask", str(folder / area.name)) if area.kind == "mask" else area


def _of_region(said: str) -> Area:
    return read_region(said).area


def masks(regions: Iterable[str], repaint: Iterable[str]) -> list[str]:
    """The files that ``regions`` and areas to ``repaint`` name, as they are spelled there: patterns, some of
    them."""
    return [*_masks(regions, _of_region), *_masks(repaint, plain)]


def _masks(said: Iterable[str], area_of: Callable[[str], Area]) -> Iterator[str]:
    for text in said:
        with contextlib.suppress(UserError):  # which is refused elsewhere
            area = area_of(text)
            if area.kind == "mask":
                yield area.name


def refused(option: str, what: str, fix: str) -> UserError:
    """What is wrong with a value of ``option``."""
    return UserError(f"{{{option}}}: {what}", fix, **{option: None})


def _guidance(area: Area, text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 <= found <= GREATEST_GUIDANCE:
        what = f"{cut(str(area))!r}: its guidance is {short(text)}"
        raise refused("region", what, f"give a number from 0 to {GREATEST_GUIDANCE:g}, or leave the | out")
    return found
