"""What an equirectangular depth picture shows, as a surface around the eye that cameras there see.

A vertex a pixel, at its distance along its ray, joined to those beside it. So planes stay planes, whatever
the resolution, and a camera at the eye sees exactly what the picture says; what stands before something else
is joined to it by faces that are seen edge on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from ..mesh.frame import to_unit_sphere
from . import sphere
from .backends import make_raster
from .cameras import Camera
from .surface import Surface

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]

MOST_ROWS = 512  # a million faces
NEAR_SHARE = 0.1  # of the pixels are near
FARTHEST = 100.0  # times as far as those: what is farther counts as that far, or all else would be a dot


@dataclass(frozen=True)
class DepthSurface:
    """surface: in the unit sphere. eye: (x, y, z), whence it was seen."""

    surface: Surface
    eye: tuple[float, float, float]

    @classmethod
    def build(cls, depth: Floats, rows: int) -> DepthSurface:
        """Of ``depth`` (H, 2 H), distances along rays, NaN where there is nothing, with ``rows`` rows of
        vertices, or fewer where the picture has no more. Raises UserError for single pixels alone."""
        depth = np.minimum(depth, np.float32(FARTHEST * np.nanquantile(depth, NEAR_SHARE)))
        points, faces = _net(_points(depth, min(rows, MOST_ROWS)))
        if not len(faces):
            what = (
                "the depth picture shows next to nothing: no three pixels beside each other have a distance"
            )
            raise UserError(what, "look from where something stands around, or leave {depth} out", depth=None)
        used = np.unique(faces)
        placed, centre, scale = to_unit_sphere(points[used])
        number = np.zeros(len(points), np.int32)
        number[used] = np.arange(len(used))
        uvs = np.zeros((len(faces), 3, 2), np.float32)
        x, y, z = (-centre.astype(np.float64) / scale).tolist()
        return cls(Surface(make_raster("embree", placed, number[faces]), uvs), (x, y, z))

    def cameras(self, cameras: Sequence[Camera]) -> list[Camera]:
        """``cameras`` of the origin, at the eye."""
        return [replace(camera, target=self.eye) for camera in cameras]


def _points(depth: Floats, rows: int) -> Doubles:
    """(h, 2 h, 3) places that the picture shows, of every so many-th pixel: means of near and far lie
    nowhere."""
    height = len(depth)
    rows = min(rows, height)
    row = ((np.arange(rows) + 0.5) * height / rows).astype(np.intp)
    column = ((np.arange(2 * rows) + 0.5) * height / rows).astype(np.intp)
    place = np.stack(np.meshgrid(column, row), axis=-1).astype(np.float64) + 0.5
    return sphere.vectors(place, height, 2 * height) * depth[row[:, None], column, None]


def _net(points: Doubles) -> tuple[Floats, Ints]:
    """Vertices (V, 3) float32, ``points`` (h, w, 3) and the poles, and faces (F, 3) between those that are
    there."""
    height, width, _ = points.shape
    ends = np.zeros((2, 3))
    ends[:, 1] = points[[0, -1], :, 1].mean(axis=1)
    number = np.arange(height * width).reshape(height, width)
    beside = np.roll(number, -1, axis=1)
    upper, lower = (number[:-1], beside[:-1]), (number[1:], beside[1:])
    top, bottom = height * width, height * width + 1
    faces = [
        np.stack([upper[0], lower[0], upper[1]], axis=-1),
        np.stack([upper[1], lower[0], lower[1]], axis=-1),
        np.stack([np.full(width, top), number[0], beside[0]], axis=-1),
        np.stack([np.full(width, bottom), beside[-1], number[-1]], axis=-1),
    ]
    vertices = np.concatenate([points.reshape(-1, 3), ends])
    every = np.concatenate([part.reshape(-1, 3) for part in faces])
    there = np.isfinite(vertices).all(axis=1)
    return vertices.astype(np.float32), every[there[every].all(axis=1)].astype(np.int32)
