"""Wavefront OBJ: polygons with UVs, in groups by material or object. Colours, normals and curves are left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .. import corners, polygons
from ..areas import Areas, Labels
from ..raw import Bools, Check, Indices, Raw, bare_parts, parted
from . import obj_lines
from .obj_lines import NONE, Lines

COPIES = 12.0  # of a file's bytes are in memory at most while it is read


def read(data: bytes, by: str, check: Check) -> Raw:
    """The OBJ file ``data``, its parts told ``by`` "object" or "material", "" for not at all: then faces
    go by material. Raises Damaged."""
    lines = obj_lines.read(data, check)
    if not len(lines.sizes):
        return Raw(lines.places, np.zeros((0, 3), np.int64), warnings=_free_form(lines))
    names, piece = _pieces(lines, "object" if by == "object" else "material")
    triangles = _triangles(lines, piece, check)
    raw = _built(lines, names, by != "", triangles, check)
    raw.areas = _areas(lines, triangles.polygon)
    return raw


@dataclass(frozen=True)
class _Triangles:
    """corner (F, 3): numbers of corners; polygon (F,): of which each is part; piece (F,): the group of
    polygons, from 0, that each is of; of_corner (C,): the same for corners."""

    corner: Indices
    polygon: Indices
    piece: Indices
    of_corner: Indices


def _pieces(lines: Lines, kind: str) -> tuple[list[str], Indices]:
    """The name of each group of polygons of one ``kind``, those first that come last in the file, and (P,)
    the group of each polygon."""
    names, of_polygon = _named(lines, kind)
    first = np.full(len(names), len(of_polygon))
    np.minimum.at(first, of_polygon, np.arange(len(of_polygon)))
    order = np.argsort(-first)
    order = order[first[order] < len(of_polygon)]
    rank = np.zeros(len(names), np.int64)
    rank[order] = np.arange(len(order))
    return [f"{i - 1}:{names[i]}" if i else ":" for i in order.tolist()], rank[of_polygon]


def _named(lines: Lines, kind: str) -> tuple[list[str], Indices]:
    """The names of one ``kind``, at first that of polygons without any, and (P,) the number of each
    polygon's."""
    objects = any(change[1] == "object" for change in lines.changes)
    if kind == "object" and not objects:  # groups are parts only where there is nothing else
        kind = "group"
    changes = [(before, name) for before, what, name in lines.changes if what == kind]
    known: dict[str | None, int] = {None: 0}
    numbers = [0] + [known.setdefault(name, len(known)) for _, name in changes]
    starts = np.array([0] + [before for before, _ in changes] + [len(lines.sizes)])
    return [name or "" for name in known], np.repeat(np.array(numbers), np.diff(starts))


def _areas(lines: Lines, polygon: Indices) -> Areas:
    """What triangles of ``polygon`` (F,) are called."""
    found = {kind: _named(lines, kind) for kind in ("material", "object")}
    return Areas(
        {
            kind: Labels(number[polygon].astype(np.int32), tuple(names))
            for kind, (names, number) in found.items()
            if len(names) > 1
        }
    )


def _triangles(lines: Lines, piece: Indices, check: Check) -> _Triangles:
    """Group by group; where all polygons of a group have four corners and alike names, their second triangles
    come after all of their first."""
    of_corner = np.repeat(piece, lines.sizes)
    found = polygons.triangles(lines.places[lines.names[:, 0]], lines.sizes, check)
    per = lines.sizes - 2
    polygon = np.repeat(np.arange(len(per)), per)
    second = np.arange(len(found)) - np.repeat(np.cumsum(per) - per, per) > 0
    second &= _alike(lines, piece)[piece[polygon]]
    order = np.argsort(2 * piece[polygon] + second, kind="stable")
    return _Triangles(found[order], polygon[order], piece[polygon][order], of_corner)


def _alike(lines: Lines, piece: Indices) -> Bools:
    """(n,) the groups that have polygons of four corners only, with as many numbers each."""
    least = np.full(int(piece.max()) + 1, np.iinfo(np.int64).max)
    most = np.zeros_like(least)
    np.minimum.at(least, piece, lines.numbers)
    np.maximum.at(most, piece, lines.numbers)
    quads = np.ones(len(least), bool)
    quads[piece[lines.sizes != 4]] = False
    return np.asarray(quads & (least == most))


def _built(lines: Lines, names: list[str], told: bool, triangles: _Triangles, check: Check) -> Raw:
    """``told``: whether the groups are parts, called ``names``."""
    check()
    warnings = _free_form(lines)
    piece, count = triangles.of_corner, len(names)
    place, uv, normal = (lines.names[:, i] for i in range(3))
    if (gone := uv >= len(lines.uvs)).any():
        warnings.append(f"{int(gone.sum()):,} corners name UVs that the file doesn't have")
        uv = np.where(gone, NONE, uv)
    textured = _some(uv != NONE, piece, count)
    normals = ~_some(normal == NONE, piece, count) & (textured | (lines.normals > 0))
    normal = np.where(normals[piece], normal, NONE)
    vertex, places = corners.welded_by_piece(piece, place, uv, normal)
    check()
    raw = Raw(lines.places[places], vertex[triangles.corner], warnings=warnings)
    if textured.any():
        _add_uvs(raw, lines, uv[triangles.corner], textured)
    if told:
        parted(raw, names, triangles.piece)
    return raw


def _add_uvs(raw: Raw, lines: Lines, uv: Indices, textured: Bools) -> None:
    """The UVs numbered ``uv`` (F, 3), NONE for none; ``textured`` (n,): the groups that have any."""
    bare = (uv == NONE).any(axis=1)
    raw.uvs = np.where(bare[:, None, None], 0.0, lines.uvs[uv])
    if bare.any():
        raw.bare = bare
        raw.warnings += bare_parts(int((~textured).sum()), len(textured))


def _some(what: Bools, piece: Indices, count: int) -> Bools:
    """(count,) the pieces that have a corner with ``what`` (C,)."""
    found = np.zeros(count, bool)
    found[piece[what]] = True
    return found


def _free_form(lines: Lines) -> list[str]:
    return ["its free-form curves and surfaces were left out"] if lines.free_form else []
