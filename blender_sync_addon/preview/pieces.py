"""What is drawn: the triangles of each texture with their UVs, and the shape that they have at the moment.

No bpy: this takes a while for dense meshes, and is done in a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...engine.mesh.frame import udim_tile
from ...engine.pictures import png
from ...engine.protocol import Preview, Texture

if TYPE_CHECKING:
    from ..read.arrays import MeshReading

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
SMOOTH = 0.77  # cosine between a triangle and its corner's mean normal, 40 degrees: flatter ones look round


@dataclass(frozen=True)
class Piece:
    """The triangles ``faces`` (n,) of the mesh number ``mesh`` that show one texture, at ``uvs`` (3 n, 2)."""

    mesh: int
    faces: Ints
    uvs: Floats


@dataclass(frozen=True)
class Shape:
    """Of a mesh, (3 F, 3) float32 each in the object's own space: corners and their normals."""

    corners: Floats
    normals: Floats


def picture(path: Path) -> Floats:
    """The preview ``path`` as (H, W, 4) float32 in [0, 1], sRGB, the first row at the bottom. Not through
    bpy: an image datablock would be in the file, and in its undo steps. Raises OSError and ValueError."""
    rows = png.read(path)[::-1]
    found = np.ones((*rows.shape[:2], 4), np.float32)
    found[..., :3] = rows
    found[..., :3] /= 255
    return found


def pieces(readings: Sequence[MeshReading], preview: Preview) -> list[list[Piece]]:
    """For each of the ``preview``'s textures what shows it, of all meshes. Raises OSError, ValueError and
    EOFError."""
    uvs = [_uvs(reading, path) for reading, path in zip(readings, preview.uvs, strict=True)]
    return [
        [
            _piece(i, readings[i], uvs[i], texture)
            for i in range(len(readings))
            if texture.mesh in (i, None) and uvs[i] is not None
        ]
        for texture in preview.textures
    ]


def _uvs(reading: MeshReading, path: str | None) -> Floats | None:
    """(F, 3, 2): the engine's new ones in ``path``, else those that the mesh has."""
    if path is None:
        return None if reading.loop_uvs is None else reading.loop_uvs[reading.corners]
    found: Floats = np.load(path, allow_pickle=False)
    if found.shape != (*reading.corners.shape, 2):
        raise ValueError(f"the engine's UVs have the shape {found.shape}")
    return found


def _piece(mesh: int, reading: MeshReading, uvs: Floats | None, texture: Texture) -> Piece:
    assert uvs is not None, "looked at before"
    shown = np.ones(len(uvs), bool)
    if texture.part is not None:
        slots = [i for i, name in enumerate(reading.materials) if name == texture.part]
        shown &= np.isin(np.minimum(reading.slots, max(len(reading.materials) - 1, 0)), slots)
    corner = np.zeros((len(uvs), 2), np.float32)
    if texture.tile is not None:
        corner = np.floor(uvs.mean(axis=1))
        shown &= udim_tile(corner) == texture.tile
    faces = np.flatnonzero(shown).astype(np.int32)
    own = uvs[faces] - corner[faces, None]
    return Piece(mesh, faces, np.ascontiguousarray(own.reshape(-1, 2), np.float32))


def shape(reading: MeshReading, points: Floats) -> Shape:
    """The triangles of ``reading`` with its vertices at ``points`` (V, 3)."""
    vertices = reading.loop_vertices[reading.corners]
    corners = points[vertices]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    sums = [np.bincount(vertices.ravel(), np.repeat(flat[:, k], 3), len(points)) for k in range(3)]
    mean = _unit(np.stack(sums, axis=1))[vertices]
    flat = _unit(flat)[:, None]
    round_ = (mean * flat).sum(axis=2, keepdims=True) > SMOOTH
    normals = np.where(round_, mean, flat)
    return Shape(
        np.ascontiguousarray(corners.reshape(-1, 3), np.float32),
        np.ascontiguousarray(normals.reshape(-1, 3), np.float32),
    )


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: NDArray[np.floating] = vectors / np.maximum(length, np.finfo(np.float32).tiny)
    return unit
