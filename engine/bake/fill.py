"""From the texels that views painted to a whole texture.

What no view painted is filled along the surface (harmonic_fill.py), or with the nearest painted texel in the
texture (Voronoi, as published). Then the gaps between charts take the nearest texel *on the mesh*: so each
chart is padded with its own border colour, and neither bilinear filtering nor mip-mapping brings black, or
another chart's colour, across a seam.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from ..options.channels import Channel, columns, main_channel
from ..pictures.channels import neutral
from ..pictures.pages import shaped
from .bake import Baked, untrusted
from .harmonic_fill import NEXT_TO, harmonic_fill, kept_doubtful
from .texel_graph import TexelGraph
from .texels import SurfaceTexels, nearest_of

AT_ONCE = 1 << 20  # texels

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def fill(
    how: str, graph: TexelGraph, baked: Baked, channels: Collection[Channel] = (main_channel(),)
) -> Floats:
    """The whole texture (T, T, K), or (P, T, T, K) where there are pages, of the texels of ``graph`` filled
    ``how``: one of choices.FILLS. channels: whose numbers are side by side in ``baked``; each is filled as
    if it were alone."""
    texels = graph.texels
    if not (baked.trusted.any() or baked.doubtful.any()):
        return shaped(np.tile(neutral(channels), (texels.pages * texels.size**2, 1)), texels.size)
    near = texels.near
    if how == "uv":
        return padded(texels.size, voronoi_fill(texels, baked, neutral(channels)), near)
    filled, colours = harmonic_fill(graph, baked, near, columns(channels).values())
    image = padded(texels.size, baked.colours, near)
    _put(image.reshape(len(near), -1), near, len(texels.index), filled, colours)
    return image


def _put(
    image: Floats, near: NDArray[np.int32], count: int, filled: NDArray[np.int64], colours: Floats
) -> None:
    """Put the ``colours`` (m, K) of the ``filled`` (m,) of ``count`` texels into ``image`` (P T^2, K), where
    ``near`` (P T^2,) is one of them: afterwards and piece by piece, as a copy of all colours would be much of
    the memory that a large texture takes."""
    number = np.full(count, -1, np.int32)
    number[filled] = np.arange(len(filled), dtype=np.int32)
    for start in range(0, len(near), AT_ONCE):
        own = slice(start, start + AT_ONCE)
        of = number[near[own]]
        at = np.flatnonzero(of >= 0)
        image[own][at] = colours[of[at]]


def doubtful_used(how: str, graph: TexelGraph, trusted: Bools) -> NDArray[np.int64]:
    """The numbers of the texels, of those that aren't painted by ``trusted`` (n,) pixels, whose doubtful
    colours :func:`fill` looks at."""
    return kept_doubtful(graph, trusted) if how == "surface" else untrusted(trusted)


def padded(size: int, colours: Floats, near: NDArray[np.int32]) -> Floats:
    """The texture, as by fill, of the ``colours`` (n, K) on the mesh; ``near`` as by nearest_of."""
    image = np.empty((len(near), colours.shape[1]), np.float32)
    for start in range(0, len(near), AT_ONCE):
        own = slice(start, start + AT_ONCE)
        image[own] = colours[near[own]]  # numpy makes indices of 64 bits of all that it is given
    return shaped(image, size)


def voronoi_fill(texels: SurfaceTexels, baked: Baked, bare: Floats) -> Floats:
    """Colours (n, K): of the nearest painted texel in the texture, whatever chart that belongs to, ``bare``
    (K,) where its page has none. Doubtful texels take a trusted one's if it is NEXT_TO them on the surface
    too."""
    colours = baked.colours.copy()
    trusted, doubtful = np.flatnonzero(baked.trusted), np.flatnonzero(baked.doubtful)
    if len(trusted) and len(doubtful):
        near = nearest_of(texels.size, texels.index[trusted], texels.pages)
        source = trusted[near[texels.index[doubtful]]]
        close = np.linalg.norm(texels.points(doubtful) - texels.points(source), axis=1) < NEXT_TO
        colours[doubtful[close]] = colours[source[close]]
    painted = baked.trusted | baked.doubtful
    if not painted.all():
        seeds, empty = np.flatnonzero(painted), np.flatnonzero(~painted)
        source = seeds[nearest_of(texels.size, texels.index[seeds], texels.pages)[texels.index[empty]]]
        colours[empty] = colours[source]
        page = texels.size**2
        elsewhere = texels.index[empty] // page != texels.index[source] // page
        colours[empty[elsewhere]] = bare
    return colours
