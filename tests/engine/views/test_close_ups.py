"""Plans of close-ups against the densities that projections give, which know nothing of plans."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import Cancelled
from engine.views.cameras import Camera, even_rig
from engine.views.close_ups import CANDIDATES, REACHED, ClosePlan, Looked, frame, plan_close_ups
from tests.engine import shapes
from tests.engine.shapes import Shape, surface_points

Doubles = NDArray[np.float64]
STEP = 1e-3
PIXELS = 100
FRONT = Camera(0.0, 0.0)


def densities(shape: Shape, cameras: list[Camera], points: Doubles, normals: Doubles) -> Doubles:
    """(n,) the most pixels per length that any camera has at each point, in the direction in which it has
    fewest, 0 where it doesn't see it: by projecting points a STEP apart."""
    found = np.zeros(len(points))
    some = np.array([0.3, -0.5, 0.8])
    along = np.cross(normals, some)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    across = np.cross(normals, along)
    for camera in cameras:
        seen, _ = shape.raster.visible(camera, points.astype(np.float32), normals.astype(np.float32), 0.2)
        middle = project(camera, points)
        jacobian = np.stack(
            [(project(camera, points + STEP * way) - middle) / STEP for way in (along, across)]
        )
        least = np.linalg.svd(jacobian.transpose(1, 2, 0), compute_uv=False)[:, 1]
        found = np.maximum(found, np.where(seen, least, 0))
    return found


def places(shape: Shape) -> tuple[Doubles, Doubles]:
    """Points spread over the surface, and their normals."""
    face, bary = surface_points(shape, 2000)
    corners = shape.vertices[shape.faces[face]].astype(np.float64)
    return np.einsum("nk,nkc->nc", bary, corners), np.asarray(shape.raster.normals, np.float64)[face]


def project(camera: Camera, points: Doubles) -> Doubles:
    """In pixels of a picture PIXELS wide, in double precision."""
    right, up, depth = camera.axes.astype(np.float64) @ (points - camera.position).T
    return PIXELS / (2 * camera.half_extent) * np.stack([right, -up], axis=1) / depth[:, None]


def looked(shape: Shape, cameras: list[Camera]) -> Looked:
    return Looked.at(shape.raster, cameras)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_plate_gets_the_wanted_pixels_nearly_everywhere(factor: int) -> None:
    shape = shapes.plate(0.0, 0.7, (0.0, 1.0))
    plan = plan_close_ups(looked(shape, [FRONT]), factor)
    points, normals = places(shape)
    before, after = (densities(shape, cameras, points, normals) for cameras in ([FRONT], [*plan.cameras]))
    assert (after > 0.95 * factor * np.median(before)).mean() > 0.97
    assert plan.reached > 0.97
    area = 1.4**2 / frame(plan.density) ** 2
    assert area <= len(plan.cameras) <= 2.5 * area + 1  # frames overlap by their margins


def test_a_sphere_is_seen_nearly_everywhere_at_the_wanted_density() -> None:
    shape, first = shapes.sphere(), even_rig(10)
    plan = plan_close_ups(looked(shape, first), 2)
    points, normals = places(shape)
    before, after = (densities(shape, cameras, points, normals) for cameras in (first, [*plan.cameras]))
    assert (after >= REACHED * 2 * np.median(before)).mean() == pytest.approx(plan.reached, abs=0.03)
    assert plan.reached > 0.95
    assert len(plan.cameras) < 45


def test_what_the_first_pass_did_not_see_is_left() -> None:
    plan = plan_close_ups(looked(shapes.box(1), [FRONT]), 2)
    assert plan.cameras
    assert all(camera.target[2] > 0.5 for camera in plan.cameras)  # on the front side


def test_an_occluded_place_is_seen_from_where_the_first_pass_saw_it() -> None:
    """A plate close above another hides it from straight above, not from the side."""
    low, high = shapes.plate(0.0, 0.4, (0.0, 0.4)), shapes.plate(0.3, 0.4, (0.5, 0.9))
    first = [Camera(0.0, 0.0), Camera(60.0, 0.0)]
    plan = plan_close_ups(looked(shapes.joined(low, high), first), 2)
    below = [camera for camera in plan.cameras if abs(camera.target[2]) < 0.01]
    assert any(camera.azimuth > 30 for camera in below)


def test_nothing_seen_means_no_close_ups() -> None:
    behind = shapes.plate(0.0, 0.5, (0.0, 1.0))
    plan = plan_close_ups(looked(behind, [Camera(90.0, 0.0)]), 2)
    assert plan == ClosePlan((), 0.0, 0.0)
    assert plan.groups(3) == []


def test_the_same_plan_comes_again_and_a_check_ends_it() -> None:
    seen = looked(shapes.box(1), even_rig(6))
    assert plan_close_ups(seen, 2) == plan_close_ups(seen, 2)

    def stop() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        plan_close_ups(seen, 2, stop)


def test_groups_are_of_neighbours() -> None:
    plan = plan_close_ups(looked(shapes.box(1), even_rig(6)), 2)
    groups = plan.groups(7)
    assert sorted(map(id, plan.cameras)) == sorted(id(one) for group in groups for one in group)
    assert max(map(len, groups)) <= 7
    assert len(groups) == -(-len(plan.cameras) // 7)

    def spread(cameras: tuple[Camera, ...]) -> float:
        places = np.array([one.target for one in cameras])
        return float(np.linalg.norm(places - places.mean(axis=0), axis=1).mean())

    assert np.mean([spread(group) for group in groups]) < 0.8 * spread(plan.cameras)
    assert len(plan.cameras) < CANDIDATES
