"""Meshes with a UV atlas, made from primitives, for tests: (vertices, faces, uvs) in normalised space."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import trimesh
from numpy.typing import NDArray

from engine.mesh.frame import to_unit_sphere
from engine.views.raster import EmbreeRaster
from engine.views.surface import Surface

MARGIN = 0.06  # of a chart's cell


class Shape(NamedTuple):
    """vertices (V, 3) float32 in the unit sphere; faces (F, 3) int32; uvs (F, 3, 2) float32 per corner; chart
    (F,) number of each face's chart."""

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uvs: NDArray[np.float32]
    chart: NDArray[np.int64]

    @property
    def raster(self) -> EmbreeRaster:
        return EmbreeRaster(self.vertices, self.faces)

    @property
    def surface(self) -> Surface:
        return surface_of(self)


class WithUvs(Protocol):
    """A Shape, or brute.Made."""

    @property
    def vertices(self) -> NDArray[np.float32]: ...
    @property
    def faces(self) -> NDArray[np.int32]: ...
    @property
    def uvs(self) -> NDArray[np.float32]: ...


def surface_of(made: WithUvs) -> Surface:
    """Its surface, where it lies."""
    return Surface(EmbreeRaster(made.vertices, made.faces), made.uvs)


def six_charts(mesh: trimesh.Trimesh) -> Shape:
    """A star-shaped ``mesh`` cut like a cube: a chart for each side, side by side in a 3 x 2 grid."""
    vertices, _, _ = to_unit_sphere(np.asarray(mesh.vertices, np.float32))
    faces = np.asarray(mesh.faces, np.int32)
    normals = np.asarray(mesh.face_normals)
    axis = np.abs(normals).argmax(axis=1)
    chart = 2 * axis + (np.take_along_axis(normals, axis[:, None], 1)[:, 0] > 0)
    corners = vertices[faces]
    rows = np.arange(len(faces))[:, None]
    flat = np.stack([corners[rows, np.arange(3), ((axis + k) % 3)[:, None]] for k in (1, 2)], axis=-1)
    place = MARGIN + (1 - 2 * MARGIN) * (flat + 1) / 2
    cell = np.stack([chart % 3, chart // 3], axis=-1)[:, None]
    return Shape(vertices, faces, ((cell + place) / (3, 2)).astype(np.float32), chart)


def sphere(subdivisions: int = 3) -> Shape:
    return six_charts(trimesh.creation.icosphere(subdivisions=subdivisions))


def box(subdivisions: int = 3) -> Shape:
    mesh = trimesh.creation.box()
    for _ in range(subdivisions):
        mesh = mesh.subdivide()
    return six_charts(mesh)


def plate(z: float, half: float, cell: tuple[float, float]) -> Shape:
    """A square facing the front at depth ``z``; its chart spans ``cell`` in u, all of v."""
    vertices = np.array([[-half, -half, z], [half, -half, z], [half, half, z], [-half, half, z]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    left, right = cell
    flat = np.array([[left, 0], [right, 0], [right, 1], [left, 1]], np.float32)
    return Shape(vertices, faces, flat[faces], np.zeros(2, np.int64))


def joined(a: Shape, b: Shape) -> Shape:
    return Shape(
        np.concatenate([a.vertices, b.vertices]),
        np.concatenate([a.faces, b.faces + len(a.vertices)]).astype(np.int32),
        np.concatenate([a.uvs, b.uvs]),
        np.concatenate([a.chart, b.chart + a.chart.max() + 1]),
    )


def write(path: Path, shape: Shape, **more: Any) -> Path:
    """The ``shape`` as a mesh file of the engine's own format, .npz, with ``more`` of its arrays."""
    np.savez(path, vertices=shape.vertices, faces=shape.faces, uvs=shape.uvs, **more)
    return path


def write_halves(path: Path) -> Path:
    """Such a file of a sphere of two materials, "left" and "right", each half its own."""
    made = sphere()
    right = (made.vertices[made.faces].mean(axis=1)[:, 0] > 0).astype(np.int32)
    return write(path, made, materials=right, material_names=np.array(["left", "right"]))


def surface_points(shape: Shape, count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(face (n,), barycentric (n, 3)) of ``count`` points uniform by area."""
    rng = np.random.default_rng(seed)
    corners = shape.vertices[shape.faces].astype(np.float64)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    root, b = np.sqrt(rng.random(count)), rng.random(count)
    face = rng.choice(len(area), size=count, p=area / area.sum())
    return face, np.stack([1 - root, root * (1 - b), root * b], axis=1)


def field(points: NDArray[np.floating]) -> NDArray[np.float32]:
    """A smooth colour (n, 3) in [0.2, 0.8] for every place (n, 3)."""
    turn = np.array([[2.0, 1.0, -0.5], [-1.0, 2.0, 1.5], [0.5, -1.0, 2.0]])
    return (0.5 + 0.3 * np.sin(points @ turn + (0.0, 1.0, 2.0))).astype(np.float32)
