"""The measure of fine detail, against waves and noise whose power is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from engine.measure.sharpness import BANDS, FINE, sharpness, spectrum
from engine.views.cameras import paper_rig
from engine.views.surface import masks
from tests.engine import brute
from tests.engine.shapes import surface_of

SIZE = 96
DISC = np.hypot(*np.indices((SIZE, SIZE)) - SIZE / 2) < 0.4 * SIZE


def wave(frequency: float, angle: float = 0.3, height: float = 0.2) -> NDArray[np.float32]:
    """(1, SIZE, SIZE, 3): a grey wave of so many cycles a pixel."""
    y, x = np.indices((SIZE, SIZE))
    value = 0.5 + height * np.sin(2 * np.pi * frequency * (x * np.cos(angle) + y * np.sin(angle)))
    return np.repeat(value[None, ..., None], 3, axis=-1).astype(np.float32)


def noise(seed: int = 0, blur: float = 0.0) -> NDArray[np.float32]:
    values = np.random.default_rng(seed).normal(0.5, 0.1, (SIZE, SIZE, 3))
    return gaussian_filter(values, (blur, blur, 0))[None].astype(np.float32)


@pytest.mark.parametrize("frequency", [0.08, 0.2, 0.33, 0.45])
@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_a_wave_s_variance_is_in_the_band_of_its_frequency(frequency: float, angle: float) -> None:
    found = spectrum(wave(frequency, angle), DISC[None])
    assert found.sum() == pytest.approx(3 * 0.2**2 / 2, rel=0.03)
    band = int(frequency * 2 * BANDS)
    assert found[max(band - 1, 0) : band + 2].sum() > 0.98 * found.sum()


def test_noise_has_its_variance_inside_a_mask_of_any_size() -> None:
    ones = np.ones((SIZE, SIZE), bool)
    whole = spectrum(noise(), ones[None])
    part = spectrum(noise(), DISC[None])
    # White: what lies in the square's corners, beyond the last band, is 1 - pi / 4 of it.
    assert whole.sum() == pytest.approx(3 * 0.1**2 * np.pi / 4, rel=0.05)
    assert part.sum() == pytest.approx(whole.sum(), rel=0.1)


def test_the_colour_of_the_background_and_of_the_whole_say_nothing() -> None:
    picture = noise()
    other = np.where(DISC[None, ..., None], picture + 0.3, 1.0).astype(np.float32)
    np.testing.assert_allclose(spectrum(other, DISC[None]), spectrum(picture, DISC[None]), rtol=1e-4)
    flat = np.full((1, SIZE, SIZE, 3), 0.7, np.float32)
    assert spectrum(flat, DISC[None]).max() < 1e-10


def test_the_mean_of_pictures_that_disagree_has_lost_its_share() -> None:
    """n independent ones: the variance is an nth."""
    pictures = [noise(seed) for seed in range(4)]
    mean = np.mean(pictures, axis=0, dtype=np.float32)
    assert sharpness(mean, pictures[0], DISC[None]) == pytest.approx(1 / 4, rel=0.15)
    assert sharpness(pictures[1], pictures[0], DISC[None]) == pytest.approx(1, rel=0.15)


def test_blur_is_seen_and_what_is_coarse_is_not_fine() -> None:
    assert sharpness(noise(blur=1.0), noise(), DISC[None]) < 0.1
    coarse = spectrum(wave(0.04), DISC[None])
    assert coarse[FINE:].sum() < 5e-3 * coarse.sum()  # what the window lets leak


def test_views_count_by_their_pixels_and_empty_ones_not_at_all() -> None:
    empty = np.zeros_like(DISC)
    two = np.concatenate([noise(0), noise(1)])
    one = spectrum(two[:1], DISC[None])
    np.testing.assert_allclose(spectrum(two, np.stack([DISC, empty])), one)
    assert not spectrum(two, np.stack([empty, empty])).any()
    assert np.isnan(sharpness(two, two, np.stack([empty, empty])))


def test_masks_are_the_pixels_that_show_the_mesh() -> None:
    views = surface_of(brute.sphere(24, 48)).seen_by(paper_rig()[:2], 32)
    inside = masks(views)
    assert inside.shape == (2, 32, 32)
    shown = [set(view.fragments.pixel.tolist()) for view in views]
    assert [set(np.flatnonzero(mask)) for mask in inside] == shown
