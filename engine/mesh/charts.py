"""New UVs for a whole mesh: xatlas, or planar charts where that is too slow; polygons stay whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import atlas, flatten, frame, overlap, shelves
from .mesh import Mesh
from .segment import planar_charts

PLAIN = (
    10_000  # faces up to which xatlas makes the charts; beyond, planar ones have no more seams and are quick
)
PLAIN_SECONDS = 20.0  # it gets that long
NO_AREA = 1e-10  # in the unit sphere; the smallest texel covers a hundred times as much
MANY = 20_000  # charts from which rows of boxes are packed instead of shapes

Check = Callable[[], None]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class _Surface:
    """What is unwrapped. points (P, 3), one per position, in the unit sphere; faces (F, 3) into them;
    vertices (V, 3) and corners (F, 3): the same before welding; polygons (F,) from 0; solid (F,): the face
    has area."""

    points: Floats
    faces: Ints
    vertices: Floats
    corners: Ints
    polygons: Indices
    solid: NDArray[np.bool_]


def fresh_uvs(mesh: Mesh, texture_size: int, check: Check) -> Floats:
    """(F, 3, 2) float32 in [0, 1]: UVs for ``mesh`` in which no faces overlap and each (polygon, vertex) has
    one UV. Faces without area get UVs without area. Raises what ``check`` raises."""
    surface = _surface(mesh)
    found = _charted(surface, texture_size, check)
    return _one_uv_per_loop(surface, found.uvs, surface.solid & (found.charts >= 0))


def _surface(mesh: Mesh) -> _Surface:
    """``mesh`` welded, so that UV splits and soups don't cut charts; stray faces have no area."""
    vertices, own, _, _ = frame.framed(mesh.vertices, mesh.faces)
    points, index = np.unique(vertices + np.float32(0), axis=0, return_inverse=True)  # + 0: -0 becomes 0
    faces = index.reshape(-1)[own].astype(np.int32)
    ids = np.arange(len(faces)) if mesh.polygons is None else mesh.polygons
    polygons = np.unique(ids, return_inverse=True)[1].astype(np.int64)
    return _Surface(points, faces, vertices, mesh.faces, polygons, flatten.areas(points, faces) > NO_AREA)


def _charted(surface: _Surface, texture_size: int, check: Check) -> atlas.Atlas:
    """UVs from xatlas where it is good and works, else from planar charts."""
    if len(surface.faces) <= PLAIN:
        try:
            return _xatlas(surface, texture_size, check)
        except atlas.Failed:
            pass
    return _planar(surface, texture_size, check)


def _xatlas(surface: _Surface, texture_size: int, check: Check) -> atlas.Atlas:
    """UVs from xatlas. Where its charts divide polygons, it gets a second go with charts along polygons;
    polygons that it still divides, leaves out or lays on one another get planar charts. Raises
    atlas.Failed."""
    points, faces = surface.points, surface.faces
    whole = np.zeros(len(faces), np.int32)
    found = atlas.unwrap(points, faces, whole, texture_size, check, seconds=PLAIN_SECONDS)
    if _divided(surface, found).any():
        parts = _whole_polygons(surface, found.charts)
        found = atlas.unwrap(points, faces, parts, texture_size, check, max_cost=16.0, seconds=PLAIN_SECONDS)
    bad = _divided(surface, found)
    crowded = overlap.overlapping_charts(found.uvs, found.charts.astype(np.int64))
    bad[surface.polygons[np.isin(found.charts, crowded)]] = True  # around faces that are there twice
    return _mended(surface, found, bad, texture_size, check) if bad.any() else found


def _divided(surface: _Surface, found: atlas.Atlas) -> NDArray[np.bool_]:
    """(n,) polygons whose solid triangles aren't all in one chart, or have a vertex with two UVs."""
    rows = np.flatnonzero(surface.solid)
    polygons, charts = surface.polygons[rows], found.charts[rows]
    divided = np.zeros(int(surface.polygons.max()) + 1, bool)
    divided[polygons[charts < 0]] = True
    first = np.zeros(len(divided), np.int64)
    first[polygons] = charts
    divided[polygons[first[polygons] != charts]] = True
    loops, index = _loops(surface)
    uvs = found.uvs.reshape(-1, 2)
    corner = np.zeros(len(loops), np.int64)
    solid = np.repeat(surface.solid, 3)
    corner[index[solid]] = np.flatnonzero(solid)
    differ = (np.abs(uvs - uvs[corner[index]]).max(axis=1) > 1e-6) & solid
    divided[np.repeat(surface.polygons, 3)[differ]] = True
    return divided


def _loops(surface: _Surface) -> tuple[Indices, Indices]:
    """One number for each (polygon, vertex) that occurs, and its index for each of the 3 F corners."""
    key = np.repeat(surface.polygons, 3) * (int(surface.corners.max()) + 1) + surface.corners.reshape(-1)
    loops, index = np.unique(key, return_inverse=True)
    return loops, index


