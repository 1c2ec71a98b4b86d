"""PLY: polygons and triangle strips, with UVs at vertices or at the corners of faces."""

from __future__ import annotations

import numpy as np

from .. import corners, polygons
from ..raw import Check, Damaged, Doubles, Indices, Raw, empty
from . import ply_file
from .ply_rows import Columns, List, Values
from .strips import strips_triangles

COPIES = 10.0  # of a file's bytes are in memory at most while it is read
_INDICES = ("vertex_indices", "vertex_index")
_UVS = (("texture_u", "texture_v"), ("u", "v"), ("s", "t"))


def read(data: bytes, check: Check) -> Raw:
    """The PLY file ``data``. Raises Damaged."""
    found = ply_file.read(data, check)
    vertex, face, strips = (found.get(name, {}) for name in ("vertex", "face", "tristrips"))
    if not vertex:
        return empty(points=False)
    places = _places(vertex)
    names, sizes = _polygons(face)
    corner_uvs = _corner_uvs(face, vertex, names)
    raw = _faces(places, names, sizes, corner_uvs, check)
    if strips:
        _add_strips(raw, places, vertex, _list(strips, "tristrips"))
    return raw


def _places(vertex: Columns) -> Doubles:
    columns = [vertex.get(axis) for axis in "xyz"]
    if not all(isinstance(column, np.ndarray) for column in columns):
        raise Damaged("its vertices have no x, y and z")
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def _list(columns: Columns, name: str) -> List:
    """The list of vertices of each face or strip."""
    lists = {key: column for key, column in columns.items() if isinstance(column, List)}
    for key in _INDICES:
        if key in lists:
            return lists[key]
    if len(lists) == 1:
        return next(iter(lists.values()))
    raise Damaged(f"'{name}' has no list of vertices")


def _polygons(face: Columns) -> tuple[Indices, Indices]:
    """(C,) the vertex of each corner, and (P,) the corners of each polygon."""
    if not face:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    found = _list(face, "face")
    return found.values.astype(np.int64), found.counts


def _corner_uvs(face: Columns, vertex: Columns, names: Indices) -> Values | None:
    """(C, 2) of the corners, as floats of the file's precision; None where the file has none."""
    listed = face.get("texcoord")
    if isinstance(listed, List) and len(names):
        if np.array_equal(listed.counts, 2 * _list(face, "face").counts):
            return listed.values.reshape(-1, 2)
        raise Damaged("its faces have more or fewer UVs than corners")
    at_vertices = _vertex_uvs(vertex)
    if at_vertices is None:
        return None
    _require_inside(names, len(at_vertices))
    return np.asarray(at_vertices[names])


def _vertex_uvs(vertex: Columns) -> Values | None:
    """(V, 2)"""
    for pair in _UVS:
        columns = [vertex.get(name) for name in pair]
        if all(isinstance(column, np.ndarray) for column in columns):
            return np.stack([np.asarray(column) for column in columns], axis=1)
    return None


def _require_inside(names: Indices, count: int) -> None:
    if len(names) and (names.min() < 0 or names.max() >= count):
        bad = int(names[(names < 0) | (names >= count)][0])
        raise Damaged(f"a face names vertex {bad:,}, and the file has {count:,}, counted from 0")


def _faces(places: Doubles, names: Indices, sizes: Indices, uvs: Values | None, check: Check) -> Raw:
    """Triangles first, then the first and the second halves of quads, then the larger polygons."""
    _require_inside(names, len(places))
    whole = sizes >= 3
    keep = np.repeat(whole, sizes)
    names, sizes, uvs = names[keep], sizes[whole], None if uvs is None else uvs[keep]
    if not len(sizes):
        return Raw(places, np.zeros((0, 3), np.int64))
    found = polygons.triangles(places[names], sizes, check)
    of = np.repeat(np.arange(len(sizes)), sizes - 2)
    second = np.concatenate([[False], of[1:] == of[:-1]])
    size = sizes[of]
    found = found[np.argsort(np.where(size == 3, 0, np.where(size == 4, 1 + second, 3)), kind="stable")]
    if uvs is None:
        return Raw(places, names[found])
    if len(set(sizes.tolist())) > 1:
        names, uvs = names[found].reshape(-1), uvs[found].reshape(-1, 2)
        found = np.arange(len(names)).reshape(-1, 3)
    first, which = corners.distinct_uvs(uvs)
    vertex, place = corners.welded(names, which)
    return Raw(places[place], vertex[found], uvs[first].astype(np.float64)[which[found]])


def _add_strips(raw: Raw, places: Doubles, vertex: Columns, strips: List) -> None:
    """Add the triangles of ``strips``."""
    faces = strips_triangles(strips.values.astype(np.int64), strips.counts)
    _require_inside(faces.reshape(-1), len(places))
    uvs = _vertex_uvs(vertex)
    raw.faces = np.concatenate([raw.faces, faces + len(raw.vertices)])
    raw.vertices = np.concatenate([raw.vertices, places])
    if uvs is not None:
        before = np.zeros((0, 3, 2)) if raw.uvs is None else raw.uvs
        raw.uvs = np.concatenate([before, uvs[faces].astype(np.float64)])
    elif raw.uvs is not None:  # the faces have some of their own
        raw.uvs = np.concatenate([raw.uvs, np.zeros((len(faces), 3, 2))])
        raw.bare = np.arange(len(raw.faces)) >= len(raw.faces) - len(faces)
