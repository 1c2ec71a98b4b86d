"""New UVs for a whole mesh: xatlas, or planar charts where that is too slow; polygons stay whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import atlas, flatten, frame, overlap, shelves
from .mesh import Mesh
from .segment import planar_charts

PLAIN = 50_000  # faces up to which xatlas makes the charts; about 10 s there, and it grows faster than linear
PLAIN_SECONDS = 60.0  # it gets that long
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
    try:
        uvs = _xatlas(surface, texture_size, check)
    except atlas.Failed:
        uvs = _planar(surface, texture_size, check)
    return _one_uv_per_loop(surface, uvs)


def _surface(mesh: Mesh) -> _Surface:
    """``mesh`` welded, so that UV splits and soups don't cut charts."""
    vertices = frame.to_unit_sphere(mesh.vertices)[0]
    points, index = np.unique(vertices + np.float32(0), axis=0, return_inverse=True)  # + 0: -0 becomes 0
    faces = index.reshape(-1)[mesh.faces].astype(np.int32)
    ids = np.arange(len(faces)) if mesh.polygons is None else mesh.polygons
    polygons = np.unique(ids, return_inverse=True)[1].astype(np.int64)
    area = np.linalg.norm(flatten.normals(points, faces, np.arange(len(faces))), axis=1)
    return _Surface(points, faces, vertices, mesh.faces, polygons, area > 2 * NO_AREA)


def _xatlas(surface: _Surface, texture_size: int, check: Check) -> Floats:
    """UVs from xatlas. Where its charts divide polygons, it gets a second go with charts along polygons;
    polygons that it still divides, or leaves out, become charts of their own. Raises atlas.Failed."""
    if len(surface.faces) > PLAIN:
        raise atlas.Failed("too many faces")
    points, faces = surface.points, surface.faces
    whole = np.zeros(len(faces), np.int32)
    found = atlas.unwrap(points, faces, whole, texture_size, check, seconds=PLAIN_SECONDS)
    if _divided(surface, found).any():
        parts = _whole_polygons(surface, found.charts)
        found = atlas.unwrap(points, faces, parts, texture_size, check, max_cost=16.0, seconds=PLAIN_SECONDS)
    lonely = _divided(surface, found)
    if not lonely.any():
        return found.uvs
    return _with_lonely(surface, found, lonely, texture_size, check)


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


def _with_lonely(
    surface: _Surface, found: atlas.Atlas, lonely: NDArray[np.bool_], texture_size: int, check: Check
) -> Floats:
    """``found`` packed anew with the ``lonely`` polygons as charts of their own."""
    rows = lonely[surface.polygons]
    uvs, charts = found.uvs.copy(), found.charts.astype(np.int64)
    placed = ~rows & (charts >= 0)
    area = np.linalg.norm(flatten.normals(surface.points, surface.faces, np.arange(len(rows))), axis=1).sum(
        where=placed
    )
    scale = np.sqrt(2 * np.abs(overlap.areas(uvs)).sum(where=placed) / area) if area > 0 else 1.0
    own = np.unique(surface.polygons[rows], return_inverse=True)[1]
    uvs[rows] = flatten.flatten(surface.vertices, surface.corners[rows], own) * np.float32(scale)
    charts[rows] = charts.max() + 1 + own
    return _packed(uvs, charts, texture_size, check)


def _planar(surface: _Surface, texture_size: int, check: Check) -> Floats:
    """UVs from planar charts."""
    uvs, charts = planar_charts(surface.points, surface.faces, surface.polygons, check)
    return _packed(uvs, charts, texture_size, check)


def _packed(uvs: Floats, charts: Indices, texture_size: int, check: Check) -> Floats:
    """The charts side by side in [0, 1]; by xatlas, unless there are very many or it fails."""
    charts = np.unique(charts, return_inverse=True)[1].astype(np.int64)
    if charts.max() < MANY:
        try:
            return atlas.pack(uvs, charts, texture_size, check)
        except atlas.Failed:
            pass
    return shelves.pack(uvs, charts, gap=4 / 1024)


def _one_uv_per_loop(surface: _Surface, uvs: Floats) -> Floats:
    """``uvs`` (F, 3, 2) with exactly one UV for each (polygon, vertex). Those that only faces without area
    have continue the polygon's largest triangle; polygons without area collapse onto a neighbour's corner."""
    solid = np.repeat(surface.solid, 3)
    loops, index = _loops(surface)
    source = np.full(len(loops), -1)
    source[index[solid]] = np.flatnonzero(solid)
    flat = uvs.reshape(-1, 2)
    result = flat[source[index]]
    missing = np.flatnonzero(source[index] < 0)
    if len(missing):
        largest = _largest_triangle(surface)[surface.polygons[missing // 3]]
        alone = missing[largest < 0]
        result[alone] = _neighbours_uv(surface, flat)[alone // 3]
        beside, largest = missing[largest >= 0], largest[largest >= 0]
        result[beside] = _continued(
            surface, uvs, largest, surface.vertices[surface.corners.reshape(-1)[beside]]
        )
    return np.asarray(np.clip(result, 0.0, 1.0).reshape(uvs.shape))


def _largest_triangle(surface: _Surface) -> Indices:
    """(n,) the largest solid face of each polygon, -1 where there is none."""
    area = np.linalg.norm(
        flatten.normals(surface.points, surface.faces, np.arange(len(surface.faces))), axis=1
    )
    rows = np.flatnonzero(surface.solid)
    rows = rows[np.argsort(area[rows], kind="stable")]
    largest = np.full(int(surface.polygons.max()) + 1, -1)
    largest[surface.polygons[rows]] = rows  # the last one stays
    return largest


def _neighbours_uv(surface: _Surface, flat: Floats) -> Floats:
    """(F, 2) for each face the UV of some solid face at its first corner; 0 where there is none."""
    solid = np.repeat(surface.solid, 3)
    at_point = np.zeros((len(surface.points), 2), np.float32)
    at_point[surface.faces.reshape(-1)[solid]] = flat[solid]
    return np.asarray(at_point[surface.faces[:, 0]])


def _continued(surface: _Surface, uvs: Floats, triangles: Indices, places: Floats) -> Floats:
    """(n, 2) the UVs that ``triangles`` (n,), continued in their planes, have at ``places`` (n, 3)."""
    a, b, c = (surface.points[surface.faces[triangles, i]].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    square = (normal**2).sum(axis=1)
    v = (np.cross(places - a, c - a) * normal).sum(axis=1) / square
    w = (np.cross(b - a, places - a) * normal).sum(axis=1) / square
    weights = np.stack([1 - v - w, v, w], axis=1)
    return np.asarray(np.einsum("nk,nkd->nd", weights, uvs[triangles]), np.float32)
