"""Which UVs can carry a texture."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.mesh import overlap, uvcheck
from engine.mesh.mesh import load
from tests.effort import calls
from tests.engine.mesh import judge

Floats = NDArray[np.float32]


def grid(n: int) -> tuple[Floats, NDArray[np.int32], Floats]:
    """n x n quads in the plane with UVs that fill the texture: vertices, faces, uvs."""
    x, y = np.meshgrid(np.arange(n + 1), np.arange(n + 1))
    flat = np.stack([x, y], axis=-1).reshape(-1, 2) / n
    corner = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).reshape(-1)
    faces = np.concatenate([corner[:, None] + (0, 1, n + 2), corner[:, None] + (0, n + 2, n + 1)]).astype(
        np.int32
    )
    vertices = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1).astype(np.float32)
    return vertices, faces, flat[faces].astype(np.float32)


@pytest.mark.parametrize("n", [1, 2, 8, 64, 100])
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_a_regular_layout_is_fine_at_any_scale(n: int, scale: float) -> None:
    vertices, faces, uvs = grid(n)
    assert uvcheck.problem(vertices, faces, uvs * np.float32(scale)) is None
    assert overlap.share(uvs) < 0.002


@pytest.mark.parametrize("moved", [0.0, 0.1, 0.3, 0.5])
def test_overlap_is_measured(moved: float) -> None:
    _, _, uvs = grid(10)
    both = np.concatenate([uvs, uvs + np.float32([moved, 0])])
    assert overlap.share(both) == pytest.approx((1 - moved) / (1 + moved), abs=0.003)


def test_mirrored_halves_overlap() -> None:
    vertices, faces, uvs = grid(10)
    uvs[..., 0] = np.abs(uvs[..., 0] - 0.5)
    assert "overlap in 100%" in str(uvcheck.problem(vertices, faces, uvs))


def test_problems_are_named() -> None:
    vertices, faces, uvs = grid(10)
    assert "one point" in str(uvcheck.problem(vertices, faces, uvs * 0 + 0.5))
    line = uvs * np.float32([1, 0])
    assert "no area for 100%" in str(uvcheck.problem(vertices, faces, line))
    part = np.where((faces < 44).any(axis=1)[:, None, None], np.float32(0), uvs)
    assert "no area for 40%" in str(uvcheck.problem(vertices, faces, part))
    assert "in 20 of 200 faces" in str(uvcheck.problem(vertices, faces, uvs * np.float32([1.05, 1])))


def test_rounding_outside_the_square_is_forgiven() -> None:
    vertices, faces, uvs = grid(10)
    assert uvcheck.problem(vertices, faces, uvs * np.float32(1.00008) - np.float32(0.00004)) is None


def test_the_rays_agree_with_the_judge() -> None:
    rng = np.random.default_rng(0)
    uvs = (rng.random((12, 1, 2)) * 0.8 + rng.random((12, 3, 2)) * 0.2).astype(np.float32)
    crossed = judge.crossings(uvs, 1000) / 1000**2
    doubled = overlap.share(uvs) * judge.covered(uvs, 1000) / 1000**2
    assert doubled == pytest.approx(crossed, abs=0.003)
    charts = np.arange(12) // 4
    for k in overlap.overlapping_charts(uvs, charts):
        assert judge.crossings(uvs[charts == k], 1000) > 0


def test_crowded_charts_are_found() -> None:
    _, _, uvs = grid(6)
    folded = uvs.copy()
    folded[..., 0] = np.abs(folded[..., 0] - 0.5)
    charts = np.repeat(np.arange(400), len(uvs))
    many = np.concatenate([folded if k % 7 == 0 else uvs for k in range(400)])
    np.testing.assert_array_equal(overlap.overlapping_charts(many, charts), np.arange(0, 400, 7))


def test_nothing_is_called_for_each_face() -> None:
    """So a million are checked in two seconds."""
    small, large = grid(50), grid(300)
    few, many = (calls(partial(uvcheck.problem, *layout)) for layout in (small, large))
    assert 0 < many <= few + 20
    assert uvcheck.problem(*large) is None


def test_examples_keep_their_uvs(example_meshes: Path) -> None:
    for name in ("clutch_bag.obj", "face.obj", "sneaker.glb", "teapot.obj"):
        mesh = load(example_meshes / name)
        assert mesh.uvs is not None
        assert uvcheck.problem(mesh.vertices, mesh.faces, mesh.uvs) is None


def test_two_boxes_with_one_layout_overlap() -> None:
    box = trimesh.creation.box()
    faces = np.concatenate([box.faces, box.faces + 8]).astype(np.int32)
    vertices = np.concatenate([box.vertices, box.vertices + 5]).astype(np.float32)
    uvs = np.random.default_rng(0).random((12, 3, 2)).astype(np.float32)
    assert "overlap" in str(uvcheck.problem(vertices, faces, np.concatenate([uvs, uvs])))
