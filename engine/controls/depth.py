"""The depth picture a ControlNet is conditioned on: inverse depth, near white, background black.

As published: background gets z = 100; q = 1/z; the picture is (q - min q over the object) / (max q - min q
over the object), clamped to [0, 1], per view, then blurred. So near is 1, the farthest visible point and
the background are 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from ..views.surface import Surface, View

Array = NDArray[np.float32]

NEAREST = 1e-3  # of a depth: a mesh may run through the camera
BLUR_TAPS = 5
BLUR_SIGMA = 2.0  # pixels of a picture of BLUR_RESOLUTION; the same blur, relative to the view, at any size
BLUR_RESOLUTION = 768


def inverse_depth(depth: Array, inside: NDArray[np.bool_]) -> Array:
    """Normalised inverse depth of one view, in [0, 1], 0 outside; a constant depth gives 1.

    depth: (R, R) float32 depth along the viewing axis, read where ``inside`` (R, R) is true; what is nearer
    than NEAREST counts as that far.
    """
    picture = np.zeros(depth.shape, np.float32)
    if inside.any():
        q = 1.0 / np.maximum(depth[inside], NEAREST)
        span = float(q.max() - q.min())
        picture[inside] = (q - q.min()) / span if span > 1e-6 else 1.0
    return picture


def blur_kernel(resolution: int) -> Array:
    """(BLUR_TAPS,) float32, sums to 1: the published 5-tap Gaussian, scaled to ``resolution``."""
    sigma = BLUR_SIGMA * resolution / BLUR_RESOLUTION
    offsets = np.arange(BLUR_TAPS) - BLUR_TAPS // 2
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return np.asarray(weights / weights.sum(), np.float32)


def depth_picture(depth: Array, inside: NDArray[np.bool_]) -> Array:
    """(R, R) float32 in [0, 1]: normalised inverse depth, blurred. Arguments as in :func:`inverse_depth`."""
    kernel = blur_kernel(depth.shape[0])
    picture = inverse_depth(depth, inside)
    for axis in (0, 1):
        picture = correlate1d(picture, kernel, axis=axis, mode="reflect")
    return np.clip(picture, 0.0, 1.0)


def control(surface: Surface, view: View) -> Array:
    """(1, R, R) float32: the depth picture of ``view``."""
    return depth_picture(view.picture(view.fragments.depth, 1.0), view.mask)[None]
