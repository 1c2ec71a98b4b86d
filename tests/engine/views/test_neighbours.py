"""Neighbours by direction: the published ring, any order of the list, rigs with little in them."""

from __future__ import annotations

import numpy as np
import pytest

from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.neighbours import nearest_first, neighbours, reference


def test_the_published_ring() -> None:
    found = neighbours(paper_rig())
    for i in range(8):
        assert sorted(found[i]) == sorted([(i - 1) % 8, i, (i + 1) % 8])
    assert reference(paper_rig()) == 4


@pytest.mark.parametrize("rig", [paper_rig(), even_rig(7), even_rig(16)], ids=["paper", "7", "16"])
def test_the_order_of_the_list_says_nothing(rig: list[Camera]) -> None:
    order = np.random.default_rng(0).permutation(len(rig))
    mixed = [rig[i] for i in order]
    place = np.append(np.argsort(order), -1)  # of each view of the rig in the mixed list; -1 stays -1
    np.testing.assert_array_equal(neighbours(mixed), place[neighbours(rig)][order])
    assert mixed[reference(mixed)] == rig[reference(rig)]
    assert [mixed[i] for i in nearest_first(mixed)] == [rig[i] for i in nearest_first(rig)]


@pytest.mark.parametrize("count", [5, 8, 10, 16, 33, 64])
def test_neighbours_are_near_and_on_both_sides(count: int) -> None:
    rig = even_rig(count)
    towards = np.array([camera.position for camera in rig]) / rig[0].distance
    for i, (own, right, left) in enumerate(neighbours(rig)):
        assert own == i
        for other, sign in ((right, 1), (left, -1)):
            side = sign * (towards @ rig[i].axes[0])
            assert other < 0 or side[other] > 0
            nearer = (towards @ towards[i] > towards[other] @ towards[i] + 1e-5) & (side > 1e-2)
            assert other < 0 or not nearer.any()


@pytest.mark.parametrize(
    "rig", [[Camera(10, 0)], [Camera(0, 0), Camera(180, 0)], [Camera(0, 90), Camera(0, 0)]]
)
def test_who_has_nobody_beside_it_is_alone(rig: list[Camera]) -> None:
    assert neighbours(rig).tolist() == [[i, -1, -1] for i in range(len(rig))]


def test_views_come_from_the_front_to_the_back() -> None:
    rig = paper_rig()
    order = nearest_first(rig)
    assert sorted(order) == list(range(10))
    front = np.array([rig[i].position[2] for i in order])
    assert np.all(np.diff(front) <= 1e-5)
    assert rig[order[-1]].azimuth == -180
