"""Cameras from a file, against a projection worked out by hand in the mesh's own frame."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine.errors import UserError
from engine.mesh.frame import to_unit_sphere, turned
from engine.views.camera_file import Given, read
from engine.views.prompts import direction

Doubles = NDArray[np.float64]
RNG = np.random.default_rng(0)
POINTS = (RNG.uniform(-1, 1, (200, 3)) * (3, 1, 2) + (5, -2, 7)).astype(np.float32)
AXES = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1)


def picture(points: Doubles, camera: Given, resolution: int) -> tuple[Doubles, Doubles]:
    """Column, row and depth / distance of ``points``: the pinhole, straight from its definition."""
    forward = camera.forward / np.linalg.norm(camera.forward)
    right = np.cross(forward, camera.up)
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    offset = points - camera.position
    depth = offset @ forward
    half = np.tan(np.radians(camera.fov / 2))
    x, y = offset @ right / (depth * half), offset @ up / (depth * half)
    return np.stack([(1 + x) / 2, (1 - y) / 2], axis=1) * resolution, depth


def camera(position: Any, forward: Any, up: Any = (0, 1, 0), fov: float = 60) -> Given:
    return Given(*(np.asarray(v, np.float64) for v in (position, forward, up)), fov, "it")


def agree(one: Given, front: float, tolerance: float = 0.02) -> None:
    """The placed camera sees every point where ``one`` sees it in the mesh's own frame."""
    normal, centre, scale = to_unit_sphere(POINTS)
    wanted, depth = picture(POINTS.astype(np.float64), one, 100)
    found, found_depth = one.placed(centre, scale, front).project(turned(normal, front), 100)
    ahead = depth > 0.1 * scale
    np.testing.assert_allclose(found_depth * scale, depth, atol=1e-4 * scale + 1e-4 * abs(depth).max())
    close = (np.abs(wanted) < 300).all(axis=1) & ahead
    np.testing.assert_allclose(found[close], wanted[close], atol=tolerance)


@settings(max_examples=100, deadline=None)
@given(AXES, AXES, AXES, st.floats(5, 120), st.floats(-360, 360))
def test_points_appear_where_a_pinhole_shows_them(
    place: tuple[float, ...], forward: tuple[float, ...], up: tuple[float, ...], fov: float, front: float
) -> None:
    unit = [np.asarray(v) / np.linalg.norm(v) for v in (forward, up)]
    if abs(unit[0] @ unit[1]) > 0.99:
        return
    agree(camera(np.asarray(place) * 12 + (5, -2, 7), forward, up, fov), front)


@pytest.mark.parametrize("front", [0, 90, 180, -90])
@pytest.mark.parametrize("up", [(0, 1, 0), (1, 0, 0), (0, 0, -1), (0, -1, 0), (1, 1, 0)])
@pytest.mark.parametrize("forward", [(0, 0, -1), (1, 0, 0), (0, -1, 0), (0, 1, 0)])
def test_along_the_axes_too(forward: Any, up: Any, front: float) -> None:
    if abs(np.dot(forward, up)) < 0.9:
        agree(camera(np.array((5, -2, 7)) - 9 * np.asarray(forward), forward, up), front)


@pytest.mark.parametrize("y", [-1, 1])
def test_straight_down_with_up_down_too_any_side_is_up(y: float) -> None:
    found = camera((5, 9 * y, 7), (0, -y, 0)).placed(*to_unit_sphere(POINTS)[1:], 0)
    np.testing.assert_allclose(found.axes @ found.axes.T, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(found.axes[2], (0, -y, 0), atol=1e-6)


@pytest.mark.parametrize(
    ("front", "word"), [(0, "side"), (90, "front"), (180, "side"), (270, "back"), (-270, "front")]
)
def test_the_front_decides_the_words(front: float, word: str) -> None:
    """A camera on +X of the mesh."""
    found = camera((15, -2, 7), (-1, 0, 0)).placed(*to_unit_sphere(POINTS)[1:], front)
    assert direction(found) == word


def test_a_turn_by_right_angles_loses_no_bit() -> None:
    points = RNG.normal(size=(50, 3)).astype(np.float32)
    assert (turned(np.array([[1, 0, 0]], np.float32), 90) == [0, 0, 1]).all()
    assert turned(points, 90).dtype == np.float32
    np.testing.assert_array_equal(turned(turned(points, 90), -90), points)
    np.testing.assert_array_equal(turned(points, 180), points * np.float32([-1, 1, -1]))
    assert turned(points, 0) is points


def written(tmp_path: Path, data: object) -> str:
    path = tmp_path / "cameras.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return str(path)


PLAIN = {"position": [0, 0, 4], "forward": [0, 0, -1]}


def test_what_the_file_leaves_out(tmp_path: Path) -> None:
    full = {**PLAIN, "up": [1, 0, 0], "fov": 35.5, "name": "eye"}
    first, second = read(written(tmp_path, {"cameras": [full, PLAIN]}), 64)
    assert (first.fov, first.name, tuple(first.up)) == (35.5, "eye", (1, 0, 0))
    assert (second.fov, second.name, tuple(second.up)) == (60, "camera 2", (0, 1, 0))


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ("{", "JSON"),
        ("[" * 100_000, "JSON"),
        ([], "lists no cameras"),
        ({"cameras": []}, "lists no cameras"),
        ({"cameras": [PLAIN] * 5}, "5 cameras"),
        ({"cameras": ["front"]}, "camera 1"),
        ({"cameras": [{**PLAIN, "lens": 50}]}, "camera 1"),
        ({"cameras": [{"position": [0, 0, 4]}]}, "forward"),
        ({"cameras": [{**PLAIN, "position": [0, 0]}]}, "position"),
        ({"cameras": [{**PLAIN, "position": [0, 0, True]}]}, "position"),
        ({"cameras": [{**PLAIN, "position": [0, 0, 1e300]}]}, "position"),
        ({"cameras": [{**PLAIN, "position": [0, 0, 10**400]}]}, "position"),
        ('{"cameras": [{"position": [0, 0, NaN], "forward": [0, 0, -1]}]}', "position"),
        ({"cameras": [{**PLAIN, "up": [0, 0, 0]}]}, "up"),
        ({"cameras": [{**PLAIN, "forward": [0, 0, 0]}]}, "forward"),
        ({"cameras": [{**PLAIN, "fov": 180}]}, "fov"),
        ({"cameras": [{**PLAIN, "fov": "wide"}]}, "fov"),
    ],
)
def test_what_can_not_be_read_is_told(data: object, word: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=word) as told:
        read(written(tmp_path, data), 4)
    assert told.value.fix


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no file"):
        read(str(tmp_path / "none.json"), 4)


def test_long_values_are_told_in_short(tmp_path: Path) -> None:
    odd = {"position": [0] * 5000, "forward": [0, 0, -1], "name": "\x1b[31m" + "x" * 5000}
    with pytest.raises(UserError) as told:
        read(written(tmp_path, {"cameras": [odd]}), 4)
    assert len(str(told.value)) < 300
    assert str(told.value).isprintable()
