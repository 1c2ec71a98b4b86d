"""New UVs for a whole mesh: welding, segmentation of large meshes, xatlas, polygons kept whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from . import atlas, frame
from .mesh import Mesh
from .segment import patches

PLAIN = 20_000  # faces up to which xatlas finds the charts by itself; it is slow and crashes on large charts

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def fresh_uvs(mesh: Mesh, texture_size: int, check: Callable[[], None]) -> Floats:
    """(F, 3, 2) float32 in [0, 1]: non-overlapping UVs for every face of ``mesh`` with area."""
    points, faces = _welded(frame.to_unit_sphere(mesh.vertices)[0], mesh.faces)
    found = _unwrapped(points, faces, texture_size, check)
    return found.uvs


def _welded(vertices: Floats, faces: Ints) -> tuple[Floats, Ints]:
    """One vertex per position, so that UV splits and soups don't cut charts."""
    points, index = np.unique(vertices + 0.0, axis=0, return_inverse=True)  # + 0.0: -0 is 0
    return points, index.reshape(-1)[faces].astype(np.int32)


def _unwrapped(points: Floats, faces: Ints, texture_size: int, check: Callable[[], None]) -> atlas.Atlas:
    """xatlas on the whole, or where that is too slow or fails, on patches that are nearly flat."""
    if len(faces) <= PLAIN:
        try:
            return atlas.unwrap(
                points, faces, np.zeros(len(faces), np.int32), texture_size, check, seconds=60
            )
        except atlas.Failed:
            pass  # patches are simpler for it
    try:
        return atlas.unwrap(points, faces, patches(points, faces), texture_size, check)
    except atlas.Failed as error:
        raise UserError(
            f"The mesh could not be unwrapped: {error}.",
            "Unwrap it in Blender (UV > Smart UV Project), then texture it with unwrap 'never'.",
        ) from error
