"""Which pixels are trusted: edges known by construction."""

from __future__ import annotations

import numpy as np
import pytest

from engine.views.cameras import Camera
from engine.views.visibility import EDGE_TRUST, edge_trust
from tests.engine import brute
from tests.engine.shapes import surface_of


def trust_picture(made: brute.Made, camera: Camera, resolution: int) -> np.ndarray:
    """(R, R), -1 in the background."""
    view = surface_of(made).seen(camera, resolution)
    picture = np.full(resolution**2, -1.0)
    picture[view.fragments.pixel] = edge_trust(view)
    return picture.reshape(resolution, resolution)


def near_background(picture: np.ndarray, reach: int) -> np.ndarray:
    """Whether a pixel is within ``reach`` (Chebyshev) of the background, by loops."""
    size = len(picture)
    near = np.zeros(picture.shape, bool)
    for r, c in np.ndindex(*picture.shape):
        block = picture[max(0, r - reach) : min(size, r + reach + 1), max(0, c - reach) : c + reach + 1]
        near[r, c] = (block < 0).any()
    return near


@pytest.mark.parametrize(("resolution", "reach"), [(32, 1), (128, 1), (256, 2)])
def test_a_band_along_the_silhouette_is_not_trusted(resolution: int, reach: int) -> None:
    picture = trust_picture(brute.box((-0.5, -0.5, -0.2), (0.5, 0.5, 0.2)), Camera(0, 0), resolution)
    near = near_background(picture, reach)
    assert np.all(picture[near & (picture >= 0)] == np.float32(EDGE_TRUST))
    assert np.all(picture[~near] == 1)


def test_both_sides_of_a_depth_edge_are_not_trusted() -> None:
    stacked = brute.join(
        brute.box((-0.7, -0.7, -0.2), (0.7, 0.7, -0.1)), brute.box((-0.3, -0.3, 0.3), (0.3, 0.3, 0.4))
    )
    picture = trust_picture(stacked, Camera(0, 0), 64)
    row = picture[32]
    before = [c for c in range(20, 32) if row[c] < 1]
    assert len(before) == 2  # one pixel of the wall, one of the block before it
    assert before[1] == before[0] + 1


@pytest.mark.parametrize("azimuth", [0, 30, 60, 75])
def test_a_plane_at_any_angle_is_trusted_inside(azimuth: float) -> None:
    picture = trust_picture(brute.box((-0.6, -0.6, -0.001), (0.6, 0.6, 0.001)), Camera(azimuth, 20), 96)
    assert np.all(picture[~near_background(picture, 2)] == 1)


def test_creases_and_curved_surfaces_are_trusted_inside() -> None:
    for made in (brute.box((-0.4, -0.4, -0.4), (0.4, 0.4, 0.4)), brute.sphere(40, 80)):
        picture = trust_picture(made, Camera(30, 30), 96)
        inside = ~near_background(picture, 4)
        assert np.mean(picture[inside] == 1) > 0.99
