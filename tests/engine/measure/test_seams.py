"""How visible seams are, on textures whose seams are known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.bake.fill import padded
from engine.bake.texels import SurfaceTexels, nearest_of
from engine.measure.seams import seam_error
from tests.engine import shapes
from tests.engine.shapes import Shape, field

SIZE = 256


def of_place(shape: Shape) -> NDArray[np.float32]:
    """A texture that shows the colour field: no seam."""
    texels = SurfaceTexels.build(shape.surface, SIZE)
    return padded(SIZE, field(3 * texels.point), nearest_of(SIZE, texels.index))


@pytest.mark.parametrize("shape", [shapes.sphere(), shapes.box()], ids=["sphere", "box"])
def test_a_texture_made_of_places_in_space_has_no_visible_seam(shape: Shape) -> None:
    found = seam_error(shape.surface, of_place(shape))
    assert found == pytest.approx(1.0, abs=0.3)


@pytest.mark.parametrize("shape", [shapes.sphere(), shapes.box()], ids=["sphere", "box"])
def test_charts_of_different_colours_show(shape: Shape) -> None:
    texture = of_place(shape)
    cell = SIZE // 3
    for k, shade in enumerate((-0.2, 0.2, 0.0)):
        texture[:, k * cell : (k + 1) * cell] += np.float32(shade)
    found = seam_error(shape.surface, texture)
    assert found is not None
    assert found > 3


def test_one_colour_has_no_visible_seam() -> None:
    shape = shapes.box()
    assert seam_error(shape.surface, np.full((SIZE, SIZE, 3), 0.4, np.float32)) == 1.0


def test_a_mesh_split_at_its_seams_measures_the_same() -> None:
    shape = shapes.sphere()
    texture = of_place(shape)
    loose = np.arange(3 * len(shape.faces), dtype=np.int32).reshape(-1, 3)
    split = shape._replace(vertices=shape.vertices[shape.faces].reshape(-1, 3), faces=loose)
    assert seam_error(split.surface, texture) == pytest.approx(seam_error(shape.surface, texture), rel=1e-6)


def test_no_number_where_there_is_no_seam_or_nothing_to_compare_it_with() -> None:
    grid = trimesh.creation.box().subdivide().subdivide()
    top = np.flatnonzero(grid.face_normals[:, 2] > 0.9)
    one_chart = shapes.six_charts(grid.submesh([top], append=True))
    grey = np.full((64, 64, 3), 0.5, np.float32)
    assert seam_error(one_chart.surface, grey) is None
    apart = shapes.box(1)
    alone = apart._replace(
        uvs=apart.uvs + np.arange(len(apart.faces), dtype=np.float32)[:, None, None] * 1e-4
    )
    assert seam_error(alone.surface, grey) is None
    one_face = apart._replace(faces=apart.faces[:1], uvs=apart.uvs[:1])
    assert seam_error(one_face.surface, grey) is None
