"""A room of boxes, and how far away it is in every direction, by the formulas for rays and boxes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]

# Low and high corners in metres, engine axes, the eye at the origin 1.6 above the floor.
WALLS = ((-3.0, -1.6, -4.0), (2.0, 1.4, 2.5))
BOXES = (
    ((-2.0, -1.6, -3.0), (-1.0, 0.2, -2.0)),
    ((0.5, -1.6, -2.5), (1.5, -0.6, -1.5)),
    ((-1.0, -1.6, 1.0), (0.5, -0.4, 2.0)),
)


def distances(rays: Doubles) -> Doubles:
    """(...) how far along each of ``rays`` (..., 3), unit vectors from the origin, the room is."""
    with np.errstate(divide="ignore"):
        slabs = [(np.array(low) / rays, np.array(high) / rays) for low, high in (WALLS, *BOXES)]
    near = [np.minimum(a, b).max(axis=-1) for a, b in slabs]
    far = [np.maximum(a, b).min(axis=-1) for a, b in slabs]
    found = far[0]
    for enters, leaves in zip(near[1:], far[1:], strict=True):
        found = np.where((enters > 0) & (enters < leaves), np.minimum(found, enters), found)
    return found


def equirectangular(height: int) -> Doubles:
    """(height, 2 height, 3) unit vectors of a picture's pixels: the middle looks to -Z, the right half to +X,
    the top to +Y."""
    rays = np.empty((height, 2 * height, 3))
    for row in range(height):
        latitude = np.pi / 2 - np.pi * (row + 0.5) / height
        for column in range(2 * height):
            longitude = 2 * np.pi * (column + 0.5) / (2 * height) - np.pi
            level = np.cos(latitude)
            rays[row, column] = level * np.sin(longitude), np.sin(latitude), -level * np.cos(longitude)
    return rays
