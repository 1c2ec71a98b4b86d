"""How near a mesh's second pass goes (option ``detail``): decided, or refused, before anything is painted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import memory
from ..errors import UserError
from ..host import Host
from ..options.choices import DETAILS
from ..options.request import OPTIONS
from ..protocol import Request
from ..settings import Settings
from ..views.cameras import Camera
from ..views.close_ups import Looked, plan_close_ups
from ..views.surface import Surface

Floats = NDArray[np.float32]

STRENGTH = 0.4  # of the way from noise to picture: layout and colours stay, what is finer is new
ROOM = 1.25  # pixels of a close-up: a texture whose texels are larger has no room for what they show
COARSE = 0.9  # of the surface has texels no larger than those that the sync texture is made for
GROUP_BYTES = 4 << 30  # of memory, about, that views of one group take at most: the same on all computers
FACTORS = tuple(int(name) for name in DETAILS if name.isdecimal())


@dataclass(frozen=True)
class Detail:
    """factor: how many times the first pass' pixels along the surface. groups: of close-ups that are
    denoised together. texture_size: of the textures in which they agree, by the sync space. reached: as of
    ClosePlan."""

    factor: int
    groups: tuple[tuple[Camera, ...], ...]
    texture_size: Mapping[str, int]
    reached: float
    strength: float = STRENGTH

    @property
    def count(self) -> int:
        """Close-ups in all."""
        return sum(map(len, self.groups))


def decide(
    request: Request, settings: Settings, surface: Surface, cameras: Sequence[Camera], host: Host
) -> tuple[Detail | None, list[str]]:
    """What ``request`` wants over what ``cameras`` see of ``surface``, None for nothing, and what is to be
    said of it. Raises UserError where the texture has no room for it."""
    if request.detail == "off":
        return None, []
    looked = Looked.at(surface.raster, cameras, host.check)
    if not looked.density:
        return None, ["no view sees the mesh well enough for close-ups: there are none"]
    texel, coarse = _texel_sides(surface)
    view, size = settings.view_size, request.texture_size
    needed = {f: texel / (ROOM * looked.pixel(view, f)) for f in FACTORS}
    factor = max((f for f in FACTORS if needed[f] <= size and f <= settings.nearest), default=0)
    if request.detail == "auto" and not factor:
        would = _that_does(needed[FACTORS[0]])
        return None, [f"no close-ups: a texture of {size} has no room for what they would show{would}"]
    if request.detail != "auto":
        factor = int(request.detail)
        if needed[factor] > size:
            raise _too_small(factor, size, needed)
    plan = plan_close_ups(looked, factor, host.check)
    most = max(1, GROUP_BYTES // (view**2 * memory.BYTES_A_PIXEL))
    groups = plan.groups(most)
    sizes = {
        "rgb": max(factor * settings.rgb_size, math.ceil(coarse / looked.pixel(view, factor))),
        "latent": factor * settings.latent_size,
    }
    memory.check_numbers(1, max(sizes.values()))
    notes = memory.check_views(max(map(len, groups)), view)
    host.note(notes)
    return Detail(factor, tuple(groups), sizes, plan.reached), notes


def _texel_sides(surface: Surface) -> tuple[float, float]:
    """Of a texture of one texel: its side on the surface, at the middle of this and where it is COARSE."""
    across = surface.corners[:, 1:].astype(np.float64) - surface.corners[:, :1]
    area = np.linalg.norm(np.cross(across[:, 0], across[:, 1]), axis=1)
    flat = surface.uvs[:, 1:, :2].astype(np.float64) - surface.uvs[:, :1, :2]
    covered = np.abs(flat[:, 0, 0] * flat[:, 1, 1] - flat[:, 0, 1] * flat[:, 1, 0])
    side = np.sqrt(area / np.maximum(covered, 1e-12))
    order = np.argsort(side)
    sums = np.cumsum(area[order])
    middle, coarse = side[order[np.searchsorted(sums, np.array([0.5, COARSE]) * sums[-1])]]
    return float(middle), float(coarse)


def _enough(needed: float) -> Any | None:
    """The smallest of the usual sizes of a texture that is; None where none is."""
    return next((one for one in OPTIONS["texture_size"].common if one >= needed), None)


def _that_does(needed: float) -> str:
    """Where there is one, the size of a texture that has room."""
    size = _enough(needed)
    return f"; one of {size} would" if size else ""


def _too_small(factor: int, size: int, needed: Mapping[int, float]) -> UserError:
    """That a texture of ``size`` has no room for ``factor``; needed: sizes by factors."""
    what = f"a texture of {size} has no room for what close-ups of {{detail}} {factor} would show"
    if enough := _enough(needed[factor]):
        return UserError(what, f"use {{texture_size}} {enough}", detail=None, texture_size=None)
    fewer = next((str(f) for f in reversed(FACTORS) if needed[f] <= size), "off")
    return UserError(
        what, "the UVs are too small for it: use {detail} or a new {unwrap}", detail=fewer, unwrap="always"
    )
