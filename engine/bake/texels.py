"""The texels of a texture: which lie on the surface, where their centres are, which is nearest to which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ..pictures.pages import count
from ..views.raster import texel_fragments
from ..views.surface import Surface

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class SurfaceTexels:
    """The texels of a ``size``^2 texture that lie on a surface, n of them: flat index (n,) int32 from the top
    left, page after page, face (n,) int32, surface point (n, 3) and face normal (n, 3) float32 in normalised
    space. pages: how many there are."""

    size: int
    index: NDArray[np.int32]
    face: NDArray[np.int32]
    point: Floats
    normal: Floats
    pages: int = 1

    @classmethod
    def build(cls, surface: Surface, size: int) -> SurfaceTexels:
        """Those of ``surface`` in a texture, or in pages, of ``size``^2."""
        texels = texel_fragments(surface.uvs, size)
        point, normal = surface.points(texels), surface.normals[texels.face]
        return cls(size, texels.pixel, texels.face, point, normal, count(surface.uvs))

    def pick(self, chosen: NDArray[np.int64]) -> SurfaceTexels:
        """The texels number ``chosen`` (m,) alone."""
        point, normal = self.point[chosen], self.normal[chosen]
        return SurfaceTexels(self.size, self.index[chosen], self.face[chosen], point, normal, self.pages)


def nearest_of(size: int, index: NDArray[np.int32], pages: int = 1) -> NDArray[np.int32]:
    """(P T^2,) which of the texels ``index`` (n,), n > 0, is nearest to each texel of the texture, exactly,
    and on the same page; on a page without any, the first of all."""
    number = np.full((pages, size * size), -1, np.int32)
    number.reshape(-1)[index] = np.arange(len(index), dtype=np.int32)
    for page in number:
        free = (page < 0).reshape(size, size)
        if free.all():
            page[:] = 0
            continue
        row, column = distance_transform_edt(free, return_distances=False, return_indices=True)
        page[:] = page[(row * np.int32(size) + column).reshape(-1)]
    return number.reshape(-1)
