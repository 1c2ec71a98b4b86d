"""The masks of regions: images of this .blend by their names, or files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ...engine.options import areas
from ...engine.options.areas import Area, Region
from ...engine.protocol import UserError
from ..problem import Problem
from . import picture
from .picture import Picture

_FIX = "choose another mask under Regions, or leave the region out"


@dataclass(frozen=True)
class MaskedRegion:
    """A region of a job. mask: its picture, where it has one."""

    region: Region
    mask: Picture | None = None

    def said(self, folder: Path, name: str) -> str:
        """As a request has it, once its mask was kept in ``folder`` as ``name``."""
        if self.mask is None:
            return areas.write_region(self.region)
        area = Area("mask", str(self.mask.path(folder, name)))
        return areas.write_region(replace(self.region, area=area))


def read_all(said: Iterable[str]) -> tuple[MaskedRegion, ...]:
    """What the texts of a job ask for. Raises Problem for one that can't be read, and for a mask that can't
    be had."""
    try:
        regions = areas.read_regions(tuple(said))
    except UserError as error:
        raise Problem.of(error) from error
    return tuple(
        MaskedRegion(one, picture.named(one.area.name, _FIX) if one.area.kind == "mask" else None)
        for one in regions
    )
