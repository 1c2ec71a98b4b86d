"""Windows on a flat picture: f and g against loops, no border that shows, and a torus that has no edge."""

from __future__ import annotations

from math import pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.canvas.windows import LEAST_TRUST, Windows
from engine.measure.wrapping import wrap_error
from engine.sync.spaces import Averaging

GRID = 4
SIZES = st.integers(8, 24)


@st.composite
def windows(draw: st.DrawFn) -> Windows:
    wraps, side = draw(st.booleans()), GRID * draw(st.integers(2, 3))
    height, width = (draw(SIZES) if wraps else side + draw(SIZES) for _ in range(2))
    make = Windows.torus if wraps else Windows.strip
    return make(height, width, side, GRID * draw(st.integers(1, side // GRID)), GRID)


def trust(row: int, column: int, side: int) -> float:
    down, across = (max(sin(pi * (place + 0.5) / side) ** 2, LEAST_TRUST) for place in (row, column))
    return down * across


def cut_out(picture: NDArray[np.float64], made: Windows) -> NDArray[np.float64]:
    """(N, side, side, K): what the windows show of ``picture``, pixel by pixel."""
    shown = np.empty((made.count, made.side, made.side, picture.shape[2]))
    for i, (top, left) in enumerate(made.places):
        for row in range(made.side):
            for column in range(made.side):
                shown[i, row, column] = picture[(top + row) % made.height, (left + column) % made.width]
    return shown


@given(windows(), st.sampled_from([1.0, 30.0]))
@settings(max_examples=8, deadline=None)
def test_f_and_g_are_those_of_loops(made: Windows, exponent: float) -> None:
    maps = made.maps(Averaging(exponent, reweighted=True))
    numbers = np.arange(made.height * made.width, dtype=float).reshape(made.height, made.width, 1)
    assert (maps.element == cut_out(numbers, made).reshape(-1)).all()
    expected = np.zeros(maps.average.shape)
    for pixel, element in enumerate(maps.element):
        row, column = divmod(pixel % made.side**2, made.side)
        expected[element, pixel] = trust(row, column, made.side) ** exponent
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(maps.average.toarray(), expected, rtol=1e-9, atol=1e-300)
    assert maps.confidence is not None
    assert 0 < maps.confidence.min() <= maps.confidence.max() <= 1


@given(windows(), st.integers(1, 2))
@settings(max_examples=6, deadline=None)
def test_windows_of_a_picture_make_that_picture(made: Windows, finer: int) -> None:
    """At whatever resolution they are."""
    fine = made.at(made.side * finer)
    picture = np.random.default_rng(0).random((fine.height, fine.width, 3))
    joined = made.joined(cut_out(picture, fine).astype(np.float32), fine.height, fine.width)
    np.testing.assert_allclose(joined, picture, atol=1e-6)


@given(windows())
@settings(max_examples=8, deadline=None)
def test_windows_cover_all_and_lie_inside(made: Windows) -> None:
    assert set(made.maps(Averaging()).element) == set(range(made.height * made.width))
    assert all(place % GRID == 0 for place in (*made.tops, *made.lefts, made.height, made.width))
    if not made.wraps:
        assert max(made.tops) + made.side == made.height
        assert max(made.lefts) + made.side == made.width
    for i in range(made.count):
        assert i not in made.neighbours(i)
        assert all(i in made.neighbours(other) for other in made.neighbours(i))
    assert sorted(made.order) == list(range(made.count))


def test_the_published_wide_picture_has_41_windows() -> None:
    made = Windows.strip(512, 3072, 512, 64, 8)
    assert (made.count, len(made.tops)) == (41, 1)
    assert made.neighbours(0) == (1,)  # the last one is not beside it
    assert made.order[0] == 20


@pytest.mark.parametrize("make", [Windows.torus, Windows.strip])
def test_no_border_of_a_window_shows(make: type) -> None:
    """Windows that agree on nothing, each of one colour of its own, flow into each other."""
    side = 64
    made = make(192, 320, side, side // 2, 8)  # type: ignore[call-arg]
    colours = np.random.default_rng(1).random((made.count, 1, 1, 1), np.float32)
    joined = made.joined(np.broadcast_to(colours, (made.count, side, side, 1)), 192, 320)
    steps = [np.abs(np.diff(joined, axis=axis)).max() for axis in (0, 1)]
    assert max(steps) < 1.6 * pi / side  # the steepest that sin^2 gets between two colours 1 apart
    assert np.ptp(joined) > 0.5


def test_a_torus_looks_the_same_wherever_it_is_cut() -> None:
    """Rolling what the windows show by their stride rolls the picture, through its edge as well."""
    made = Windows.torus(96, 128, 64, 32, 8)
    pictures = np.random.default_rng(2).random((3, 4, 64, 64, 2), np.float32)
    joined = made.joined(pictures.reshape(-1, 64, 64, 2), 96, 128)
    rolled = np.roll(pictures, (1, 1), (0, 1)).reshape(-1, 64, 64, 2)
    np.testing.assert_allclose(made.joined(rolled, 96, 128), np.roll(joined, (32, 32), (0, 1)), atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(61, 90), (64, 89), (57, 96)])
def test_any_size_tiles(height: int, width: int) -> None:
    """A wave that fits a torus still does in a size that no latents have."""
    made = Windows.torus(height, width, 32, 16, 8)

    def wave(rows: int, columns: int) -> NDArray[np.float64]:
        y, x = (2 * pi * (np.arange(n) + 0.5) / n for n in (rows, columns))
        return 0.5 + 0.2 * np.sin(y + 0.3)[:, None, None] + 0.2 * np.sin(2 * x + 1)[None, :, None]

    shown = cut_out(wave(made.height, made.width), made).astype(np.float32)
    joined = made.joined(shown, height, width)
    np.testing.assert_allclose(joined, wave(height, width), atol=1e-3)


def test_what_the_seam_figure_says() -> None:
    x = np.arange(64)
    wave = 0.5 + 0.4 * np.sin(2 * pi * x / 64)[None, :, None] * np.ones((32, 1, 3))
    ramp = np.broadcast_to((x / 64)[None, :, None], (32, 64, 3))
    assert wrap_error(wave.astype(np.float32), (1,)) < 2  # where it is steepest
    assert wrap_error(np.roll(wave, 16, 1).astype(np.float32), (1,)) < 0.1
    assert wrap_error(ramp.astype(np.float32)) == pytest.approx(63, rel=1e-3)
    assert wrap_error(np.full((8, 8, 3), 0.5, np.float32)) == 1
