"""What report.json says about a texture: how much was painted, how well views and texture agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..views.cameras import Camera, even_rig
from ..views.raster import EmbreeRaster
from ..views.surface import View
from ..views.surface_points import POSITIONS, SurfacePoints

Floats = NDArray[np.float32]

POINTS = 20_000
SEED = 0  # of the measuring points: the same mesh is always measured at the same points


def coverage(
    raster: EmbreeRaster, cameras: Sequence[Camera], check: Callable[[], None] = lambda: None
) -> float:
    """Share of the outside surface that at least one of ``cameras`` sees; 0 when nothing can be seen from
    outside."""
    _, painted = covered(raster, cameras, check)
    return float(painted.mean()) if len(painted) else 0.0


def covered(
    raster: EmbreeRaster, cameras: Sequence[Camera], check: Callable[[], None] = lambda: None
) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Of points of the outside surface: their faces (n,) and whether at least one of ``cameras`` sees them at
    cosine >= 0.2 (n,).

    20,000 points uniform by area; a point is outside when one of 256 evenly spread cameras at the rig's
    distance sees it at cosine >= 0.2.
    """
    places = SurfacePoints.build(raster, POINTS, SEED)
    rig = even_rig(POSITIONS)
    positions = [rig[i] for i in np.random.default_rng(SEED).permutation(POSITIONS)]  # soon from all sides
    outside = places.pick(places.seen_by_any(positions, check))
    return outside.face, outside.seen_by_any(cameras, check)


def view_psnr(rendered: Floats, views: Sequence[View], pictures: Floats) -> float:
    """dB between ``pictures`` (N, R, R, 3) in [0, 1] and the texture ``rendered`` as ``views`` show it,
    cosine-weighted; behind the mesh nothing counts."""
    error = weight = 0.0
    for view, shown, picture in zip(views, rendered, pictures, strict=True):
        pixel, cosine = view.fragments.pixel, view.fragments.cosine
        difference = shown.reshape(-1, 3)[pixel] - picture.reshape(-1, 3)[pixel]
        squared = (difference**2).mean(axis=1)
        error += float((cosine * squared).sum())
        weight += float(cosine.sum())
    return decibels(error / weight if weight > 0 else 1.0)


def decibels(squared: float) -> float:
    """Of a mean ``squared`` error of numbers in [0, 1]; at most 100, for what is equal to the last bit."""
    return float(-10 * np.log10(max(squared, 1e-10)))
