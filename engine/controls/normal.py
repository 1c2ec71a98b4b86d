"""The normal map of a view: where each pixel's surface faces, as a colour, in the camera's space.

The convention of the normal ControlNets for Stable Diffusion (normalbae, and type 4 of the SDXL unions): red
grows to the left, green upwards, blue towards the camera.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..views.surface import Surface, View

Array = NDArray[np.float32]

TOWARDS = np.array([[1], [1], [-1]], np.float32)  # a camera's axes times this: right, up, towards it
BACKGROUND = (128 / 255, 128 / 255, 1.0)  # a wall behind it that faces the camera


def facing(surface: Surface, view: View) -> Array:
    """(n, 3) float32 unit normals that the fragments of ``view`` show: right, up and towards the camera.

    Smooth, as the mesh is shaded. Of a face that is seen from behind, the side that is seen.
    """
    axes, shown = view.camera.axes, view.fragments
    towards = view.camera.position - surface.points(shown)
    behind = np.einsum("nk,nk->n", surface.normals[shown.face], towards) < 0
    smooth = surface.smooth_normals(shown)
    smooth[behind] *= -1
    right, up, forward = smooth @ axes.T[:, 0], smooth @ axes.T[:, 1], smooth @ axes.T[:, 2]
    return np.stack([right, up, -forward], axis=1)


def control(surface: Surface, view: View) -> Array:
    """(3, R, R) float32 in [0, 1]: the normal picture of ``view``, ((1 - x) / 2, (1 + y) / 2, (1 + z) / 2);
    the background is BACKGROUND."""
    return normal_picture(facing(surface, view), view.mask)


def normal_picture(normals: Array, inside: NDArray[np.bool_]) -> Array:
    """(3, R, R) float32 in [0, 1]. normals: (n, 3), right, up and towards the camera, one for each true pixel
    of ``inside`` (R, R), row by row."""
    picture = np.tile(np.array(BACKGROUND, np.float32), (*inside.shape, 1))
    picture[inside] = np.clip(normals * np.array([-1, 1, 1], np.float32) / 2 + 0.5, 0, 1)
    return np.ascontiguousarray(np.moveaxis(picture, -1, 0))
