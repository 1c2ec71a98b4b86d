"""The masks of areas: images of this .blend by their names, or files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from ...engine.options.areas import Area, Region, write_region
from . import areas, picture
from .picture import Picture

_FIX = "choose another mask, or leave it out"


@dataclass(frozen=True)
class MaskedArea:
    """An area of a job. mask: its picture, where it has one."""

    area: Area
    mask: Picture | None = None

    @classmethod
    def read(cls, area: Area) -> Self:
        """Raises Problem for a mask that can't be had."""
        return cls(area, picture.named(area.name, _FIX) if area.kind == "mask" else None)

    def in_file(self, folder: Path, name: str) -> Area:
        """As a request has it, once its mask was kept in ``folder`` as ``name``."""
        return self.area if self.mask is None else Area("mask", str(self.mask.path(folder, name)))

    def said(self, folder: Path, name: str) -> str:
        """The same as a text."""
        return str(self.in_file(folder, name))


@dataclass(frozen=True)
class MaskedRegion(MaskedArea):
    """And what is asked for in it, by ``region``."""

    region: Region = field(kw_only=True)

    def said(self, folder: Path, name: str) -> str:
        return write_region(replace(self.region, area=self.in_file(folder, name)))


def read_all(said: Iterable[str]) -> tuple[MaskedRegion, ...]:
    """What the texts of a job ask for. Raises Problem for one that can't be read, and for a mask that can't
    be had."""
    regions = areas.regions(said)
    read = (MaskedArea.read(one.area) for one in regions)
    return tuple(MaskedRegion(one.area, one.mask, region=own) for one, own in zip(read, regions, strict=True))


def read_repaint(said: Iterable[str]) -> tuple[MaskedArea, ...]:
    """The areas that the texts of a job have repainted. Raises Problem as above."""
    return tuple(map(MaskedArea.read, areas.repainted(said)))
