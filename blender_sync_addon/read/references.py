"""The reference images of a job: of this .blend by their names, or files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import bpy

from ...engine.options.weighted import REFERENCE
from ...engine.protocol import UserError
from ..problem import Problem
from . import picture
from .picture import Picture

_FIX = "choose another under Reference Images, or leave it out"


Weighed = tuple[Picture, float]


def read_all(said: Iterable[str]) -> tuple[Weighed, ...]:
    """The pictures that the texts IMAGE[:WEIGHT] of a job name, each with its weight, without those of weight
    0. Raises Problem where one can't be had."""
    found = (_found(text) for text in said if text.strip())
    return tuple((picture.named(name, _FIX), weight) for name, weight in found if weight)


def files(references: Sequence[Weighed], folder: Path) -> tuple[str, ...]:
    """FILE[:WEIGHT] of each, as it lies on the disk once :func:`save` has been called."""
    named = zip(_names(references), references, strict=True)
    return tuple(REFERENCE.joined(str(one.path(folder, name)), weight) for name, (one, weight) in named)


def save(references: Sequence[Weighed], folder: Path) -> None:
    """Write those into ``folder`` that aren't files already. No bpy. Raises OSError."""
    for name, (one, _) in zip(_names(references), references, strict=True):
        one.keep(folder, name)


def _names(references: Sequence[Weighed]) -> list[str]:
    return [f"like.{i}" for i in range(1, len(references) + 1)]


def _found(text: str) -> tuple[str, float]:
    """The name of an image or a file, which may have a colon in it, and the weight."""
    if text.strip() in bpy.data.images:
        return text.strip(), REFERENCE.usual
    try:
        return REFERENCE.of_file(text)
    except UserError as error:
        raise Problem.of(error) from error
