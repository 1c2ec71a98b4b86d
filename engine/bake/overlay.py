"""Close-ups over a texture that is there: their colours where they show the surface well, fading to the
texture's own wherever a close-up ends.

A close-up ends at its frame, at the edges of what hides the rest, and where the surface turns away. So each
of its pixels has a share f in [0, 1], which falls to 0 there. What lies in several is their mean by f^2 and
the weights of baking, and covers the texture as far as sum(f^2) / sum(f) says: wholly where one shows it in
its middle, whatever others show at their borders. Both are baked as any picture is: as columns beside
colours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ..views.surface import Surface, View
from ..views.surface_points import COSINE
from ..views.visibility import edge_trust
from .bake import bake
from .texels import SurfaceTexels

Floats = NDArray[np.float32]
Index = NDArray[np.integer]

FADING = 1 / 8  # of a picture's side: so far in from its frame, a close-up counts wholly
COARSE = 1 / 16  # of it: standard deviation of the blur that tells colours from detail
EDGE = 3 / 128  # the same from where pixels at an edge in depth are trusted
SQUARE = 0.5  # cosine from which on it does


@dataclass(frozen=True)
class Overlay:
    """image: (T, T, K) float32 in [0, 1], or of pages, as it is by now. done: (T, T, 1), or of pages, float32
    in [0, 1], how much of it close-ups have painted."""

    image: Floats
    done: Floats

    @classmethod
    def over(cls, image: Floats) -> Overlay:
        """Nothing over ``image``."""
        return cls(image, np.zeros((*image.shape[:-1], 1), np.float32))

    def with_close_ups(
        self,
        surface: Surface,
        texels: SurfaceTexels,
        views: Sequence[View],
        pictures: Floats,
        check: Callable[[], None] = lambda: None,
    ) -> Overlay:
        """The same with ``pictures`` (N, R, R, K) of the ``views`` of ``surface`` over it. Texels that none
        of them shows stay to the bit; those between charts follow the nearest on the mesh."""
        shares = np.stack([share(view) for view in views])[..., None]
        columns = np.concatenate([pictures * shares**2, shares**2, shares], axis=-1)
        baked = bake(surface, texels, views, columns, check, lambda trusted: np.zeros(0, np.int64)).colours
        squares, sums = baked[:, -2], baked[:, -1]
        changed = np.flatnonzero((squares > 0) & (sums > 0))
        if not len(changed):
            return self
        squares = squares[changed, None]
        amount = (squares / sums[changed, None]).clip(0, 1)
        index = texels.index[changed]
        image, done = (one.reshape(-1, one.shape[-1]).copy() for one in (self.image, self.done))
        image[index] += amount * ((baked[changed, :-2] / squares).clip(0, 1) - image[index])
        done[index] += amount * (1 - done[index])
        follows, nearest = _between_charts(texels, index, len(image))
        for one in (image, done):
            one[follows] = one[nearest]
        return Overlay(image.reshape(self.image.shape), done.reshape(self.done.shape))


def with_colours_of(there: Floats, pictures: Floats, views: Sequence[View]) -> Floats:
    """``pictures`` (N, R, R, k) of ``views`` with the colours of ``there`` (N, R, R, k): what is coarser than
    COARSE is from there, what is finer their own. A model that paints bricks from near makes them paler than
    from far, and what it was shown is what was wanted."""
    found = pictures.copy()
    for picture, before, view in zip(found, there, views, strict=True):
        sigma = COARSE * view.resolution
        seen = view.mask.astype(np.float32)
        weight = np.maximum(gaussian_filter(seen, sigma, mode="nearest"), 1e-6)[..., None]
        off = (before - picture) * seen[..., None]
        picture += gaussian_filter(off, (sigma, sigma, 0), mode="nearest") / weight
    return found.clip(0, 1)


def share(view: View) -> Floats:
    """(R, R) float32 in [0, 1]: how much each pixel of a close-up counts; 0 behind the surface."""
    side = view.resolution
    trusted = view.picture(edge_trust(view)) == 1
    steps = np.arange(side) + 0.5
    border = np.minimum(steps, side - steps) / (FADING * side)
    edge = (distance_transform_edt(trusted) - 0.5) / (EDGE * side)
    facing = (view.picture(view.fragments.cosine) - COSINE) / (SQUARE - COSINE)
    found = np.minimum(edge, facing).clip(0, 1) * np.minimum(border, 1) * np.minimum(border, 1)[:, None]
    return np.asarray(found, np.float32)


def _between_charts(texels: SurfaceTexels, changed: Index, count: int) -> tuple[Index, Index]:
    """Of all ``count`` texels of a texture those to which one of the ``changed`` (m,) is the nearest on the
    mesh, and which that is."""
    fresh = np.zeros(count, bool)
    fresh[changed] = True
    nearest = texels.index[texels.near]
    follows = np.flatnonzero(fresh[nearest])
    return follows, nearest[follows]
