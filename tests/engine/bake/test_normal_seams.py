"""A normal map in the tangents that Blender and glTF read it in: charts that lie any way say the same where
they meet."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from engine.mesh.mesh import Mesh
from engine.mesh.unwrap import ensure_uvs
from engine.views.surface import Surface
from tests.engine.normal_seams import borders


@pytest.fixture(scope="module")
def ball() -> Surface:
    """A sphere of 1,280 triangles on the charts that the engine makes, some of which are mirrored."""
    made = trimesh.creation.icosphere(subdivisions=3)
    mesh = Mesh(made.vertices.astype(np.float32), made.faces.astype(np.int32))
    mesh, _, _ = ensure_uvs(mesh, "auto", 512, lambda: None)
    assert mesh.uvs is not None
    uvs = mesh.uvs.copy()
    island = Surface.build(mesh.vertices, mesh.faces, uvs).charts
    odd = np.isin(island, np.unique(island)[::2])
    for chart in np.unique(island[odd]):  # in its own place
        own = uvs[island == chart]
        uvs[island == chart, :, 0] = own[..., 0].min() + own[..., 0].max() - own[..., 0]
    return Surface.build(mesh.vertices, mesh.faces, uvs)


def test_where_charts_meet_normals_part_no_more_than_a_texel_on(ball: Surface) -> None:
    found = borders(ball, 512, smooth=True)
    assert len(found.seams) > 1000
    assert np.median(found.seams) < 1.2 * np.median(found.beside)
    assert np.percentile(found.seams, 95) < 1.3 * np.percentile(found.beside, 95)
    assert np.percentile(found.wrong_at_borders, 95) < 1
    assert np.percentile(found.wrong_inside, 95) < 0.5
    assert np.percentile(found.tilts, 95) > 5  # there is a relief that could go wrong
