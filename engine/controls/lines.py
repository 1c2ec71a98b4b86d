"""A line drawing of a view: outlines, folds, creases and borders of parts, white on black, anti-aliased.

For ControlNets trained on line art or Canny edges. Drawn from what the mesh is, not from a shaded picture: a
line stands between two pixels that show different parts, or places of which neither lies in the plane of the
other, or normals that turn suddenly.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation

from ..views.cameras import Camera
from ..views.surface import Surface, View
from .normal import facing

Array = NDArray[np.float32]
Bools = NDArray[np.bool_]

FINE = 2  # pixels drawn for each one of the picture, either way; a line is three of them wide
STEP = 1.0  # of such pixels: how far one surface lies behind another where a line stands between them
TURN = 25.0  # degrees between the normals of neighbours from which on there is a crease


def control(surface: Surface, view: View) -> Array:
    """(1, R, R) float32 in [0, 1]: the lines of ``view``, about one and a half pixels wide."""
    fine = surface.seen(view.camera, FINE * view.resolution)
    shown, normals = fine.fragments, facing(surface, fine)
    part, place = surface.parts[shown.face], surface.points(shown)
    return line_picture(fine.mask, part, place, normals, shown.depth, view.camera)


def line_picture(
    inside: Bools, part: NDArray[np.integer], place: Array, normal: Array, depth: Array, camera: Camera
) -> Array:
    """(1, R, R) float32 in [0, 1] from what ``camera`` sees in FINE times as many pixels, ``inside`` (FINE R,
    FINE R), each true one of which, row by row, shows a ``part`` (n,), a ``place`` (n, 3), a ``normal`` (n,
    3): right, up and towards the camera, and a ``depth`` (n,)."""
    drawn = binary_dilation(_lines(inside, part, place, normal, depth, camera))
    size = len(inside) // FINE
    return np.asarray(drawn.reshape(1, size, FINE, size, FINE).mean(axis=(2, 4)), np.float32)


def _lines(
    inside: Bools, part: NDArray[np.integer], place: Array, normal: Array, depth: Array, camera: Camera
) -> Bools:
    """(R, R) bool: pixels that a line parts from the next one to the right or below."""
    size = len(inside)
    number = np.full((size, size), -1)
    number[inside] = np.arange(len(place))
    plane = normal * np.array([1, 1, -1], np.float32) @ camera.axes  # the same normals in the mesh's space
    reach = STEP * 2 * camera.half_extent * depth / size
    found = np.zeros((size, size), bool)
    for axis in (0, 1):
        one, other = np.take(number, range(size - 1), axis), np.take(number, range(1, size), axis)
        parted = (one < 0) != (other < 0)  # an outline
        both = np.nonzero((one >= 0) & (other >= 0))
        a, b = one[both], other[both]
        away = place[b] - place[a]
        apart = np.minimum(*(np.abs(np.einsum("nk,nk->n", plane[i], away)) for i in (a, b)))
        turned = np.einsum("nk,nk->n", normal[a], normal[b]) < np.cos(np.radians(TURN))
        parted[both] = (part[a] != part[b]) | (apart > np.minimum(reach[a], reach[b])) | turned
        found[: size - (axis == 0), : size - (axis == 1)] |= parted
    return found
