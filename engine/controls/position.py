"""The position map: where in the object each pixel's surface lies, as a colour.

A control picture for models trained on it (also called a canonical coordinate map). Depth alone leaves a
model guessing where on the object a view looks; with positions, the views of one object agree from the first
step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..views.surface import Surface, View

Array = NDArray[np.float32]


def position_picture(points: Array, inside: NDArray[np.bool_]) -> Array:
    """(R, R, 3) float32 in [0, 1]: x, y, z as red, green, blue, (p + 1) / 2; background 0.

    points: (n, 3) float32 in the unit sphere, one for each true pixel of ``inside`` (R, R), row by row.
    """
    picture = np.zeros((*inside.shape, 3), np.float32)
    picture[inside] = np.clip(points / 2 + 0.5, 0.0, 1.0)
    return picture


def control(surface: Surface, view: View) -> Array:
    """(3, R, R) float32: the position picture of ``view`` of ``surface``."""
    picture = position_picture(surface.points(view.fragments), view.mask)  # pixels come row by row
    return np.moveaxis(picture, -1, 0)
