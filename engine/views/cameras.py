"""Perspective cameras around the normalised mesh.

Azimuth 0 looks at the front (the camera sits on +Z), azimuth 90 sits on +X, elevation 90 straight above.
Pixel (row 0, column 0) is the top left; pixel centres lie at half-integers. Camera space is right, up and
forward, so depth z is the distance along the viewing axis (not along the ray).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

DISTANCE = 2.0  # the unit sphere at distance 2 fills a 60 degree frame: asin(1/2) = 30 degrees
FOV = 60.0


@dataclass(frozen=True)
class Camera:
    """A view of the unit sphere, or with a ``target`` (x, y, z) other than its centre of a part of it. Angles
    in degrees; ``distance``, to the target, in units of the sphere's radius. roll: how far the camera is
    turned about its axis, clockwise as seen from behind it. name: of a given one (given.py), else ""."""

    azimuth: float
    elevation: float
    distance: float = DISTANCE
    fov: float = FOV
    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    roll: float = 0.0
    name: str = ""

    @cached_property
    def axes(self) -> Array:
        """(3, 3) float32, rows right, up, forward in world space; well defined at the poles too."""
        a, e, r = np.radians([self.azimuth, self.elevation, self.roll])
        right = np.array([np.cos(a), 0.0, -np.sin(a)])
        back = np.array([np.cos(e) * np.sin(a), np.sin(e), np.cos(e) * np.cos(a)])
        up = np.cross(back, right)
        rolled = np.cos(r) * right - np.sin(r) * up, np.sin(r) * right + np.cos(r) * up
        return np.stack([*rolled, -back]).astype(np.float32)

    @cached_property
    def position(self) -> Array:
        """(3,) float32 world position."""
        position: Array = np.asarray(self.target, np.float32) - np.float32(self.distance) * self.axes[2]
        return position

    @property
    def half_extent(self) -> float:
        """Half the picture's height at depth 1."""
        return float(np.tan(np.radians(self.fov) / 2))

    def rays(self, resolution: int) -> Array:
        """(resolution^2, 3) float32 directions through the pixel centres, row by row, with depth 1 along the
        viewing axis: position + z * direction has depth z."""
        steps = ((np.arange(resolution) + 0.5) / resolution * 2 - 1) * self.half_extent
        x, y = np.meshgrid(steps, -steps)
        right, up, forward = self.axes[..., None]
        directions = x.reshape(-1) * right + y.reshape(-1) * up + forward  # three long rows are fast
        return np.ascontiguousarray(directions.T, np.float32)

    def project(self, points: Array, resolution: int) -> tuple[Array, Array]:
        """World ``points`` (n, 3) to continuous pixel coordinates (n, 2) as (column, row) and depth (n,), not
        positive behind the camera."""
        offset = np.ascontiguousarray((points - self.position).T)
        right, up, depth = np.einsum("ij,jn->in", self.axes, offset)  # BLAS would start threads for this
        scale = resolution / (2 * self.half_extent * np.maximum(depth, 1e-6))
        pixel = np.stack([right * scale, -up * scale]).T + np.float32(resolution / 2)
        return pixel.astype(np.float32, copy=False), depth


def towards(back: NDArray[np.floating]) -> tuple[float, float, float]:
    """Azimuth, elevation and distance of a camera that stands at ``back`` (3,) from what it looks at."""
    distance = np.linalg.norm(back)
    x, y, z = back / distance
    azimuth, elevation = np.degrees([np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))])
    return float(azimuth), float(elevation), float(distance)


def blind(cameras: Sequence[Camera], seeing: Sequence[Camera], what: str) -> list[str]:
    """A warning when named ``cameras`` aren't among those ``seeing`` anything of ``what`` is painted."""
    names = [repr(camera.name) for camera in cameras if camera.name and camera not in seeing]
    return [f"cameras that see nothing of {what} were left out: {', '.join(names)}"] if names else []


def paper_rig() -> list[Camera]:
    """The published ten views: a ring of eight at elevation 0 and two from above, front and back."""
    ring = [Camera(float(azimuth), 0.0) for azimuth in range(-180, 180, 45)]
    return [*ring, Camera(0.0, 30.0), Camera(180.0, 30.0)]


def even_rig(count: int) -> list[Camera]:
    """``count`` >= 1 views evenly spread over the sphere, both poles included from 4 on.

    A spherical Fibonacci lattice between the poles (golden-angle steps in azimuth, even steps in height),
    ordered from top to bottom; the first lattice view is turned to the front. The lattice keeps 2.5 of its
    steps away from the poles: neighbours are then 0.7 to 0.86 times as far apart as in the best arrangement
    there is, where half a step would leave 0.4.
    """
    if count < 4:
        return [Camera(360.0 * i / count, 0.0) for i in range(count)]
    inner = count - 2
    golden = 180.0 * (3.0 - 5.0**0.5)
    heights = 1 - 2 * (np.arange(inner) + 2.5) / (inner + 4)
    ring = [Camera(float((i * golden) % 360), float(np.degrees(np.arcsin(h)))) for i, h in enumerate(heights)]
    return [Camera(0.0, 90.0), *ring, Camera(0.0, -90.0)]
