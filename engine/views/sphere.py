"""All directions from one place as a picture, and cameras there that see all of them.

Equirectangular: columns are longitudes, rows are latitudes, twice as wide as high. The middle looks where the
camera of azimuth 0 and elevation 0 does, to -Z; to the right of it lies +X, the top row is up, and the last
column goes on in the first one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .cameras import Camera

Doubles = NDArray[np.float64]

VIEW_FOV = 72.0  # published, and so are the eight around
AROUND, BESIDE_POLES = 8, 6
PITCH = 48.0  # degrees: where the rings above and below look, so that none of a pole's surroundings is missed
POLES = (90.0, -90.0)


def rig() -> list[Camera]:
    """Views of all directions from the origin: eight around as published, where what is above and below is
    never painted; six each above and below, and the poles themselves.

    Every direction lies at least 0.28 of half a view inside one of them.
    """
    ring = [(360.0 * i / AROUND, 0.0) for i in range(AROUND)]
    others = [(360.0 * i / BESIDE_POLES, pitch) for pitch in (PITCH, -PITCH) for i in range(BESIDE_POLES)]
    poles = [(0.0, pitch) for pitch in POLES]
    return [looking(heading, pitch) for heading, pitch in [*ring, *others, *poles]]


def looking(heading: float, pitch: float) -> Camera:
    """A camera at the origin that looks ``heading`` degrees to the right of -Z and ``pitch`` upwards."""
    return Camera(-heading, -pitch, 0.0, VIEW_FOV)


def directions(height: int, width: int, rows: slice = slice(None)) -> Doubles:
    """(n, width, 3) unit vectors through the centres of a picture's pixels; of ``rows`` alone."""
    column, row = np.meshgrid(np.arange(width), np.arange(height)[rows])
    return vectors(np.stack([column, row], axis=-1).astype(np.float64) + 0.5, height, width)


def vectors(place: Doubles, height: int, width: int) -> Doubles:
    """(..., 3) unit vectors in the direction that a picture shows at ``place`` (..., 2), column and row,
    pixel centres at half-integers."""
    longitude = (place[..., 0] / width - 0.5) * 2 * np.pi
    latitude = (0.5 - place[..., 1] / height) * np.pi
    level = np.cos(latitude)
    return np.stack([level * np.sin(longitude), np.sin(latitude), -level * np.cos(longitude)], axis=-1)


def places(vectors: Doubles, height: int, width: int) -> Doubles:
    """The reverse: (n, 2) for ``vectors`` (n, 3) of any length; columns in [0, width)."""
    x, y, z = vectors.T
    longitude, latitude = np.arctan2(x, -z), np.arctan2(y, np.hypot(x, z))
    column = (longitude / (2 * np.pi) + 0.5) * width % width
    return np.stack([column, (0.5 - latitude / np.pi) * height], axis=1)
