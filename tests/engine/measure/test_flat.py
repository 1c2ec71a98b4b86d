"""Which channels are the same all over a surface, whatever lies around it in the texture."""

from __future__ import annotations

import numpy as np
import pytest

from engine.measure.flat import flat_channels, warning
from engine.options.channels import main_channel

RNG = np.random.default_rng(0)


def flat(image: np.ndarray, index: np.ndarray) -> bool:
    return bool(flat_channels({main_channel(): image.astype(np.float32)}, index.astype(np.int32)))


@pytest.mark.parametrize("side", [1, 8, 512])
def test_only_the_surface_counts(side: int) -> None:
    noise, grey = RNG.random((side, side, 3)), np.full((side, side, 3), 0.5)
    index = np.flatnonzero(RNG.random(side * side) < 0.5)
    if side > 1:
        assert not flat(noise, index)
        on_surface = noise.reshape(-1, 3).copy()
        on_surface[index] = 0.5
        assert flat(on_surface.reshape(noise.shape), index)
    assert flat(grey, np.arange(side * side))
    assert not flat(grey, np.zeros(0))


def test_a_speck_is_still_flat_and_a_hue_is_not() -> None:
    image, index = np.full((4, 64, 64, 3), 0.5), np.arange(4 * 64 * 64)  # pages
    image[1, 0, :64] = 1
    assert flat(image, index)
    image[2, :32, :, 2] = 0.52  # one number of three, in an eighth
    assert not flat(image, index)
    image[2, :32, :, 2] = 0.505
    assert flat(image, index)


def test_it_is_said_by_the_name_of_the_channel() -> None:
    assert warning([main_channel()]) == [
        "the texture's base color is the same all over: hardly anything was painted"
    ]
