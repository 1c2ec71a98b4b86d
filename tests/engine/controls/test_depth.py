"""The depth picture, against the published recipe computed by loops."""

from __future__ import annotations

import numpy as np
import pytest

from engine.controls.depth import blur_kernel, depth_picture, inverse_depth


def published(depth: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """q = 1 / z with background z = 100; min over the object, max over all; clamped."""
    q = np.empty(depth.shape)
    for index in np.ndindex(*depth.shape):
        q[index] = 1 / (float(depth[index]) if inside[index] else 100.0)
    low, high = min(q[inside]), q.max()
    return np.clip((q - low) / (high - low), 0, 1)


def made(size: int = 24, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    inside = (x - size / 2) ** 2 + (y - size / 2) ** 2 < (size / 3) ** 2
    return rng.uniform(1, 3, (size, size)).astype(np.float32), inside


@pytest.mark.parametrize("seed", range(3))
def test_inverse_depth_is_as_published(seed: int) -> None:
    depth, inside = made(seed=seed)
    np.testing.assert_allclose(inverse_depth(depth, inside), published(depth, inside), atol=1e-5)


def test_near_is_one_far_and_background_are_zero() -> None:
    depth, inside = made()
    picture = inverse_depth(depth, inside)
    values = np.where(inside, depth, np.nan)
    assert picture.flat[np.nanargmin(values)] == 1
    assert picture.flat[np.nanargmax(values)] == 0
    assert np.all(picture[~inside] == 0)


def test_each_view_is_normalised_by_itself() -> None:
    """Twice as far, with everything in proportion: the same picture."""
    depth, inside = made()
    np.testing.assert_allclose(inverse_depth(2 * depth, inside), inverse_depth(depth, inside), atol=1e-5)


def test_what_lies_outside_never_matters() -> None:
    depth, inside = made()
    other = np.where(inside, depth, 0.01).astype(np.float32)
    np.testing.assert_array_equal(depth_picture(other, inside), depth_picture(depth, inside))


@pytest.mark.parametrize("nearest", [0.0, -0.0, -0.5])
def test_what_touches_the_camera_is_near_and_a_number(nearest: float) -> None:
    depth = np.array([[nearest, 1.0], [2.0, 4.0]], np.float32)
    picture = inverse_depth(depth, np.ones((2, 2), bool))
    assert picture[0, 0] == 1
    assert picture[1, 1] == 0
    assert np.isfinite(depth_picture(np.tile(depth, (8, 8)), np.ones((16, 16), bool))).all()


def test_flat_face_on_is_near() -> None:
    inside = np.zeros((16, 16), bool)
    inside[4:12, 4:12] = True
    picture = inverse_depth(np.full((16, 16), 1.7, np.float32), inside)
    np.testing.assert_array_equal(picture, inside.astype(np.float32))


def test_nothing_in_view_is_black() -> None:
    picture = depth_picture(np.ones((8, 8), np.float32), np.zeros((8, 8), bool))
    assert picture.shape == (8, 8)
    assert not picture.any()


def test_published_blur_has_five_taps_and_sigma_two() -> None:
    weights = np.array([np.exp(-(k**2) / (2 * 2.0**2)) for k in (-2, -1, 0, 1, 2)])
    np.testing.assert_allclose(blur_kernel(768), weights / weights.sum(), atol=1e-7)


@pytest.mark.parametrize("size", [64, 128, 512, 768])
def test_blur_kernel_keeps_brightness_and_shrinks_with_the_view(size: int) -> None:
    kernel = blur_kernel(size)
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    assert np.all(kernel == kernel[::-1])
    variance = (kernel * np.arange(-2, 3) ** 2).sum()
    assert variance <= (2 * size / 768) ** 2 + 1e-6


def test_blur_is_a_separable_convolution_at_full_size() -> None:
    """One white column of pixels on black at 768: the picture is the kernel, at every row well inside."""
    depth = np.full((768, 768), 3.0, np.float32)
    depth[:, 384] = 1.0
    inside = np.ones((768, 768), bool)
    picture = depth_picture(depth, inside)
    weights = np.array([np.exp(-(k**2) / 8) for k in (-2, -1, 0, 1, 2)])
    np.testing.assert_allclose(picture[300, 382:387], weights / weights.sum(), atol=1e-6)
    assert not picture[300, :382].any()
    assert picture.dtype == np.float32
    assert picture.min() >= 0
    assert picture.max() <= 1
