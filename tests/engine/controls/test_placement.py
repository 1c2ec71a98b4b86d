"""Layouts: every place moved alike, none out of the map, and the next seed elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from engine.canvas.mesh_views import take_views
from engine.controls import noise
from engine.controls.placement import SMALLEST, placed
from engine.controls.position import plane
from engine.host import Host
from engine.views.cameras import paper_rig
from engine.views.surface import Surface
from tests.engine import shapes

SEEDS = range(1, 40)


def _places(kind: str) -> np.ndarray:
    """(n, 3) float32 that fill the unit sphere as objects do: all around, or as something flat or thin."""
    rng = np.random.default_rng(1)
    points = rng.standard_normal((500, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    scale = {"ball": (1, 1, 1), "flat": (1, 0.05, 1), "rod": (0.1, 1, 0.1)}.get(kind, (1, 1, 1))
    found = np.sign(points) / 3**0.5 if kind == "box" else points * scale
    return found.astype(np.float32)


@pytest.mark.parametrize("kind", ["ball", "box", "flat", "rod"])
def test_an_object_keeps_its_shape_and_stays_in_the_map(kind: str) -> None:
    places = _places(kind)
    for seed in SEEDS:
        found = placed(places, seed).of(places)
        assert np.abs(found).max() <= 1 + 1e-5
        assert found.sum(1).min() > -2, "no place is as black as the background"
        before, after = (np.linalg.norm(p[1:] - p[:1], axis=1) for p in (places, found))
        size = after.max() / before.max()
        assert SMALLEST - 1e-5 <= size <= 1 + 1e-5
        np.testing.assert_allclose(after, size * before, atol=1e-5)
        np.testing.assert_allclose(np.diff(found[:, 1]), size * np.diff(places[:, 1]), atol=1e-5)


def test_walls_face_along_the_axes_as_before() -> None:
    wall = np.array([[0.3, y, z] for y in (-0.5, 0.5) for z in (-0.5, 0.5)], np.float32)
    for seed in SEEDS:
        found = placed(wall, seed).of(wall)
        assert sum(float(np.ptp(found[:, axis])) < 1e-6 for axis in range(3)) == 1


def test_a_seed_stays_itself_and_others_are_elsewhere() -> None:
    box = _places("box")
    np.testing.assert_array_equal(placed(box, 0).of(box), box)
    np.testing.assert_array_equal(placed(box, 7).of(box), placed(box, 7).of(box))
    up = [placed(box, seed).of(box)[:, 1].mean() for seed in SEEDS]
    phases, _ = np.histogram(np.mod(up, 0.125), 5, (0, 0.125))  # of the lowest bricks
    assert phases.min() >= 2, "courses lie everywhere"


def test_all_views_move_alike() -> None:
    box = shapes.box(0)
    surface = Surface.build(box.vertices, box.faces, box.uvs)
    kinds = ["position", "depth", "place"]
    rest, moved = (take_views(surface, paper_rig(), 32, kinds, Host(), layout=layout) for layout in (0, 5))
    place = placed(surface.raster.corners.reshape(-1, 3), 5)
    for one, other in zip(rest, moved, strict=True):
        np.testing.assert_array_equal(one.controls["depth"], other.controls["depth"])
        before, after = (view.controls["position"][:, view.mask].T * 2 - 1 for view in (one, other))
        np.testing.assert_allclose(after, place.of(before), atol=1e-5)
        assert not other.controls["position"][:, ~one.mask].any()
        for view in (one, other):
            np.testing.assert_array_equal(view.controls["place"][:3], view.controls["position"])
            there = view.controls["position"][:, view.mask].T * 2 - 1
            np.testing.assert_allclose(
                view.controls["place"][3:, ::2, ::2], noise.picture(there, view.mask)[:, ::2, ::2], atol=1e-3
            )


def test_a_plane_moves_within_itself() -> None:
    rest, moved = plane(16), plane(16, 3)
    assert 0 <= moved.min() < moved.max() <= 1
    shift = moved - rest
    np.testing.assert_allclose(shift, np.broadcast_to(shift[:, :1, :1], shift.shape), atol=1e-6)
    assert np.abs(shift[:2]).max() > 0.01
