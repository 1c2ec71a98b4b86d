"""Gaussian splats as arrays: places, shapes and opacities, and the frame in which cameras look at them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..mesh.frame import Axes, turned

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

FAINT = 0.1  # opacity below which a splat is haze, which no frame is for
MOST, STRAY = 0.95, 2.0  # what lies so many times farther out than so many of them is no part of the object


@dataclass(frozen=True)
class Splats:
    """position (S, 3), scale (S, 3) > 0, rotation (S, 4) unit quaternions w x y z, float64; opacity (S,) in
    [0, 1], colour (S, 3) float32 without what depends on the direction, mostly in [0, 1]."""

    position: Doubles
    scale: Doubles
    rotation: Doubles
    opacity: Floats
    colour: Floats

    def __len__(self) -> int:
        return len(self.position)

    @property
    def covariance(self) -> Doubles:
        """(S, 3, 3): R diag(scale^2) R^T."""
        half = _matrices(self.rotation) * self.scale[:, None, :]
        return np.asarray(half @ half.transpose(0, 2, 1))


@dataclass(frozen=True)
class Frame:
    """From a file's axes to those of cameras: position -> (turned(axes(position)) - centre) / scale.

    centre: (3,) in the file's own place and units, but engine axes that aren't turned yet.
    """

    axes: Axes
    front: float
    centre: Doubles
    scale: float

    @classmethod
    def around(cls, splats: Splats, axes: Axes, front: float = 0.0) -> Frame:
        """Such that nearly all of what can be seen of ``splats`` lies in the unit sphere.

        Published, for cameras at distance 2 of 60 degrees: the mean of all, and the distance that 95 % of
        them have at most, which cuts the corners of what is no ball.
        """
        place = axes(splats.position[splats.opacity >= min(FAINT, float(splats.opacity.max()))])
        away = np.linalg.norm(place - np.median(place, axis=0), axis=1)
        place = place[away <= STRAY * float(np.quantile(away, MOST))]
        centre = (place.min(axis=0) + place.max(axis=0)) / 2
        radius = float(np.linalg.norm(place - centre, axis=1).max())
        # Of a single splat, or of several in one place, what counts is how large they are.
        return cls(axes, front, centre, radius or 3 * float(splats.scale.max()))

    def placed(self, splats: Splats) -> tuple[Doubles, Doubles]:
        """Positions (S, 3) and covariances (S, 3, 3) of ``splats`` around which cameras stand."""
        turn = turned(self.axes(np.eye(3)), self.front).T  # columns: where the file's axes lie
        position = turned((self.axes(splats.position) - self.centre) / self.scale, self.front)
        return position, np.asarray(turn @ (splats.covariance / self.scale**2) @ turn.T)


def _matrices(quaternions: Doubles) -> Doubles:
    """(S, 3, 3) rotations of unit ``quaternions`` (S, 4), w x y z."""
    w, x, y, z = quaternions.T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.ascontiguousarray(np.array(rows).transpose(2, 0, 1))
