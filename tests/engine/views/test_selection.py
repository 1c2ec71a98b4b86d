"""Selections against every selection there is."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.errors import Cancelled
from engine.views import selection
from engine.views.selection import best, select, worth

Floats = NDArray[np.float32]


def table(seed: int, candidates: int, places: int) -> Floats:
    """Values as of views: most candidates see little of all places."""
    rng = np.random.default_rng(seed)
    value = rng.random((candidates, places)) * (rng.random((candidates, places)) < 0.4)
    return value.astype(np.float32)


def optimum(value: Floats, price: float, most: int) -> float:
    sets = [s for n in range(1, most + 1) for s in combinations(range(len(value)), n)]
    return max(float(np.max(value[list(s)], axis=0).mean()) - price * len(s) for s in sets)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(1, 40), st.integers(1, 4), st.floats(0.001, 0.2))
def test_no_selection_is_much_better(
    seed: int, candidates: int, places: int, most: int, price: float
) -> None:
    value = table(seed, candidates, places)
    chosen = select(value, price, most)
    assert 1 <= len(chosen) <= most
    assert len(set(chosen)) == len(chosen)
    found, possible = worth(value, chosen, price), optimum(value, price, most)
    assert found >= possible - 0.1 * abs(possible) - 4e-4  # an exchange must bring 1e-4


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.lists(st.integers(0, 19), unique=True, max_size=8))
def test_every_member_is_worth_its_price_and_a_start_is_never_made_worse(seed: int, start: list[int]) -> None:
    value, price = table(seed, 20, 60), 0.01
    chosen = select(value, price, 8, start)
    whole = best(value, chosen).mean()
    for member in chosen:
        rest = [other for other in chosen if other != member]
        assert not rest or whole - best(value, rest).mean() > price - 1e-6
    if start:
        assert worth(value, chosen, price) >= worth(value, start, price) - 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_looking_only_at_what_changed_finds_the_same(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    value = table(seed, 60, 2000)
    found = select(value, 0.002, 12, [3, 4, 5])
    monkeypatch.setattr(selection, "FEW", 10**9)  # all places, each time
    assert select(value, 0.002, 12, [3, 4, 5]) == found
    assert len(found) > 4


def test_what_greed_takes_first_is_given_back() -> None:
    """Two halves and a slightly larger middle: greed begins with the middle, and needs all three."""
    value = np.zeros((3, 100), np.float32)
    value[0, :50], value[1, 50:], value[2, 22:78] = 1, 1, 1
    assert sorted(select(value, 0.01, 3)) == [0, 1]


def test_of_equals_the_first_is_taken() -> None:
    assert select(np.ones((5, 10), np.float32), 0.01, 5) == [0]


def test_when_nothing_is_worth_anything_one_is_chosen() -> None:
    assert select(np.zeros((5, 10), np.float32), 0.01, 5) == [0]


def test_no_members_no_value() -> None:
    np.testing.assert_array_equal(best(np.ones((2, 3), np.float32), []), [0, 0, 0])


def test_a_search_can_be_stopped() -> None:
    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        select(table(0, 9, 9), 0.01, 4, check=stop)
