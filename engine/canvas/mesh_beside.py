"""What stands beside a painted mesh, as its views see it: known, while the rest is painted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from ..bake.existing_texture import ExistingTexture, samples
from ..mesh.beside import Beside
from ..pictures.channels import BACKGROUND
from ..views.cameras import even_rig
from ..views.raster import EmbreeRaster, Fragments, interpolate
from ..views.surface import Surface, View
from ..views.surface_points import SurfacePoints
from .canvas import Start

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

LARGEST = 2048  # texels a side that are kept of a picture: a view shows no more of it
MUCH = 0.5  # of what can be seen of the painted faces alone: where more is hidden, they stand alone
POINTS, DIRECTIONS, SEED = 2048, 64, 3


@dataclass(frozen=True)
class Surroundings:
    """``beside`` and its pictures, (L,) as those of its looks."""

    beside: Beside
    pictures: tuple[ExistingTexture | None, ...]

    @classmethod
    def read(cls, beside: Beside | None) -> Self | None:
        """Raises UserError for pictures that can't be read."""
        if beside is None:
            return None
        read = (None if one is None else ExistingTexture.read(one).fitted(LARGEST) for one in beside.pictures)
        return cls(beside, tuple(read))

    def seen(
        self, surface: Surface, views: Sequence[View], check: Callable[[], None] = lambda: None
    ) -> tuple[Floats, Floats]:
        """(N, 3, R, R) float32 in [0, 1], what ``views`` of one resolution see beside ``surface``, unlit, and
        grey behind; (N, R, R) in [0, 1], how much of each pixel it is. The surface itself has the colours of
        what is nearest: those of a pixel, or a latent, that both share are of what is known alone."""
        pairs = []
        for view in views:
            check()
            pairs.append(self._seen(surface, view))
        pictures, shares = zip(*pairs, strict=True)
        return np.stack(pictures), np.stack(shares)

    def _seen(self, surface: Surface, view: View) -> tuple[Floats, Floats]:
        side = view.resolution
        finer = samples(side)
        seen = surface.whole.seen(view.camera, finer * side)
        beside = np.asarray(seen.fragments.face >= len(surface.corners), np.float32)[:, None]
        values = np.concatenate([self._colours(seen.fragments, len(surface.corners)), beside], axis=1)
        parts = seen.picture(values * beside).reshape(side, finer, side, finer, 4)
        mean: Floats = parts.mean(axis=(1, 3), dtype=np.float32)
        colours = np.full((side, side, 3), BACKGROUND, np.float32)
        np.divide(mean[..., :3], mean[..., 3:], out=colours, where=mean[..., 3:] > 0)
        return _spread(colours, mean[..., 3] > 0, view.mask).transpose(2, 0, 1), mean[..., 3]

    def _colours(self, shown: Fragments, first: int) -> Floats:
        """(n, 3): those of the faces from the number ``first`` on; of others, anything."""
        face = np.maximum(shown.face - first, 0)
        look = self.beside.look[face]
        colours = self.beside.colours[look]
        for number, picture in enumerate(self.pictures):
            own = np.flatnonzero(look == number)
            if picture is None or not len(own):
                continue
            uv = interpolate(self.beside.uvs, face[own], shown.bary[own])
            found, alpha = picture.at(uv - np.floor(uv))
            colours[own] += alpha[:, None] * (found - colours[own])
        return colours


def _spread(colours: Floats, known: Bools, inside: Bools) -> Floats:
    """``colours`` (R, R, 3) with those nearest that are ``known`` (R, R) ``inside`` (R, R)."""
    empty = inside & ~known
    if not known.any() or not empty.any():
        return colours
    row, column = distance_transform_edt(~known, return_distances=False, return_indices=True)
    spread = colours.copy()
    spread[empty] = colours[row[empty], column[empty]]
    return spread


def around(start: Start | None, pictures: Floats, share: Floats) -> Start:
    """``start``, None for nothing, among ``pictures`` (N, 3, H, W) of what stays, which are ``share`` (N, H,
    W) of each pixel."""
    if start is None:
        return Start(pictures, share)
    mixed = start.pictures + share[:, None] * (pictures - start.pictures)
    return Start(mixed, share if start.known is None else np.maximum(share, start.known))


def hides_much(surface: Surface) -> bool:
    """Whether what stands beside ``surface`` hides most of what could be seen of it alone."""
    points = SurfacePoints.build(surface.raster, POINTS, SEED)
    number = np.arange(3 * len(surface.corners), dtype=np.int32).reshape(-1, 3)
    raster = EmbreeRaster(surface.corners.reshape(-1, 3), number)
    alone = SurfacePoints(raster, points.point, points.normal, points.face)
    directions = even_rig(DIRECTIONS)
    seen, seen_alone = (int(one.seen_by_any(directions, lambda: None).sum()) for one in (points, alone))
    return seen < MUCH * seen_alone
