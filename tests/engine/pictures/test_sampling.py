"""Reading between pixels, against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from engine.pictures.sampling import Floats, sample, taps


def by_scipy(picture: Floats, column: Floats, row: Floats) -> Floats:
    """``picture`` (H, W, 3) at places in pixels, clamped at the outermost centres."""
    height, width, _ = picture.shape
    where = [np.clip(row - 0.5, 0, height - 1), np.clip(column - 0.5, 0, width - 1)]
    return np.stack([map_coordinates(picture[..., k], where, order=1) for k in range(3)], axis=1)


@pytest.fixture(scope="module")
def picture() -> Floats:
    return np.random.default_rng(0).random((12, 16, 3)).astype(np.float32)


def test_sampling_is_bilinear_and_clamped_at_the_border(picture: Floats) -> None:
    uv = np.random.default_rng(1).uniform(-0.1, 1.1, (500, 2)).astype(np.float32)
    expected = by_scipy(picture, uv[:, 0] * 16, (1 - uv[:, 1]) * 12)
    np.testing.assert_allclose(sample(picture, uv), expected, atol=1e-5)


def test_the_four_taps_are_the_same_filter(picture: Floats) -> None:
    place = np.random.default_rng(2).uniform((-2, -2), (18, 14), (500, 2)).astype(np.float32)
    found = list(taps(place, 16, 12))
    total = sum(share[:, None] * picture.reshape(-1, 3)[index] for index, share in found)
    np.testing.assert_allclose(total, by_scipy(picture, *place.T), atol=1e-5)
    np.testing.assert_allclose(sum(share for _, share in found), 1, atol=1e-6)
    assert all(share.min() >= 0 for _, share in found)
