"""What a preview is drawn from: pictures, triangles, UVs and shapes, without Blender."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sync_texture.blender_sync_addon.preview.pieces import picture, pieces, shape
from sync_texture.engine.protocol import Preview, Texture

from engine.pictures import png


@dataclass
class Reading:
    """As much of read.arrays.Reading as is looked at: two triangles of a square, a third one beside it."""

    points: np.ndarray = field(
        default_factory=lambda: np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [2, 0, 1]], np.float32)
    )
    loop_vertices: np.ndarray = field(default_factory=lambda: np.array([0, 1, 2, 3, 1, 4, 2], np.int32))
    corners: np.ndarray = field(default_factory=lambda: np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6]], np.int32))
    loop_uvs: np.ndarray | None = field(
        default_factory=lambda: np.array(
            [[0, 0], [1, 0], [1, 1], [0, 1], [1.1, 0], [1.9, 0], [1.1, 0.9]], np.float32
        )
    )
    slots: np.ndarray = field(default_factory=lambda: np.array([0, 0, 1], np.int32))
    materials: tuple[str, ...] = ("wood", "iron")


def texture(mesh: int | None = 0, part: str | None = None, tile: int | None = None) -> Texture:
    return Texture("x.png", mesh, part, tile)


def test_pictures_come_back_as_the_engine_wrote_them(tmp_path: Path) -> None:
    drawn = np.random.default_rng(0).random((4, 6, 3), np.float32)
    png.write(drawn, tmp_path / "a.png")
    found = picture(tmp_path / "a.png")
    assert found.shape == (4, 6, 4)
    assert found.dtype == np.float32
    # the first row at the bottom
    np.testing.assert_allclose(found[::-1, :, :3], drawn, atol=0.5 / 255 + 1e-6)
    assert (found[..., 3] == 1).all()


def test_what_is_no_such_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    png.write(np.zeros((4, 4, 3), np.float32), path)
    whole = path.read_bytes()
    for data in (b"", b"nonsense", whole[:40], whole[:-20], whole.replace(b"IDAT", b"IDOT")):
        path.write_bytes(data)
        with pytest.raises(ValueError, match="no PNG as written here"):
            picture(path)
    Image.effect_noise((64, 64), 50).convert("RGB").save(path)  # with other row filters
    with pytest.raises(ValueError, match="no PNG as written here"):
        picture(path)
    with pytest.raises(OSError, match="a file"):
        picture(tmp_path / "a file")


def test_a_texture_for_all_is_shown_by_all_meshes() -> None:
    ((first, second),) = pieces([Reading(), Reading()], Preview([texture(mesh=None)], [None, None]))
    assert (first.mesh, second.mesh) == (0, 1)
    assert first.faces.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(first.uvs[:3], [[0, 0], [1, 0], [1, 1]])


def test_each_material_and_each_tile_shows_its_own() -> None:
    found = pieces([Reading()], Preview([texture(part="wood"), texture(part="iron")], [None]))
    assert [[piece.faces.tolist() for piece in one] for one in found] == [[[0, 1]], [[2]]]
    found = pieces([Reading()], Preview([texture(tile=1001), texture(tile=1002)], [None]))
    assert [[piece.faces.tolist() for piece in one] for one in found] == [[[0, 1]], [[2]]]
    np.testing.assert_allclose(found[1][0].uvs, [[0.1, 0], [0.9, 0], [0.1, 0.9]], atol=1e-6)


def test_new_uvs_count_and_have_to_fit(tmp_path: Path) -> None:
    path = tmp_path / "uvs.npy"
    new = np.random.default_rng(0).random((3, 3, 2)).astype(np.float32)
    np.save(path, new)
    ((piece,),) = pieces([Reading()], Preview([texture()], [str(path)]))
    np.testing.assert_array_equal(piece.uvs.reshape(3, 3, 2), new)
    np.save(path, new[:2])
    with pytest.raises(ValueError, match="shape"):
        pieces([Reading()], Preview([texture()], [str(path)]))
    assert pieces([Reading(loop_uvs=None)], Preview([texture()], [None])) == [[]]


def test_flat_corners_look_round_and_sharp_ones_flat() -> None:
    reading = Reading()
    found = shape(reading, reading.points)
    assert found.corners.shape == found.normals.shape == (9, 3)
    np.testing.assert_array_equal(found.corners[:3], reading.points[:3])
    np.testing.assert_allclose(np.linalg.norm(found.normals, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(found.normals[0], [0, 0, 1], atol=1e-6)  # a corner of the square alone
    steep = reading.points.copy()
    steep[4] = [1, 0, 5]
    square = shape(reading, steep).normals[:6]
    np.testing.assert_allclose(square, np.broadcast_to([0, 0, 1], (6, 3)), atol=1e-6)


def test_faces_without_area_do_no_harm() -> None:
    reading = Reading()
    assert np.isfinite(shape(reading, np.zeros_like(reading.points)).normals).all()
