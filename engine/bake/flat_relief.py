"""The normal map of a picture that lies flat, such as a tile: as relief.py has it for textures of meshes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..options.channels import RELIEF

Floats = NDArray[np.float32]


def flat_normal_map(height: Floats, apart: tuple[float, float], wraps: bool) -> Floats:
    """(H, W, 3) float32 in [0, 1] of ``height`` (H, W, 1): the unit normal n as (n + 1) / 2, x to the right
    and y up in the picture, green up. apart: how far rows and columns lie apart, in the radii that RELIEF is
    in. wraps: whether the picture goes on at its other edge: its normals do so, too."""
    relief = height[..., 0].astype(np.float64) * 2 * RELIEF
    down, right = (_slope(relief, axis, apart[axis], wraps) for axis in (0, 1))
    normal = np.stack([-right, down, np.ones_like(relief)], axis=-1)
    unit = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    found: Floats = ((unit + 1) / 2).astype(np.float32)
    return found


def _slope(relief: NDArray[np.float64], axis: int, apart: float, wraps: bool) -> NDArray[np.float64]:
    """Between both neighbours along the ``axis``; at an edge that is one, between the place and the other."""
    margin = [(1, 1) if one == axis else (0, 0) for one in range(2)]
    wide = np.pad(relief, margin, mode="wrap" if wraps else "edge")
    rise = np.take(wide, range(2, wide.shape[axis]), axis) - np.take(wide, range(wide.shape[axis] - 2), axis)
    steps = np.full(relief.shape[axis], 2.0)
    if not wraps:
        steps[[0, -1]] = 1.0
    slope: NDArray[np.float64] = rise / (steps * apart).reshape((-1, 1) if axis == 0 else (1, -1))
    return slope
