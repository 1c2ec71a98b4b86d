"""How far the pixels of a view can be trusted.

At a silhouette, or where one surface ends in front of another, a generated picture is off by a pixel or two:
background or the other surface bleeds in. Such pixels paint only what no other pixel paints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from .surface import View

Floats = NDArray[np.float32]

EDGE_PIXELS = 1  # at 128 pixels a view, in proportion at more: chosen by `build.py bench edges`
EDGE_RESOLUTION = 128
EDGE_TRUST = 1e-30  # as a weight: paints where nothing else does, and never outweighs what does
FAR = np.float32(100.0)  # behind everything


def reach(resolution: int) -> int:
    """Within how many pixels of an edge pixels aren't trusted, in views of ``resolution``^2."""
    return max(1, round(EDGE_PIXELS * resolution / EDGE_RESOLUTION))


def edge_trust(view: View) -> Floats:
    """(n,) float32: EDGE_TRUST for the fragments of ``view`` near an edge in depth, 1 for the others."""
    resolution, shown = view.resolution, view.fragments
    near = reach(resolution)
    depth = np.full(resolution**2, FAR, np.float32)
    depth[shown.pixel] = shown.depth
    picture = depth.reshape(resolution, resolution)
    farthest = maximum_filter(picture, size=2 * near + 1, mode="nearest").reshape(-1)[shown.pixel]
    nearest = minimum_filter(picture, size=2 * near + 1, mode="nearest").reshape(-1)[shown.pixel]
    # What a plane turned away as far as this fragment's spans within reach, and room for curvature.
    pixel = 2 * view.camera.half_extent * shown.depth / resolution
    slope = pixel * (2 * near + 1) * np.sqrt(2) / np.maximum(shown.cosine, 0.15)
    jump = np.maximum(farthest - shown.depth, shown.depth - nearest) > 1.5 * slope
    return np.where(jump, np.float32(EDGE_TRUST), np.float32(1.0))
