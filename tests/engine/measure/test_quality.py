"""Coverage and agreement against direct computations."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.export.render import render_views
from engine.measure.quality import coverage, view_psnr
from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.raster import Fragments
from tests.engine import shapes
from tests.engine.shapes import Shape, surface_points

Doubles = NDArray[np.float64]
Bools = NDArray[np.bool_]


def fibonacci(count: int, radius: float) -> Doubles:
    """``count`` points evenly spread on a sphere; another spread than the engine's."""
    k = np.arange(count) + 0.5
    polar, turn = np.arccos(1 - 2 * k / count), np.pi * (1 + 5**0.5) * k
    return radius * np.stack([np.cos(turn) * np.sin(polar), np.sin(turn) * np.sin(polar), np.cos(polar)], 1)


def blocked(start: Doubles, end: Doubles, corners: Doubles) -> Bools:
    """Whether any triangle of ``corners`` (F, 3, 3) lies between ``start`` (n, 3) and ``end`` (3,)
    (Moeller and Trumbore)."""
    direction = end - start
    a, ab, ac = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    p = np.cross(direction[:, None], ac)
    scale = np.einsum("fk,nfk->nf", ab, p)
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=np.abs(scale) > 1e-12)
    s = start[:, None] - a
    u = np.einsum("nfk,nfk->nf", s, p) * inverse
    q = np.cross(s, ab)
    v = np.einsum("nk,nfk->nf", direction, q) * inverse
    t = np.einsum("fk,nfk->nf", ac, q) * inverse
    hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-4) & (t < 1 - 1e-6) & (np.abs(scale) > 1e-12)
    return np.asarray(hit.any(axis=1))


def seen_by_any(shape: Shape, points: Doubles, normals: Doubles, positions: Doubles) -> Bools:
    """At cosine >= 0.2 and unoccluded, by brute force. Every point of the unit sphere is inside the frame."""
    corners = shape.vertices[shape.faces].astype(np.float64)
    seen = np.zeros(len(points), bool)
    for position in positions:
        towards = position - points
        cosine = np.abs((towards * normals).sum(axis=1)) / np.linalg.norm(towards, axis=1)
        left = np.flatnonzero(~seen & (cosine >= 0.2))
        side = np.sign((towards * normals).sum(axis=1, keepdims=True))[left]
        seen[left] = ~blocked(points[left] + 1e-3 * side * normals[left], position, corners)
    return seen


def brute_force_coverage(shape: Shape, cameras: list[Camera], count: int) -> float:
    face, bary = surface_points(shape, count, seed=5)
    corners = shape.vertices[shape.faces].astype(np.float64)
    points = np.einsum("nck,nc->nk", corners[face], bary)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True))[face]
    outside = seen_by_any(shape, points, normals, fibonacci(256, 2.0))
    places = np.array([camera.position for camera in cameras], np.float64)
    return float(seen_by_any(shape, points[outside], normals[outside], places).mean())


def test_a_sphere_seen_from_everywhere_is_covered() -> None:
    assert coverage(shapes.sphere().raster, even_rig(20)) > 0.999


def test_the_published_views_miss_a_box_underneath() -> None:
    shape = shapes.box(0)
    found = coverage(shape.raster, paper_rig())
    assert found == pytest.approx(brute_force_coverage(shape, paper_rig(), 4000), abs=0.02)
    assert 0.75 < found < 5 / 6 + 0.01


@pytest.mark.parametrize("cameras", [[Camera(20, 10)], even_rig(5)], ids=["one", "five"])
def test_a_shape_that_hides_parts_of_itself(cameras: list[Camera]) -> None:
    torus = trimesh.creation.torus(0.7, 0.35, major_sections=14, minor_sections=8)
    shape = shapes.six_charts(torus)
    found = coverage(shape.raster, cameras)
    assert found == pytest.approx(brute_force_coverage(shape, cameras, 2500), abs=0.03)


def test_what_nobody_can_see_from_outside_does_not_count() -> None:
    outer, inner = shapes.sphere(2), shapes.sphere(2)
    nested = shapes.joined(outer, inner._replace(vertices=inner.vertices * np.float32(0.5)))
    assert coverage(nested.raster, even_rig(20)) > 0.999


def test_equal_views_and_texture_are_a_hundred_decibels_apart_from_nothing() -> None:
    shape = shapes.sphere(2)
    surface = shape.surface
    views = surface.seen_by(even_rig(4), 32)
    texture = np.full((32, 32, 3), 0.25, np.float32)
    rendered = render_views(texture, surface, views)
    assert view_psnr(rendered, views, np.full((4, 32, 32, 3), 0.25, np.float32)) == 100.0
    half = view_psnr(rendered, views, np.full((4, 32, 32, 3), 0.75, np.float32))
    assert half == pytest.approx(-20 * np.log10(0.5), abs=1e-4)


def test_pixels_count_by_their_cosine_and_the_background_not_at_all() -> None:
    shape = shapes.sphere(2)
    camera, size = Camera(30, 10), 48
    seen = shape.surface.seen(camera, size)
    view = seen.fragments
    rng = np.random.default_rng(0)
    picture = rng.random((size, size, 3)).astype(np.float32)
    rays = camera.rays(size).astype(np.float64)[view.pixel]
    a, b, c = (shape.vertices[shape.faces[view.face, k]].astype(np.float64) for k in range(3))
    normal = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normal, axis=1) * np.linalg.norm(rays, axis=1)
    cosine = np.abs((normal * rays).sum(axis=1)) / lengths
    squared = ((picture.reshape(-1, 3)[view.pixel].astype(np.float64) - 0.5) ** 2).mean(axis=1)
    expected = -10 * np.log10((cosine * squared).sum() / cosine.sum())
    rendered = np.full((1, size, size, 3), 0.5, np.float32)
    found = view_psnr(rendered, [seen], picture[None])
    assert found == pytest.approx(expected, abs=1e-3)
    picture.reshape(-1, 3)[np.setdiff1d(np.arange(size * size), view.pixel)] = 1.0
    rendered.reshape(-1, 3)[np.setdiff1d(np.arange(size * size), view.pixel)] = 0.0
    assert view_psnr(rendered, [seen], picture[None]) == found


def test_a_view_of_nothing_is_no_number_out_of_this_world() -> None:
    shape = shapes.sphere(1)
    little = shape.surface.seen(Camera(0, 0, fov=0.5, distance=90.0), 4)
    columns = dataclasses.astuple(little.fragments)
    assert len(columns[0]) in range(17)
    empty = dataclasses.replace(little, fragments=Fragments(*(column[:0] for column in columns)))
    black = np.zeros((1, 4, 4, 3), np.float32)
    assert np.isfinite(view_psnr(black, [empty], black))
