"""What a material may ask about the surface it paints: noise, cells and lattice coordinates at its points."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.fields import MEDIUM, Fields, sample

CAP = 0.75  # a surface steeper than this against the vertical is a cap: lattices lie flat on it


@dataclass(frozen=True)
class Surface:
    """``points`` and ``normals`` (n, 3) float32 in the unit sphere; randomness only from ``rng``.

    All results are (n,) float32.
    """

    points: Tensor
    normals: Tensor
    fields: Fields
    rng: np.random.Generator

    def noise(
        self, size: float, kind: int = MEDIUM, stretch: tuple[float, float, float] = (1, 1, 1)
    ) -> Tensor:
        """Fractal noise, mean 0 and deviation 1, whose largest features measure about ``size`` units
        (times ``stretch`` along each axis)."""
        return sample(self.fields.noise[:, kind : kind + 1], self._placed(4 * size, stretch))[0]

    def cells(self, size: float) -> tuple[Tensor, Tensor, Tensor]:
        """Voronoi cells ``size`` units wide: distance to the centre, gap to the next cell's (0 on the
        border, in cell sizes) and each cell's tone in [0, 1]."""
        points = self._placed(12 * size, (1, 1, 1))
        first, second, _ = sample(self.fields.cells, points)
        tone = sample(self.fields.cells[:, 2:], points, nearest=True)[0]
        return first, second - first, tone

    def _placed(self, period: float, stretch: tuple[float, float, float]) -> Tensor:
        offset = torch.from_numpy(self.rng.random(3).astype(np.float32))
        return self.points / (period * torch.tensor(stretch)) + offset

    def lattice(self, columns: int, height: float) -> tuple[Tensor, Tensor]:
        """Cell coordinates (u, v) of a regular pattern: whole numbers are the cell borders.

        Sides are wrapped around the vertical axis with ``columns`` cells (halved for slim objects), caps are
        a flat grid. The phase is anchored to the object's axes, so that it follows from what a view shows:
        seen from any multiple of 45 degrees the pattern looks the same. One object in five is shifted.
        """
        x, y, z = self.points.T
        radius = float(torch.hypot(x, z).quantile(0.95))
        if radius < 0.62:
            columns //= 2
        width = 2 * math.pi / columns
        cap = self.normals[:, 1].abs() > CAP
        u = torch.where(cap, x / (width * max(radius, 0.3)), torch.atan2(x, z) / width)
        v = torch.where(cap, z / (width * max(radius, 0.3)), y / height)
        if self.rng.random() < 0.2:
            shift_u, shift_v = self.rng.random(2)
            u, v = u + shift_u, v + shift_v
        return u, v


def hashed(*cells: Tensor) -> Tensor:
    """A fixed pseudo-random tone in [0, 1) of integer cell coordinates."""
    mixed = sum(cell.floor() * factor for cell, factor in zip(cells, (12.9898, 78.233, 37.719), strict=False))
    assert isinstance(mixed, Tensor)
    return (torch.sin(mixed) * 43758.547).abs() % 1.0


def ramp(low: float, high: float, x: Tensor) -> Tensor:
    """Smooth step from 0 at ``low`` to 1 at ``high``."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def border(u: Tensor, v: Tensor, aspect: float = 1.0) -> Tensor:
    """Distance to the nearest border of the unit cell, in cell heights; cells are ``aspect`` as wide as
    high."""
    across, along = u % 1.0, v % 1.0
    return torch.minimum(torch.minimum(across, 1 - across) * aspect, torch.minimum(along, 1 - along))


def blend(a: Tensor, b: Tensor, share: Tensor) -> Tensor:
    """Colours (n, 3) or (3,) mixed by ``share`` (n,): 0 gives ``a``, 1 gives ``b``."""
    return a + (b - a) * share[:, None]
