"""From finished views to the texture: every texel averages the views that see it.

Baking gathers: a texel's surface point is projected into each view that sees it and reads four pixels
(bilinear), so a texture finer than the views is smooth instead of blocky. Pixels of another surface, at a
silhouette or behind a depth edge, are left out. Pixels close to one (visibility.py), and views too flat to a
texel to count as seeing it (surface_points.py), are doubtful: they paint only what nothing else does, and
filling (fill.py) may know better. So what trusted pixels paint is what coverage counts, up to edges. Weights
are cosine^6, as published for the final bake.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .. import threads
from ..views.surface import Surface, View
from .texels import SurfaceTexels
from .view_reader import Faces, Places, ViewReader

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

EXPONENT = 6.0  # published
BLOCK = 1 << 15  # texels at a time: their numbers stay in the processor's cache


@dataclass(frozen=True)
class Baked:
    """What the views paint of n texels. colours: (n, K) float32 in [0, 1], all channels side by side, 0 where
    nothing is painted; trusted: (n,) bool, painted well; doubtful: (n,) bool, painted too, but only by pixels
    close to an edge or by views at a cosine of no more than COSINE (of the texels that were to be painted
    so)."""

    colours: Floats
    trusted: Bools
    doubtful: Bools


def untrusted(trusted: Bools) -> NDArray[np.int64]:
    """The numbers of all texels that aren't ``trusted`` (n,)."""
    return np.flatnonzero(~trusted)


def bake(
    surface: Surface,
    texels: SurfaceTexels,
    views: Sequence[View],
    pictures: Floats,
    check: Callable[[], None] = lambda: None,
    doubtful_too: Callable[[Bools], NDArray[np.int64]] = untrusted,
) -> Baked:
    """The colours of ``texels`` of ``surface`` from the ``pictures`` (N, R, R, K) float32 of its ``views``,
    all channels of which share their weights.

    doubtful_too: from which texels are trusted (n,), those others that pixels of little trust paint as well:
    that costs nearly as much as all the rest, and a fill may not look at it."""
    faces = Faces.build(surface)
    readers = threads.each(lambda one: ViewReader.build(faces, *one), list(zip(views, pictures, strict=True)))
    width = pictures.shape[-1]
    colours, trusted = _paint(texels, [reader.trusting() for reader in readers], width, check)
    doubtful, others = np.zeros(len(trusted), bool), doubtful_too(trusted)
    colours[others], doubtful[others] = _paint(texels.pick(others), readers, width, check)
    return Baked(colours, trusted, doubtful)


def _paint(
    texels: SurfaceTexels, readers: list[ViewReader], width: int, check: Callable[[], None]
) -> tuple[Floats, Bools]:
    """(colours (n, K), painted (n,)) of ``texels``, from what ``readers`` read alone; width: K."""
    colours = np.zeros((len(texels.index), width), np.float32)
    painted = np.zeros(len(texels.index), bool)

    def block(start: int) -> None:
        own = slice(start, start + BLOCK)
        places = Places(texels.face[own].astype(np.intp), texels.points(own).T)
        weight = np.zeros(len(places.face), np.float32)
        colour = np.zeros((width, len(weight)), np.float32)
        for reader in readers:
            check()
            seen = reader.see(places)
            share = seen.cosine**EXPONENT
            weight[seen.place] += share
            for row, shown in zip(colour, seen.colours, strict=True):
                row[seen.place] += share * shown
        painted[own] = weight > 0
        colours[own] = np.divide(colour, weight, out=colour, where=weight > 0).T

    threads.each(block, range(0, len(texels.index), BLOCK))
    return colours, painted
