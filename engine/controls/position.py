"""The position map: where in the object each pixel's surface lies, as a colour.

A control picture for models trained on it (also called a canonical coordinate map). Depth alone leaves a
model guessing where on the object a view looks; with positions, the views of one object agree from the first
step. Models may read more of each place, the noise that irregular patterns are made of (noise.py): its
channels come after the colours.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..views.surface import Surface, View
from . import noise
from .placement import UNMOVED, Placement, placed

Array = NDArray[np.float32]


def position_picture(points: Array, inside: NDArray[np.bool_]) -> Array:
    """(R, R, 3) float32 in [0, 1]: x, y, z as red, green, blue, (p + 1) / 2; background 0.

    points: (n, 3) float32 in the unit sphere, one for each true pixel of ``inside`` (R, R), row by row.
    """
    picture = np.zeros((*inside.shape, 3), np.float32)
    picture[inside] = np.clip(points / 2 + 0.5, 0.0, 1.0)
    return picture


CHANNELS = 3 + noise.FIELDS
"""Of all that is told of a place."""


def told(points: Array, inside: NDArray[np.bool_]) -> Array:
    """(CHANNELS, R, R) float32 in [0, 1]: the position picture and the noise of each place; arguments as
    there."""
    return np.concatenate(
        [np.moveaxis(position_picture(points, inside), -1, 0), noise.picture(points, inside)]
    )


def control(surface: Surface, view: View, placement: Placement = UNMOVED) -> Array:
    """(3, R, R) float32: the position picture of ``view`` of ``surface``, lying where ``placement`` says."""
    points = placement.of(surface.places_in_object(view.fragments))
    return np.moveaxis(position_picture(points, view.mask), -1, 0)  # pixels come row by row


def place(surface: Surface, view: View, placement: Placement = UNMOVED) -> Array:
    """(CHANNELS, R, R) float32: the same with the noise there."""
    return told(placement.of(surface.places_in_object(view.fragments)), view.mask)


PLANE = 0.7, 0.3
"""Half the side of a square in the unit sphere, and how far it lies in front of the middle."""


def plane(side: int, layout: int = 0) -> Array:
    """(3, side, side) float32: the position picture of a square that faces the camera and fills the view;
    layout: a seed of where it lies (placement.py).

    For pictures of a flat material every view has this one, wherever it lies on the picture. Compared with
    the starter, on walls of bricks: a picture of positions that goes on from view to view must come back to
    its start somewhere, as a zigzag or on a ring, and there the courses break; one position everywhere leaves
    a crackle without any. With the same square in each the views agree by themselves on where bricks lie.
    """
    return np.moveaxis(position_picture(_square(side, layout), np.ones((side, side), bool)), -1, 0)


def plane_place(
    side: int, layout: int = 0, corner: tuple[float, float] = (0, 0), period: noise.Period = None
) -> Array:
    """(CHANNELS, side, side) float32: the same with noise, that of where the view does lie on the picture: it
    needs no turning back, and repeats where the picture does.

    corner: how far below and to the right of the first view this one lies, in sides of a view. period: of the
    picture, its width and height in such; None: without one.
    """
    points, half, (down, right) = _square(side, layout), PLANE[0], corner
    there = points + 2 * half * np.array([right, -down, 0], np.float32)
    reach = (math.inf, math.inf) if period is None else (2 * half * period[0], 2 * half * period[1])
    told_there = noise.picture(there, np.ones((side, side), bool), reach)
    return np.concatenate([plane(side, layout), told_there])


def _square(side: int, layout: int) -> Array:
    """(side * side, 3) float32: its places, row by row."""
    half, depth = PLANE
    across = ((np.arange(side) + 0.5) / side * 2 - 1) * half
    x, y = np.meshgrid(across, -across)
    points = np.stack([x, y, np.full_like(x, depth)], axis=-1).reshape(-1, 3).astype(np.float32)
    return placed(points, layout, smallest=1.0, turned=False).of(points)
