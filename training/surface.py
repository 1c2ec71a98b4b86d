"""What a material may ask about the surface it paints: noise, cells and lattice coordinates at its points."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from engine.controls import noise
from engine.controls.noise import FIELDS
from training.fields import MEDIUM, NOISE_GRID, SMOOTH, Fields, finer, look_up, sample

RGB = tuple[float, float, float]

NEAR = 0.0025  # seen pixels smaller than that, in units, see between the points of Fields.told
_KINDS = {SMOOTH: noise.SMOOTH, MEDIUM: noise.MEDIUM}
_FIRST = {SMOOTH: 3 * len(noise.CELLS), MEDIUM: 3 * len(noise.CELLS) + 2}  # of the fields
CAP = 0.75  # a surface steeper than this against the vertical is a cap: lattices lie flat on it
SIDE = 1.1  # moves the choice between front and side off 45 degrees, where many faces lie exactly


@dataclass(frozen=True)
class Surface:
    """``points`` and ``normals`` (n, 3) float32 in the unit sphere, on the device of ``fields``; randomness
    only from ``rng``. ``scale`` enlarges every feature. ``pixel``: the least that is seen of it, in units; 0
    for views of the whole, whose noise is as fine as the volumes are.

    All results are (n,) float32 on that device.
    """

    points: Tensor
    normals: Tensor
    fields: Fields
    rng: np.random.Generator
    scale: float = 1.0
    pixel: float = 0.0

    def rgb(self, colour: RGB) -> Tensor:
        """``colour`` as a tensor (3,) beside the points."""
        return torch.tensor(colour, dtype=torch.float32, device=self.points.device)

    def field(self, kind: int, number: int = 0) -> Tensor:
        """The noise of ``kind`` (SMOOTH or MEDIUM) that models of positions are told, the first or the
        second: features of about 0.4 units. On a larger or smaller scale, where they know none, such noise of
        the surface's own."""
        if self.scale == 1:
            return self._told(_FIRST[kind] + number, partial(noise.noise, kind=_KINDS[kind], number=number))
        return self.noise(0.42, kind)

    def grain(self) -> Tensor:
        """The same of upright grain, four times as long as wide."""
        if self.scale == 1:
            return self._told(FIELDS - 1, partial(noise.noise, kind=noise.GRAIN, number=0))
        return self.noise(0.2, MEDIUM, (1, 4, 1))

    def _told(self, field: int, reckon: Callable[[np.ndarray], np.ndarray]) -> Tensor:
        """A field of those that models are told: looked up, but for close-ups, which see between the volume's
        points."""
        if 0 < self.pixel < NEAR:
            return self._reckoned(reckon)
        return look_up(self.fields.told[:, field : field + 1], self.points)[0]

    def _reckoned(self, reckon: Callable[[np.ndarray], np.ndarray]) -> Tensor:
        return torch.from_numpy(reckon(self.points.cpu().numpy())).to(self.points.device)

    def _told_cells(self, number: int) -> Tensor:
        """(3, n): as ``cells``, of the size CELLS[number]."""
        if 0 < self.pixel < NEAR:
            return self._reckoned(partial(noise.cells, size=noise.CELLS[number])).T
        volume = self.fields.told[:, 3 * number : 3 * number + 3]
        both, tone = look_up(volume[:, :2], self.points), look_up(volume[:, 2:], self.points, nearest=True)
        return torch.cat([both, tone])

    def noise(
        self, size: float, kind: int = MEDIUM, stretch: tuple[float, float, float] = (1, 1, 1)
    ) -> Tensor:
        """Fractal noise, mean 0 and deviation 1, whose largest features measure about ``size`` units
        (times ``stretch`` along each axis)."""
        volume, places = self.fields.noise[:, kind : kind + 1], self._placed(4 * size, stretch)
        found = sample(volume, places)[0]
        if 0 < 2 * self.pixel < 4 * size * self.scale / NOISE_GRID:
            found = found + finer(volume, places, kind)
        return found

    def cells(
        self, size: float, stretch: tuple[float, float, float] = (1, 1, 1)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Voronoi cells ``size`` units wide: distance to the centre, gap to the next cell's (0 on the
        border, in cell sizes) and each cell's tone in [0, 1]. Cells of a size that models of positions are
        told (engine/controls/noise.py) lie where these say."""
        for number, known in enumerate(noise.CELLS):
            if stretch == (1, 1, 1) and math.isclose(size * self.scale, known, rel_tol=1e-3):
                first, gap, tone = self._told_cells(number)
                return first, gap, tone
        points = self._placed(12 * size, stretch)
        first, second = sample(self.fields.cells[:, :2], points)
        tone = sample(self.fields.cells[:, 2:], points, nearest=True)[0]
        return first, second - first, tone

    def _placed(self, period: float, stretch: tuple[float, float, float]) -> Tensor:
        offset = torch.from_numpy(self.rng.random(3).astype(np.float32)).to(self.points.device)
        return self.points / (period * self.scale * self.rgb(stretch)) + offset

    def lattice(self, width: float, height: float) -> tuple[Tensor, Tensor]:
        """Cell coordinates (u, v) of a regular pattern: whole numbers are the cell borders, cells measure
        ``width`` x ``height`` units.

        A point's place and facing decide alone: each of the object's six sides carries the flat grid
        through its centre, so that views agree, rows run on around every corner, columns mirror in it, and
        the control picture (a map of positions) says all there is to know.
        """
        x, y, z = self.points.T
        across, up, along = self.normals.abs().T
        cap = up > CAP
        u = torch.where((across > SIDE * along) & ~cap, z, x)
        return u / (width * self.scale), torch.where(cap, z, y) / (height * self.scale)


def hashed(*cells: Tensor) -> Tensor:
    """A fixed pseudo-random tone in [0, 1) of integer cell coordinates."""
    mixed = sum(cell.floor() * factor for cell, factor in zip(cells, (12.9898, 78.233, 37.719), strict=False))
    assert isinstance(mixed, Tensor)
    return (torch.sin(mixed + 0.5) * 4375.8547).abs() % 1.0


def ramp(low: float, high: float, x: Tensor) -> Tensor:
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def soft(noise: Tensor) -> Tensor:
    """Noise squeezed into (0, 1)."""
    return torch.sigmoid(1.2 * noise)


def border(u: Tensor, v: Tensor, aspect: float = 1.0) -> Tensor:
    """Distance to the nearest border of the unit cell, in cell heights; cells are ``aspect`` as wide as
    high."""
    across, along = u % 1.0, v % 1.0
    return torch.minimum(torch.minimum(across, 1 - across) * aspect, torch.minimum(along, 1 - along))


def wave(x: Tensor) -> Tensor:
    """A triangle wave of period 1: 0 on whole numbers, 1 half way between."""
    return 1 - (2 * (x % 1.0) - 1).abs()


def diagonal(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The lattice turned by 45 degrees, its cells half the area: what repeated along x and y still does."""
    return u + v, u - v


