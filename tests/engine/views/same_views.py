"""When two rasterisers' views are the same to rounding, and meshes to compare them on."""

from __future__ import annotations

import numpy as np

from engine.views.raster import Fragments
from tests.engine import brute


def _soup() -> brute.Made:
    vertices = np.random.default_rng(3).uniform(-0.55, 0.55, (36, 3)).astype(np.float32)
    return brute.Made(vertices, np.arange(36, dtype=np.int32).reshape(12, 3), brute.own_charts(12))


SHAPES = {
    "soup": _soup(),  # big triangles at random: every angle, much occlusion
    "box": brute.box((-0.5, -0.4, -0.3), (0.5, 0.4, 0.3)),
    "torus": brute.torus(rings=9, around=14),
    "thin": brute.join(
        brute.box((-0.6, -0.6, -0.01), (0.6, 0.6, 0.01)), brute.box((-0.3, -0.3, 0.3), (0.3, 0.3, 0.32))
    ),
    "dense": brute.sphere(12, 20),
}


def assert_same_view(found: Fragments, expected: Fragments, resolution: int) -> None:
    """Equal pixels in order, faces, weights, depths and cosines, but for centres right on an edge: those may
    fall to either of its faces, and on a silhouette to either side."""
    assert (np.diff(found.pixel) > 0).all()
    pixel, ours, theirs = np.intersect1d(found.pixel, expected.pixel, return_indices=True)
    silhouette = len(found.pixel) + len(expected.pixel) - 2 * len(pixel)
    assert silhouette <= max(2, 0.005 * resolution**2)
    # Two surfaces may also meet or cross at a pixel.
    assert (np.abs(found.depth[ours] - expected.depth[theirs]) > 1e-3).sum() <= max(2, 0.003 * len(pixel))
    same = found.face[ours] == expected.face[theirs]
    on_edge = np.minimum(found.bary[ours].min(axis=1), expected.bary[theirs].min(axis=1)) < 0.03
    assert (~same & ~on_edge).sum() <= max(2, 0.003 * len(pixel))
    assert same.mean() > 0.9
    ours, theirs = ours[same], theirs[same]
    np.testing.assert_allclose(found.depth[ours], expected.depth[theirs], atol=1e-4)
    np.testing.assert_allclose(found.bary[ours], expected.bary[theirs], atol=2e-3)
    np.testing.assert_allclose(found.bary.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found.cosine[ours], expected.cosine[theirs], atol=1e-5)
