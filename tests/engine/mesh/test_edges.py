"""Shared edges against a dictionary of rounded ends."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import trimesh

from engine.mesh.edges import places, shared_edges
from engine.mesh.islands import island_of_face
from tests.engine import brute, shapes
from tests.engine.brute import Made


def corners_of(made: Made | shapes.Shape) -> np.ndarray:
    return made.vertices[made.faces]


@pytest.mark.parametrize(
    "made", [brute.torus(), shapes.sphere(1), shapes.box(0)], ids=["torus", "ball", "box"]
)
def test_every_edge_of_two_faces_is_found_once_whatever_the_numbering(made: Made) -> None:
    corners = corners_of(made)
    found = shared_edges(corners)
    ends = defaultdict(list)
    for face, corner in enumerate(np.round(corners.astype(float) * 1e5).astype(int)):
        for k in range(3):
            ends[frozenset(map(tuple, corner[[k, (k + 1) % 3]]))].append(face)
    expected = sorted(tuple(sorted(faces)) for faces in ends.values() if len(faces) == 2)
    assert sorted(tuple(sorted(pair)) for pair in found.face.tolist()) == expected


def test_both_sides_start_at_one_place() -> None:
    corners = corners_of(brute.torus())
    edges = shared_edges(corners)
    for corner in (edges.start, edges.end):
        a, b = (corners[edges.face[:, k], corner[:, k]] for k in (0, 1))
        np.testing.assert_allclose(a, b, atol=2e-5)


def test_seams_are_where_the_uvs_part() -> None:
    made = brute.torus(rings=8, around=6)
    edges = shared_edges(corners_of(made))
    cut = edges.seams(made.uvs)
    # A torus as one sheet is open along one ring and one meridian: 6 and 7 edges.
    assert cut.sum() == 6 + 7
    shifted = made.uvs + np.arange(len(made.faces))[:, None, None].astype(np.float32)
    assert edges.seams(shifted).all()


def test_three_faces_on_one_edge_make_two_pairs_and_points_none() -> None:
    fan = np.array([[[0, 0, 0], [1, 0, 0], [0.5, y, z]] for y, z in ((1, 0), (0, 1), (-1, 0))], np.float32)
    assert sorted(map(sorted, shared_edges(fan).face.tolist())) == [[0, 1], [1, 2]]
    point = np.zeros((2, 3, 3), np.float32)
    assert len(shared_edges(point).face) == 0
    assert len(shared_edges(np.zeros((0, 3, 3), np.float32)).face) == 0


def test_places_are_numbered_alike_in_a_soup_and_welded() -> None:
    mesh = trimesh.creation.icosphere(2)
    corners = np.asarray(mesh.vertices, np.float32)[mesh.faces]
    found = places(corners)
    assert found.max() + 1 == len(mesh.vertices)
    _, first = np.unique(mesh.faces.reshape(-1), return_index=True)
    np.testing.assert_array_equal(found, found.reshape(-1)[first][mesh.faces])


def test_a_soup_has_the_charts_of_the_mesh_that_it_is_made_of() -> None:
    shape = shapes.sphere(2)
    charts = island_of_face(places(corners_of(shape)).astype(np.int32), shape.uvs)
    np.testing.assert_array_equal(charts, island_of_face(shape.faces, shape.uvs))
    assert len(np.unique(charts)) == 6
