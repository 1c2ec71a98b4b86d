"""What a camera sees of splats: their weights, and as a surface what steers a model."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ..controls import lines, normal, position
from ..controls.depth import depth_picture
from ..controls.placement import UNMOVED, Placement
from ..views.cameras import Camera
from .projection import project
from .weights import weights

Bools = NDArray[np.bool_]
Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Check = Callable[[], None]

AT_ONCE = min(os.cpu_count() or 1, 8)  # cameras: each takes some 500 MB meanwhile
SOLID = 0.5  # coverage of a pixel that shows the object rather than what is behind it
HINT = 0.01  # published: coverage of a pixel that has a depth
AROUND = 5  # pixels across, of those that are looked at for what is usual there
LEAST_FACING = 0.1  # cosine: pixels that are seen edge on count a little


@dataclass(frozen=True)
class Shot:
    """``camera``'s picture of R^2 pixels. weights: sparse (R^2, S) float32, how much each pixel shows of each
    splat. depth: (R, R) float32 along the viewing axis, of what a pixel shows the mean, as published, of
    those around it the middle one: between splats one sees through to others. 0 where a pixel shows nothing.
    """

    camera: Camera
    resolution: int
    weights: csr_matrix
    depth: Floats

    @cached_property
    def coverage(self) -> Floats:
        """(R, R) in [0, 1]: how much of a pixel shows splats."""
        sums = np.asarray(self.weights.sum(axis=1), np.float32)
        return sums.reshape(self.resolution, self.resolution)

    @property
    def mask(self) -> Bools:
        """(R, R): where the picture shows the object."""
        return np.asarray(self.coverage > SOLID)

    @cached_property
    def points(self) -> Floats:
        """(R, R, 3): the places at ``depth``."""
        rays = self.camera.rays(self.resolution).reshape(self.resolution, self.resolution, 3)
        return np.asarray(self.camera.position + rays * self.depth[..., None], np.float32)

    @cached_property
    def normals(self) -> Floats:
        """(R, R, 3) unit vectors, right, up and towards the camera, of the surface through ``points``, the
        middle ones of those around; of a pixel alone, towards the camera."""
        across, down = (_slope(self.points, self.mask, axis) for axis in (1, 0))
        found = np.cross(down, across) @ self.camera.axes.T * np.array([1, 1, -1], np.float32)
        length = np.linalg.norm(found, axis=2, keepdims=True)
        unit = np.divide(found, length, out=np.zeros_like(found), where=length > 0)
        unit[length[..., 0] == 0] = (0, 0, 1)
        middle = np.stack([_middle(unit[..., i], self.mask) for i in range(3)], axis=2)
        middle[~self.mask] = (0, 0, 1)
        middle /= np.maximum(np.linalg.norm(middle, axis=2, keepdims=True), 1e-6)
        return np.asarray(middle, np.float32)

    @property
    def confidence(self) -> Floats:
        """(R, R) in (0, 1]: the cosine between the surface and the direction to the camera."""
        towards = self.camera.rays(self.resolution) @ self.camera.axes.T * np.array([-1, -1, 1], np.float32)
        towards /= np.linalg.norm(towards, axis=1, keepdims=True)
        facing = (self.normals * towards.reshape(self.normals.shape)).sum(axis=2)
        return np.asarray(np.clip(facing, LEAST_FACING, 1), np.float32)


def _middle(picture: Floats, inside: Bools) -> Floats:
    """(R, R): of each of the ``inside`` pixels the median of those around it, 0 elsewhere."""
    reach = AROUND // 2
    values = np.pad(np.where(inside, picture, np.inf), reach, constant_values=np.inf)
    around = np.lib.stride_tricks.sliding_window_view(values, (AROUND, AROUND))
    ordered = np.sort(around.reshape(*picture.shape, AROUND**2), axis=2)
    count = np.isfinite(ordered).sum(axis=2, keepdims=True)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0) // 2, axis=2)[..., 0]
    return np.where(inside, middle, 0).astype(np.float32)


def _slope(points: Floats, inside: Bools, axis: int) -> Floats:
    """(R, R, 3): from each of the ``inside`` pixels to the next along ``axis``, or from the one before, the
    smaller of both: what lies beyond an edge says nothing. 0 where neither is inside."""
    step = np.diff(points, axis=axis)
    both = np.take(inside, range(1, len(inside)), axis) & np.take(inside, range(len(inside) - 1), axis)
    step[~both] = np.inf
    before, after = ([(1, 0), (0, 0), (0, 0)], [(0, 1), (0, 0), (0, 0)])
    if axis == 1:
        before, after = ([one[1], one[0], one[2]] for one in (before, after))
    one, other = (np.pad(step, width, constant_values=np.inf) for width in (before, after))
    nearer = np.abs(one).sum(axis=2, keepdims=True) < np.abs(other).sum(axis=2, keepdims=True)
    found = np.where(nearer, one, other)
    return np.where(np.isfinite(found), found, 0).astype(np.float32)


@dataclass(frozen=True)
class Scene:
    """Splats in the frame of cameras: position (S, 3), covariance (S, 3, 3), opacity (S,)."""

    position: Doubles
    covariance: Doubles
    opacity: Floats

    def seen(self, camera: Camera, resolution: int, check: Check = lambda: None) -> Shot:
        """What ``camera`` sees in ``resolution``^2 pixels."""
        check()
        seen = project(self.position, self.covariance, self.opacity, camera, resolution)
        matrix = weights(seen, len(self.opacity), resolution, check)
        depth = np.zeros(len(self.opacity), np.float32)
        depth[seen.splat] = seen.depth
        sums, total = matrix @ depth, np.asarray(matrix.sum(axis=1)).reshape(-1)
        mean = np.divide(sums, total, out=np.zeros_like(sums), where=total > 0)
        square = (resolution, resolution)
        return Shot(camera, resolution, matrix, _middle(mean.reshape(square), total.reshape(square) > 0))

    def seen_by(
        self, cameras: Sequence[Camera], resolution: int, check: Check = lambda: None
    ) -> Iterator[Shot]:
        """What each of ``cameras`` sees, see :meth:`seen`; several at once."""
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            yield from pool.map(lambda camera: self.seen(camera, resolution, check), cameras)


Draw = Callable[[Scene, Shot, Check], Floats]


def controls(
    scene: Scene, shot: Shot, kinds: Sequence[str], check: Check = lambda: None, place: Placement = UNMOVED
) -> dict[str, Floats]:
    """The control pictures of ``shot``, (C, R, R) float32 in [0, 1] by their ``kinds``. place: where the
    splats lie among the places of a model that reads positions."""
    drawn: Mapping[str, Draw] = {
        **_CONTROLS,
        "position": partial(_position, place=place),
        "place": partial(_place, place=place),
    }
    return {kind: drawn[kind](scene, shot, check) for kind in kinds}


def _depth(scene: Scene, shot: Shot, check: Check) -> Floats:
    return depth_picture(shot.depth, shot.coverage > HINT)[None]


def _position(scene: Scene, shot: Shot, check: Check, place: Placement) -> Floats:
    return np.moveaxis(position.position_picture(place.of(shot.points[shot.mask]), shot.mask), -1, 0)


def _place(scene: Scene, shot: Shot, check: Check, place: Placement) -> Floats:
    return position.told(place.of(shot.points[shot.mask]), shot.mask)


def _normal(scene: Scene, shot: Shot, check: Check) -> Floats:
    return normal.normal_picture(shot.normals[shot.mask], shot.mask)


def _lines(scene: Scene, shot: Shot, check: Check) -> Floats:
    fine = scene.seen(shot.camera, lines.FINE * shot.resolution, check)
    inside = fine.mask
    part, shown = np.zeros(inside.sum(), np.int64), (fine.points, fine.normals, fine.depth)
    place, facing, depth = (one[inside] for one in shown)
    return lines.line_picture(inside, part, place, facing, depth, shot.camera)


_CONTROLS: Mapping[str, Draw] = {"depth": _depth, "normal": _normal, "lines": _lines}
