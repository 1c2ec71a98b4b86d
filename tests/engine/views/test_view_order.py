"""Orders of views against every order there is."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.view_order import length, round_trip

ANGLES = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def angles(cameras: list[Camera]) -> np.ndarray:
    towards = np.array([-camera.axes[2] for camera in cameras], np.float64)
    return np.arccos(np.clip(towards @ towards.T, -1, 1))


def shortest(cameras: list[Camera]) -> float:
    angle = angles(cameras)
    return min(length((0, *rest), angle) for rest in permutations(range(1, len(cameras))))


@settings(max_examples=25, deadline=None)
@given(st.lists(ANGLES, min_size=1, max_size=7))
def test_few_views_come_in_the_shortest_order_or_nearly(places: list[tuple[float, float]]) -> None:
    cameras = [Camera(a, e) for a, e in places]
    tour = round_trip(cameras)
    assert sorted(map(repr, tour)) == sorted(map(repr, cameras))
    assert length(range(len(tour)), angles(tour)) <= 1.05 * shortest(cameras) + 1e-6


@settings(max_examples=25, deadline=None)
@given(st.lists(ANGLES, min_size=1, max_size=16))
def test_the_tour_begins_at_the_view_nearest_the_front(places: list[tuple[float, float]]) -> None:
    cameras = [Camera(a, e) for a, e in places]
    front = [float(-camera.axes[2][2]) for camera in round_trip(cameras)]
    assert front[0] == pytest.approx(max(front), abs=1e-5)


def test_a_shuffled_ring_comes_out_as_a_ring() -> None:
    ring = [Camera(45.0 * i, 0.0) for i in (3, 0, 6, 1, 7, 4, 2, 5)]
    found = [camera.azimuth for camera in round_trip(ring)]
    assert found in ([45.0 * i for i in range(8)], [0.0, *(45.0 * i for i in range(7, 0, -1))])


@pytest.mark.parametrize("cameras", [paper_rig(), even_rig(16)], ids=["paper", "even"])
def test_neighbours_in_the_list_are_neighbours_in_space(cameras: list[Camera]) -> None:
    tour = round_trip(cameras)
    angle = angles(tour)
    steps = [angle[i - 1, i] for i in range(len(tour))]
    nearest = np.sort(angle, axis=1)[:, 1]
    assert np.mean(steps) < 1.4 * nearest.mean()


def test_no_views_are_no_tour() -> None:
    assert round_trip([]) == []
