"""The pairs of shape and prompt that models are judged on, and pictures of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from engine.errors import UserError
from engine.views.cameras import DISTANCE, Camera
from tests.training.volumes import few_voxels
from training import evaluate
from training.catalogue import MATERIALS
from training.fields import Fields
from training.judge import examples, pairs, textures
from training.pool import cast


def test_the_committed_pairs_are_what_the_generator_draws() -> None:
    found = pairs.load()
    assert len(found) == pairs.COUNT >= 120
    assert {pair.material for pair in found} == set(MATERIALS)
    assert {pair.shape for pair in found} >= set(pairs.PRIMITIVES)
    assert len({pair.seed for pair in found}) == len(found)
    assert sum(pair.colour is not None for pair in found) >= 20
    assert {name for pair in found for name in pair.extras} == {
        name for material in MATERIALS.values() for name in material.extras
    }
    for pair in found:
        assert (pair.look.material, pair.look.colour) == (pair.material, pair.colour)


def test_fixed_shares_of_the_views_are_close_ups_and_lie_above_or_below() -> None:
    found = pairs.load()
    close = [pair for pair in found if pair.distance < DISTANCE]
    assert len(close) == pairs.CLOSE
    assert all(2 <= DISTANCE / pair.distance <= 4.01 for pair in close)
    assert [pair for pair in found if pair.is_close_up] == close
    steep = [pair for pair in found if pair not in close and abs(pair.elevation) > 60]
    assert len(steep) == pairs.STEEP
    assert [pair for pair in found if pair.is_steep] == steep
    assert {pair.elevation > 0 for pair in steep} == {True, False}
    for pair in close[:3]:  # what it is aimed at lies on the surface, nearer than anything of the whole view
        depth = cast(pair.mesh, pair.camera, 65)[0].reshape(65, 65)
        assert depth[32, 32] == pytest.approx(pair.distance, abs=0.02)


@pytest.mark.parametrize("index", range(3, 120, 17))
def test_pairs_show_enough_of_their_shapes(index: int) -> None:
    pair = pairs.load()[index]
    assert np.isfinite(cast(pair.mesh, pair.camera, 64)[0]).mean() >= pairs.LEAST_SHARE


def test_a_pair_that_the_generator_does_not_know_is_named(tmp_path: Path) -> None:
    entries = json.loads(pairs.LIST.read_text())
    entries[3]["prompt"] = "something else"
    (tmp_path / "pairs.json").write_text(json.dumps(entries))
    with pytest.raises(UserError, match="something else"):
        pairs.load(tmp_path / "pairs.json")


@pytest.fixture(scope="module")
def noise() -> Fields:
    return few_voxels()


def test_real_pictures_of_a_pair_lie_on_grey(noise: Fields) -> None:
    pair = pairs.load()[0]
    for picture, mask in examples.turned(pair, evaluate.TURNS[:2], noise):
        assert (picture[:, mask[0] == 0] - 0.5).abs().max() < 1e-6


def test_a_textured_mesh_shows_its_texture(tmp_path: Path) -> None:
    """A red and blue texture on a sheet that faces the camera, as the engine's files hold it."""
    sheet_mesh = trimesh.Trimesh(
        [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]], [[0, 1, 2], [0, 2, 3]], process=False
    )
    halves = np.zeros((64, 64, 3), np.uint8)
    halves[:32, :, 0], halves[32:, :, 2] = 255, 255  # red above blue
    Image.fromarray(halves).save(tmp_path / "texture.png")
    sheet_mesh.visual = trimesh.visual.TextureVisuals(
        np.array([[0, 0], [1, 0], [1, 1], [0, 1]]), image=Image.fromarray(halves)
    )
    (tmp_path / "mesh.glb").write_bytes(sheet_mesh.export(file_type="glb"))
    textured = textures.read(tmp_path / "mesh.glb", tmp_path / "texture.png")
    picture = textured.picture(Camera(0.0, 0.0), 64)
    np.testing.assert_allclose(picture[24, 32], [1, 0, 0], atol=0.02)
    np.testing.assert_allclose(picture[40, 32], [0, 0, 1], atol=0.02)
    np.testing.assert_allclose(picture[1, 1], [0.5, 0.5, 0.5], atol=0.02)
    np.testing.assert_allclose(textured.picture(Camera(60.0, 0.0), 64, lit=True)[24, 32, 0], 0.8, atol=0.03)
