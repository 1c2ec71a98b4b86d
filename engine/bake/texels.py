"""The texels of a texture: which lie on the surface, where their centres are, which is nearest to which."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ..pictures.pages import count
from ..views.scanlines import TexelPlanes, texel_faces
from ..views.surface import Surface

Floats = NDArray[np.float32]
Chosen = NDArray[np.integer] | NDArray[np.bool_] | slice


@dataclass(frozen=True)
class SurfaceTexels:
    """The texels of a ``size``^2 texture that lie on a surface, n of them: flat index (n,) int32 from the top
    left, page after page, ascending, and face (n,) int32. Where they are in normalised space is reckoned when
    it is asked for: ``planes`` and ``normals`` (F, 3) of the faces take less. pages: how many there are."""

    size: int
    index: NDArray[np.int32]
    face: NDArray[np.int32]
    planes: TexelPlanes
    normals: Floats
    pages: int = 1

    @classmethod
    def build(cls, surface: Surface, size: int) -> SurfaceTexels:
        """Those of ``surface`` in a texture, or in pages, of ``size``^2."""
        shown = texel_faces(surface.uvs, size)
        index = np.flatnonzero(shown >= 0).astype(np.int32)
        planes = TexelPlanes.build(surface.corners, surface.uvs, size)
        return cls(size, index, shown[index], planes, surface.normals, count(surface.uvs))

    @cached_property
    def near(self) -> NDArray[np.int32]:
        """(P T^2,) as nearest_of has it; there has to be one. Kept: it takes seconds on a large texture, and
        all who fill or look beside need it."""
        return nearest_of(self.size, self.index, self.pages)

    @property
    def point(self) -> Floats:
        """(n, 3) float32: the surface points of all."""
        return self.points(slice(None))

    @property
    def normal(self) -> Floats:
        """(n, 3) float32: the face normals of all."""
        return self.normals_of(slice(None))

    def points(self, chosen: Chosen) -> Floats:
        """(m, 3) float32: the surface points of the ``chosen`` ones; a view of three long rows."""
        return self.planes.places(self.face[chosen], self.index[chosen], self.size).T

    def normals_of(self, chosen: Chosen) -> Floats:
        """(m, 3) float32: the face normals of the ``chosen`` ones."""
        return self.normals.take(self.face[chosen], axis=0)

    def pick(self, chosen: Chosen) -> SurfaceTexels:
        """The ``chosen`` texels alone."""
        return dataclasses.replace(self, index=self.index[chosen], face=self.face[chosen])


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
        row *= np.int32(size)  # in place: of a large texture each of these takes a quarter of a GB
        row += column
        page[:] = page[row.reshape(-1)]
    return number.reshape(-1)
