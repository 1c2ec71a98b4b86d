"""Places spread evenly over a surface, and how well each camera sees them: for planning and for measuring."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from .. import threads
from .cameras import DISTANCE, Camera
from .raster import EmbreeRaster, interpolate

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int32]

COSINE = 0.2  # a view that is flatter than that to a place doesn't count as seeing it
POSITIONS = 256  # a place is outside when one of so many evenly spread whole-object views sees it
OBJECT_EXTENT = Camera(0.0, 0.0).half_extent


@dataclass(frozen=True)
class SurfacePoints:
    """point, normal: (n, 3) float32, uniform by area, with the normals of their faces, face (n,)."""

    raster: EmbreeRaster
    point: Floats
    normal: Floats
    face: Ints

    @classmethod
    def build(cls, raster: EmbreeRaster, count: int, seed: int, wanted: Bools | None = None) -> Self:
        """``count`` places, always the same for the same mesh and ``seed``, on the ``wanted`` (F,) faces, or
        where these are None on all; none where they have no area."""
        rng = np.random.default_rng(seed)
        edge = raster.corners[:, 1:] - raster.corners[:, :1]
        area = np.linalg.norm(np.cross(edge[:, 0], edge[:, 1]).astype(np.float64), axis=1)
        if wanted is not None:
            area = area * wanted
        if not area.sum() > 0:
            nowhere = np.zeros((0, 3), np.float32)
            return cls(raster, nowhere, nowhere, np.zeros(0, np.int32))
        face = rng.choice(len(area), size=count, p=area / area.sum()).astype(np.int32)
        a, b = rng.random((2, count))
        fold = a + b > 1
        a, b = np.where(fold, 1 - a, a), np.where(fold, 1 - b, b)
        bary = np.stack([1 - a - b, a, b], axis=1).astype(np.float32)
        return cls(raster, interpolate(raster.corners, face, bary), raster.normals[face], face)

    def pick(self, chosen: Bools | NDArray[np.int64]) -> Self:
        """The ``chosen`` places alone."""
        return type(self)(self.raster, self.point[chosen], self.normal[chosen], self.face[chosen])

    def joined(self, others: Self) -> Self:
        """These places and ``others`` of the same mesh."""
        point = np.concatenate([self.point, others.point])
        normal = np.concatenate([self.normal, others.normal])
        return type(self)(self.raster, point, normal, np.concatenate([self.face, others.face]))

    def seen_by_any(self, cameras: Sequence[Camera], check: Callable[[], None]) -> Bools:
        """(n,): whether one of ``cameras`` sees the place at cosine > COSINE; a share for each core."""

        def share(part: NDArray[np.int64]) -> Bools:
            seen = np.zeros(len(part), bool)
            for camera in cameras:
                check()
                left = np.flatnonzero(~seen)
                if not len(left):
                    break
                index = part[left]
                seen[left], _ = self.raster.visible(camera, self.point[index], self.normal[index], COSINE)
            return seen

        cores = os.cpu_count() or 1
        return np.concatenate(threads.each(share, np.array_split(np.arange(len(self.point)), cores)))

    def sharpness(self, cameras: Sequence[Camera], check: Callable[[], None]) -> Floats:
        """(N, n): pixels along the surface, in the direction that is foreshortened, for each that a
        whole-object view has at its centre, facing it; 0 where the camera sees the place at no more than
        COSINE."""

        found = np.zeros((len(cameras), len(self.point)), np.float32)

        def fill(i: int) -> None:
            check()
            camera = cameras[i]
            seen, cosine = self.raster.visible(camera, self.point, self.normal, COSINE)
            depth = np.einsum("nk,k->n", self.point - camera.position, camera.axes[2])
            scale = np.float32(DISTANCE * OBJECT_EXTENT / camera.half_extent)
            np.divide(cosine * scale, depth, out=found[i], where=seen)

        threads.each(fill, range(len(cameras)))
        return found