def _whole_polygons(surface: _Surface, charts: Ints) -> Ints:
    """(F,) parts from 0 along polygons: each polygon goes to the chart that has most of its triangles."""
    polygons, count = surface.polygons, int(charts.max()) + 2
    pairs, votes = np.unique(polygons * count + charts + 1, return_counts=True)
    order = np.lexsort((votes, pairs // count))
    winner = np.zeros(int(polygons.max()) + 1, np.int64)
    winner[pairs[order] // count] = pairs[order] % count  # the last of each polygon has most votes
    return np.asarray(winner[polygons], np.int32)


def _mended(
    surface: _Surface, found: atlas.Atlas, bad: NDArray[np.bool_], texture_size: int, check: Check
) -> atlas.Atlas:
    """``found`` packed anew with planar charts for the ``bad`` (n,) polygons."""
    rows = bad[surface.polygons]
    uvs, charts = found.uvs.copy(), found.charts.astype(np.int64)
    kept = ~rows & (charts >= 0)
    area = flatten.areas(surface.points, surface.faces).sum(where=kept)
    scale = np.sqrt(np.abs(overlap.areas(uvs)).sum(where=kept) / area) if area > 0 else 1.0
    own = np.unique(surface.polygons[rows], return_inverse=True)[1]
    flat, own_charts = planar_charts(surface.points, surface.faces[rows], own, check)
    uvs[rows] = flat * np.float32(scale)
    charts[rows] = charts.max() + 1 + own_charts
    return _packed(uvs, charts, texture_size, check)


def _planar(surface: _Surface, texture_size: int, check: Check) -> atlas.Atlas:
    """UVs from planar charts."""
    uvs, charts = planar_charts(surface.points, surface.faces, surface.polygons, check)
    return _packed(uvs, charts, texture_size, check)


def _packed(uvs: Floats, charts: Indices, texture_size: int, check: Check) -> atlas.Atlas:
    """The charts side by side in [0, 1]; by xatlas, unless there are very many or it fails."""
    charts = np.unique(charts, return_inverse=True)[1].astype(np.int64)
    if charts.max() < MANY:
        try:
            return atlas.pack(uvs, charts, texture_size, check)
        except atlas.Failed:
            pass
    return atlas.Atlas(shelves.pack(uvs, charts, gap=4 / 1024), charts.astype(np.int32))


def _one_uv_per_loop(surface: _Surface, uvs: Floats, placed: NDArray[np.bool_]) -> Floats:
    """``uvs`` (F, 3, 2) with exactly one UV for each (polygon, vertex), those of ``placed`` (F,) faces kept.
    Vertices that no placed face of their polygon has continue its largest; polygons without a placed face
    collapse onto a neighbour's corner."""
    kept = np.repeat(placed, 3)
    loops, index = _loops(surface)
    source = np.full(len(loops), -1)
    source[index[kept]] = np.flatnonzero(kept)
    flat = uvs.reshape(-1, 2)
    result = flat[source[index]]
    missing = np.flatnonzero(source[index] < 0)
    if len(missing):
        polygons = surface.polygons[missing // 3]
        largest = _largest_triangle(surface, placed)[polygons]
        result[missing[largest < 0]] = _neighbours_uv(surface, flat, kept)[polygons[largest < 0]]
        beside, largest = missing[largest >= 0], largest[largest >= 0]
        result[beside] = _continued(
            surface, uvs, largest, surface.vertices[surface.corners.reshape(-1)[beside]]
        )
    return np.asarray(np.clip(result, 0.0, 1.0).reshape(uvs.shape))


def _largest_triangle(surface: _Surface, placed: NDArray[np.bool_]) -> Indices:
    """(n,) the largest ``placed`` face of each polygon, -1 where there is none."""
    area = flatten.areas(surface.points, surface.faces)
    rows = np.flatnonzero(placed)
    rows = rows[np.argsort(area[rows], kind="stable")]
    largest = np.full(int(surface.polygons.max()) + 1, -1)
    largest[surface.polygons[rows]] = rows  # the last one stays
    return largest


def _neighbours_uv(surface: _Surface, flat: Floats, kept: NDArray[np.bool_]) -> Floats:
    """(n, 2) for each polygon the UV of some ``kept`` corner (3 F,) at one of its vertices; 0 where there is
    none."""
    at_point = np.zeros((len(surface.points), 2), np.float32)
    at_point[surface.faces.reshape(-1)[kept]] = flat[kept]
    place = np.zeros(int(surface.polygons.max()) + 1, np.int64)
    place[surface.polygons] = surface.faces[:, 0]
    return np.asarray(at_point[place])


def _continued(surface: _Surface, uvs: Floats, triangles: Indices, places: Floats) -> Floats:
    """(n, 2) the UVs that ``triangles`` (n,), continued in their planes, have at ``places`` (n, 3)."""
    a, b, c = (surface.points[surface.faces[triangles, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    square = (normal**2).sum(axis=1)
    v = (np.cross(places - a, c - a) * normal).sum(axis=1) / square
    w = (np.cross(b - a, places - a) * normal).sum(axis=1) / square
    weights = np.stack([1 - v - w, v, w], axis=1)
    return np.asarray(np.einsum("nk,nkd->nd", weights, uvs[triangles]), np.float32)
