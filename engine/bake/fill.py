"""From the texels that views painted to a whole texture.

What no view painted is filled along the surface (surface.py), or with the nearest painted texel in the
texture (Voronoi, as published). Then the gaps between charts take the nearest texel *on the mesh*: so each
chart is padded with its own border colour, and neither bilinear filtering nor mip-mapping brings black, or
another chart's colour, across a seam.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ..pictures.pages import shaped
from .bake import Atlas, Baked, unclear
from .surface_fill import NEXT_TO, Texels, surface_fill, unreached

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

NEUTRAL = 0.5  # where nothing at all was painted


def fill(how: str, texels: Texels, baked: Baked) -> Floats:
    """The whole texture (T, T, 3), or (P, T, T, 3) where there are pages, of ``texels`` filled ``how``: one
    of protocol.FILLS."""
    atlas = texels.atlas
    if not (baked.clear.any() or baked.rim.any()):
        return shaped(np.full((atlas.pages * atlas.size**2, 3), NEUTRAL, np.float32), atlas.size)
    near = nearest_of(atlas.size, atlas.index, atlas.pages)
    if how == "uv":
        colours = voronoi_fill(atlas, baked)
    else:
        colours = surface_fill(texels, baked.colours, baked.clear, baked.rim, near)
    return padded(atlas.size, colours, near)


def rim_read(how: str, texels: Texels, clear: Bools) -> NDArray[np.int64]:
    """The numbers of the ``texels``, of those that views don't paint ``clear`` (n,), whose rim :func:`fill`
    looks at."""
    return unreached(texels, clear) if how == "surface" else unclear(clear)


def padded(size: int, colours: Floats, near: NDArray[np.int32]) -> Floats:
    """The texture, as by fill, of the ``colours`` (n, 3) on the mesh; ``near`` as by nearest_of."""
    return shaped(colours[near], size)


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


def voronoi_fill(atlas: Atlas, baked: Baked) -> Floats:
    """Colours (n, 3): of the nearest painted texel in the texture, whatever chart that belongs to, NEUTRAL
    where its page has none. Rim texels take a clear one's if it is NEXT_TO them on the surface too."""
    colours = baked.colours.copy()
    clear, rim = np.flatnonzero(baked.clear), np.flatnonzero(baked.rim)
    if len(clear) and len(rim):
        source = clear[nearest_of(atlas.size, atlas.index[clear], atlas.pages)[atlas.index[rim]]]
        near = np.linalg.norm(atlas.point[rim] - atlas.point[source], axis=1) < NEXT_TO
        colours[rim[near]] = colours[source[near]]
    painted = baked.clear | baked.rim
    if not painted.all():
        seeds, empty = np.flatnonzero(painted), np.flatnonzero(~painted)
        source = seeds[nearest_of(atlas.size, atlas.index[seeds], atlas.pages)[atlas.index[empty]]]
        colours[empty] = colours[source]
        page = atlas.size**2
        bare = atlas.index[empty] // page != atlas.index[source] // page
        colours[empty[bare]] = NEUTRAL
    return colours