def hexagons(u: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Regular hexagons one unit wide in the plane (u, v): the distance to the border (0.5 in the middle) and
    each hexagon's fixed tone."""
    size = (1.0, math.sqrt(3))
    even = [p % s - s / 2 for p, s in zip((u, v), size, strict=True)]
    odd = [(p - s / 2) % s - s / 2 for p, s in zip((u, v), size, strict=True)]
    nearer = torch.hypot(*even) < torch.hypot(*odd)
    x, y = (torch.where(nearer, a, b) for a, b in zip(even, odd, strict=True))
    edge = 0.5 - torch.maximum(x.abs(), 0.5 * x.abs() + 0.5 * math.sqrt(3) * y.abs())
    return edge, hashed((2 * (u - x)).round() + 0.5, ((v - y) * 2 / size[1]).round() + 0.5)


def tinted(colour: Tensor, tone: Tensor, contrast: float) -> Tensor:
    """``colour`` (3,) or (n, 3) made darker (tone 0) or lighter (tone 1) by up to ``contrast``."""
    return colour * (1 + contrast * (2 * tone - 1))[:, None]


def blend(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Colours (n, 3) or (3,) mixed by ``share`` (n,): 0 gives ``a``, 1 gives ``b``."""
    return a + (b - a) * share[:, None]
