"""Splats as flat Gaussians on a picture, as 3D Gaussian splatting has them (EWA splatting, Zwicker 2001).

A splat's covariance S becomes J W S W^T J^T + 0.3 I in pixels, W being the camera's axes and J the derivative
of its perspective at the splat's middle. The 0.3 makes it cover about a pixel at least; what that adds to its
area its opacity loses (gsplat's "antialiased", as published): so pictures in few pixels, such as a model's
latents, show the same as those in many.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..views.cameras import Camera

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

BLUR = 0.3  # square pixels
NEAR = 0.05  # of the unit sphere: nearer splats fill the view with nothing
FAINTEST = 1 / 255  # an opacity; less shows in no picture of 8 bits
BEYOND = 1.3  # of the half view: there J is taken, at most; it means nothing far outside


@dataclass(frozen=True)
class Projected:
    """What a camera sees of M splats, the nearest first, in pixels.

    splat: (M,) their numbers. depth: (M,) along the viewing axis. centre: (M, 2) column and row. conic: (M,
    3) a, b, c of exp(-(a x^2 + c y^2) / 2 - b x y). opacity: (M,) at the centre. low, high: (M, 2) int64,
    column and row of the pixels in which the opacity can be FAINTEST: from low to high, without high.
    """

    splat: Indices
    depth: Floats
    centre: Floats
    conic: Floats
    opacity: Floats
    low: Indices
    high: Indices

    def __len__(self) -> int:
        return len(self.splat)


def project(
    position: Doubles, covariance: Doubles, opacity: Floats, camera: Camera, resolution: int
) -> Projected:
    """The splats that ``camera`` sees in ``resolution``^2 pixels. position: (S, 3), covariance: (S, 3, 3),
    opacity: (S,)."""
    axes = camera.axes.astype(np.float64)
    place = (position - camera.position.astype(np.float64)) @ axes.T
    ahead = np.flatnonzero((place[:, 2] > NEAR) & (opacity >= FAINTEST))
    place, focal = place[ahead], resolution / (2 * camera.half_extent)
    flat = _flat(axes @ covariance[ahead] @ axes.T, place, focal, camera.half_extent)
    blurred = flat + np.array([BLUR, 0.0, BLUR])
    ratio = _determinant(flat) / _determinant(blurred)
    shown = opacity[ahead].astype(np.float64) * np.sqrt(np.clip(ratio, 0, 1))
    centre = resolution / 2 + focal * place[:, :2] * [1, -1] / place[:, 2:]
    low, high = _bounds(centre, blurred, shown, resolution)
    kept = np.flatnonzero((shown >= FAINTEST) & (low < high).all(axis=1))
    kept = kept[np.argsort(place[kept, 2], kind="stable")]
    conic = blurred[kept][:, [2, 1, 0]] * [1, -1, 1] / _determinant(blurred[kept])[:, None]
    return Projected(
        ahead[kept],
        place[kept, 2].astype(np.float32),
        centre[kept].astype(np.float32),
        conic.astype(np.float32),
        shown[kept].astype(np.float32),
        low[kept],
        high[kept],
    )


def _flat(covariance: Doubles, place: Doubles, focal: float, half_extent: float) -> Doubles:
    """(M, 3): xx, xy and yy of covariances (M, 3, 3) in camera space, in pixels; y goes down."""
    x, y, z = place.T
    reach = BEYOND * half_extent
    zeros = np.zeros_like(z)
    across = np.stack([focal / z, zeros, -focal / z * np.clip(x / z, -reach, reach)], axis=1)
    down = np.stack([zeros, -focal / z, focal / z * np.clip(y / z, -reach, reach)], axis=1)
    pairs = ((across, across), (across, down), (down, down))
    return np.stack([np.einsum("ni,nij,nj->n", one, covariance, other) for one, other in pairs], axis=1)


def _determinant(flat: Doubles) -> Doubles:
    return np.asarray(flat[:, 0] * flat[:, 2] - flat[:, 1] ** 2)


def _bounds(centre: Doubles, flat: Doubles, opacity: Doubles, resolution: int) -> tuple[Indices, Indices]:
    """``low`` and ``high`` of :class:`Projected`: the box around the ellipse of FAINTEST."""
    reach = np.sqrt(2 * np.log(np.maximum(opacity / FAINTEST, 1)))
    half = reach[:, None] * np.sqrt(flat[:, [0, 2]])
    low = np.ceil(np.clip(centre - half - 0.5, 0, resolution)).astype(np.int64)
    high = np.floor(np.clip(centre + half + 0.5, 0, resolution)).astype(np.int64)
    return low, high
