"""Charts, against a flood fill."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.mesh.islands import island_of_face
from tests.engine import brute


def flood(faces: NDArray[np.int32], uvs: NDArray[np.float32]) -> list[int]:
    """The same by brute force: faces meet in a (vertex, UV) pair."""
    corners = [
        {(int(v), *np.round(uv, 6)) for v, uv in zip(f, t, strict=True)}
        for f, t in zip(faces, uvs, strict=True)
    ]
    label = [-1] * len(faces)
    for start in range(len(faces)):
        queue, number = [start], max(label) + 1
        while queue:
            i = queue.pop()
            if label[i] < 0:
                label[i] = number
                queue += [j for j in range(len(faces)) if label[j] < 0 and corners[i] & corners[j]]
    return [sorted(set(label)).index(value) for value in label]


def same_partition(a: NDArray[np.int32], b: list[int]) -> bool:
    pairs = set(zip(a.tolist(), b, strict=True))
    return len(pairs) == len(set(a.tolist())) == len(set(b))


@pytest.mark.parametrize("seed", range(5))
def test_random_meshes_against_a_flood_fill(seed: int) -> None:
    rng = np.random.default_rng(seed)
    faces = rng.integers(0, 25, (30, 3)).astype(np.int32)
    uvs = rng.integers(0, 2, (30, 3, 2)).astype(np.float32) / 2
    assert same_partition(island_of_face(faces, uvs), flood(faces, uvs))


def test_faces_apart_in_uv_are_charts_apart() -> None:
    made = brute.box((-1, -1, -1), (1, 1, 1))
    assert len(set(island_of_face(made.faces, made.uvs).tolist())) == 12


def test_closed_lathe_cut_along_one_seam_is_one_chart() -> None:
    made = brute.sphere(8, 12)
    assert set(island_of_face(made.faces, made.uvs).tolist()) == {0}


def test_charts_that_only_overlap_in_uv_stay_apart() -> None:
    """Two triangles on the same UVs with no vertex in common: mirrored halves, a common trick."""
    faces = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    uvs = np.tile(np.array([[0, 0], [1, 0], [0, 1]], np.float32), (2, 1, 1))
    assert len(set(island_of_face(faces, uvs).tolist())) == 2
