"""What report.json says about a texture: how much was painted, how well views and texture agree."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ..views.cameras import Camera, even_rig
from ..views.raster import EmbreeRaster, Fragments, interpolate
from .render import sample

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

POINTS = 20_000
POSITIONS = 256
COSINE = 0.2
SEED = 0  # of the measuring points: the same mesh is always measured at the same points


def coverage(
    raster: EmbreeRaster, cameras: Sequence[Camera], check: Callable[[], None] = lambda: None
) -> float:
    """Share of the outside surface that at least one of ``cameras`` sees at cosine >= 0.2.

    20,000 points uniform by area; a point is outside when one of 256 evenly spread cameras at the rig's
    distance sees it at cosine >= 0.2. 0 when nothing can be seen from outside.
    """
    points, normals = _surface_points(raster, POINTS)
    outside = _seen_by_any(raster, points, normals, even_rig(POSITIONS), check)
    painted = _seen_by_any(raster, points[outside], normals[outside], cameras, check)
    return float(painted.mean()) if outside.any() else 0.0


def _seen_by_any(
    raster: EmbreeRaster,
    points: Floats,
    normals: Floats,
    cameras: Sequence[Camera],
    check: Callable[[], None],
) -> Bools:
    """(n,) bool; a share of the points for each core."""

    def share(part: NDArray[np.int64]) -> Bools:
        seen = np.zeros(len(part), bool)
        for camera in cameras:
            check()
            left = np.flatnonzero(~seen)
            if not len(left):
                break
            index = part[left]
            seen[left], _ = raster.visible(camera, points[index], normals[index], least=COSINE)
        return seen

    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(max_workers=cores) as pool:
        return np.concatenate(list(pool.map(share, np.array_split(np.arange(len(points)), cores))))


def _surface_points(raster: EmbreeRaster, count: int) -> tuple[Floats, Floats]:
    """``count`` points uniform by area, and their face normals."""
    rng = np.random.default_rng(SEED)
    edge = raster.corners[:, 1:] - raster.corners[:, :1]
    area = np.linalg.norm(np.cross(edge[:, 0], edge[:, 1]).astype(np.float64), axis=1)
    face = rng.choice(len(area), size=count, p=area / area.sum()).astype(np.int32)
    a, b = rng.random((2, count))
    fold = a + b > 1
    a, b = np.where(fold, 1 - a, a), np.where(fold, 1 - b, b)
    bary = np.stack([1 - a - b, a, b], axis=1).astype(np.float32)
    return interpolate(raster.corners, face, bary), raster.normals[face]


def view_psnr(texture: Floats, uvs: Floats, fragments: Sequence[Fragments], pictures: Floats) -> float:
    """dB between ``pictures`` (N, R, R, 3) in [0, 1] and the texture re-rendered in them, cosine-weighted."""
    error = weight = 0.0
    for view, picture in zip(fragments, pictures, strict=True):
        rendered = sample(texture, interpolate(uvs, view.face, view.bary))
        squared = ((rendered - picture.reshape(-1, 3)[view.pixel]) ** 2).mean(axis=1)
        error += float((view.cosine * squared).sum())
        weight += float(view.cosine.sum())
    mean = max(error / weight, 1e-10) if weight > 0 else 1.0  # 100 dB: equal to the last bit
    return float(-10 * np.log10(mean))
