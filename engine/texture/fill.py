"""Colours for the texels that no view painted: the nearest painted texel in UV space (Voronoi, as published).

First the texels on the mesh, then the gaps between charts, which take the nearest texel *on the mesh*: so
each chart is padded with its own border colour, and neither bilinear filtering nor mip-mapping brings black,
or another chart's colour, across a seam.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

NEUTRAL = 0.5  # where nothing at all was painted


def voronoi_fill(
    texture: NDArray[np.float32], painted: NDArray[np.bool_], on_mesh: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """``texture`` (T, T, C) with every texel filled. painted, on_mesh: (T, T) bool."""
    if not painted.any():
        return np.full_like(texture, NEUTRAL)
    filled = _nearest(texture, painted, on_mesh & ~painted)
    return _nearest(filled, on_mesh | painted, ~(on_mesh | painted))


def _nearest(
    texture: NDArray[np.float32], seeds: NDArray[np.bool_], wanted: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """``texture`` with the ``wanted`` texels taken from the nearest of ``seeds``, exactly (Euclidean)."""
    if not wanted.any():
        return texture
    row, column = distance_transform_edt(~seeds, return_distances=False, return_indices=True)
    out = texture.copy()
    out[wanted] = texture[row[wanted], column[wanted]]
    return out
