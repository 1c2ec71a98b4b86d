"""The lines of an OBJ file as arrays, whatever the order, the indentation and the comments."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from ..raw import Bools, Check, Damaged, Doubles, Indices
from . import text
from .text import BadLine, Bytes

NONE = -1  # of what a corner doesn't name
_NAMES = {b"usemtl": "material", b"o": "object", b"g": "group"}
_FREE_FORM = {b"cstype", b"curv", b"curv2", b"surf", b"bmat", b"con"}


@dataclass
class Lines:
    """places (V, 3); uvs (T, 2); normals: how many there are. names (C, 3): the place, UV and normal that
    each corner names, from 0, NONE for none; sizes (P,): corners of each polygon; numbers (P,): how many
    numbers its line has; at (P,): where its line begins. changes: (polygons before, kind, name) of each line
    that names an object, a group or a material. free_form: there are curves and surfaces."""

    places: Doubles
    uvs: Doubles
    normals: int
    names: Indices
    sizes: Indices
    numbers: Indices
    at: Indices
    changes: list[tuple[int, str, str]]
    free_form: bool


@dataclass
class _Found:
    """The same block by block."""

    places: list[Doubles] = field(default_factory=list)
    uvs: list[Doubles] = field(default_factory=list)
    names: list[Indices] = field(default_factory=list)
    sizes: list[Indices] = field(default_factory=list)
    numbers: list[Indices] = field(default_factory=list)
    at: list[Indices] = field(default_factory=list)
    changes: list[tuple[int, str, str]] = field(default_factory=list)
    counts: list[int] = field(default_factory=lambda: [0, 0, 0])  # places, UVs, normals
    polygons: int = 0
    free_form: bool = False


def read(data: bytes, check: Check) -> Lines:
    """Of the OBJ file ``data``. Raises Damaged, which names the line."""
    plain = text.plain(data)
    joined = re.sub(rb"\\( ?)\n", rb" \1 ", plain)
    found = _Found()
    for start, block in text.blocks(joined, check):
        try:
            _block(np.frombuffer(block, np.uint8), start, found)
        except BadLine as error:
            raise damaged(plain, start + error.at, error.why) from None
    lines = Lines(
        np.concatenate([np.zeros((0, 3)), *found.places]),
        np.concatenate([np.zeros((0, 2)), *found.uvs]),
        found.counts[2],
        np.concatenate([np.zeros((0, 3), np.int64), *found.names]),
        np.concatenate([np.zeros(0, np.int64), *found.sizes]),
        np.concatenate([np.zeros(0, np.int64), *found.numbers]),
        np.concatenate([np.zeros(0, np.int64), *found.at]),
        found.changes,
        found.free_form,
    )
    _require_places(lines, plain)
    return lines


def damaged(plain: bytes, at: int, why: str) -> Damaged:
    """``why`` the line with the byte ``at`` of the text ``plain`` can't be read."""
    end = plain.find(b"\n", at)
    line = plain[plain.rfind(b"\n", 0, at) + 1 : len(plain) if end < 0 else end]
    return Damaged(f"line {text.line_number(plain, at):,}, {text.shown(line)}: {why}")


def _require_places(lines: Lines, plain: bytes) -> None:
    """Raise Damaged unless all polygons name places that are there."""
    bad = np.flatnonzero(lines.names[:, 0] >= len(lines.places))
    if len(bad):
        polygon = int(np.searchsorted(np.cumsum(lines.sizes), bad[0], side="right"))
        number = int(lines.names[bad[0], 0]) + 1
        why = f"it names vertex {number:,}, and the file has {len(lines.places):,}"
        raise damaged(plain, int(lines.at[polygon]), why)


def _block(block: Bytes, start: int, found: _Found) -> None:
    """Add what the lines of ``block`` say; ``start``: where it begins in the text."""
    ends = np.flatnonzero(block == 10)
    begins = _indented(block, np.concatenate([[0], ends[:-1] + 1]))
    padded = np.concatenate([block, np.full(2, 10, np.uint8)])
    first, second, third = (padded[begins + i] for i in range(3))
    gap, wide_gap = second <= 32, third <= 32
    vertex = first == ord("v")
    kinds = [
        np.flatnonzero(kind)
        for kind in (
            vertex & gap,
            vertex & (second == ord("t")) & wide_gap,
            vertex & (second == ord("n")) & wide_gap,
            (first == ord("f")) & (gap | (second == ord("o")) & wide_gap),
        )
    ]
    block = _uncommented(block, ends, np.concatenate(kinds))
    places, uvs, normals, faces = kinds
    before = np.array(found.counts)
    found.places.append(_rows(block, begins[places] + 1, ends[places], 3, 3))
    found.uvs.append(_rows(block, begins[uvs] + 2, ends[uvs], 2, 1))
    for i, lines in enumerate((places, uvs, normals)):
        found.counts[i] += len(lines)
    earlier = [before[i] + np.searchsorted(lines, faces) for i, lines in enumerate((places, uvs, normals))]
    faces = faces[_faces(block, begins[faces], ends[faces], np.stack(earlier, axis=1), start, found)]
    rest = np.isin(first, np.frombuffer(b"ogucsb", np.uint8))
    rest &= ~((first == ord("s")) & gap)
    _others(block, begins, ends, np.flatnonzero(rest), faces, found)
    found.polygons = sum(map(len, found.sizes))


def _indented(block: Bytes, begins: Indices) -> Indices:
    """Where the first word of each line is, or its end where it has none."""
    late = block[begins] == 32
    if late.any():
        solid = np.flatnonzero(block != 32)
        begins[late] = solid[np.searchsorted(solid, begins[late])]
    return begins


def _uncommented(block: Bytes, ends: Indices, lines: Indices) -> Bytes:
    """``block`` with blanks for the comments after what its ``lines`` say. A mark inside a word, like
    1.#INF, begins none."""
    marks = np.flatnonzero(block == ord("#"))
    marks = marks[block[marks - 1] <= 32]
    line, first = np.unique(np.searchsorted(ends, marks), return_index=True)
    chosen = np.isin(line, lines)
    if not chosen.any():
        return block
    change = np.zeros(len(block), np.int8)
    change[marks[first[chosen]]] += 1
    change[ends[line[chosen]]] -= 1
    return np.where(np.cumsum(change, dtype=np.int8).view(bool), np.uint8(32), block)


def _rows(block: Bytes, begins: Indices, ends: Indices, most: int, least: int) -> Doubles:
    """(n, most) the numbers of lines; raises BadLine."""
    try:
        return text.rows(text.cut(block, begins, ends), most, least)
    except BadLine as error:
        lengths = np.cumsum(ends + 1 - begins)
        line = int(np.searchsorted(lengths, error.at, side="right"))
        raise BadLine(int(begins[line]), error.why) from None


def _faces(block: Bytes, begins: Indices, ends: Indices, before: Indices, start: int, found: _Found) -> Bools:
    """Add the polygons of lines; (n,) which of these are any. before (n, 3): the places, UVs and normals that
    lines have above them."""
    own = text.cut(block, begins + 1 + (block[begins + 1] == ord("o")), ends)
    sizes = text.words_per_line(own)
    line = np.repeat(np.arange(len(sizes)), sizes)
    names, numbers, bad = _names(own)
    if len(bad):
        at = int(np.searchsorted(np.flatnonzero(own == 10), bad[0]))
        raise BadLine(int(begins[at]), "it is not a list of vertices")
    count = np.bincount(np.repeat(line, numbers), minlength=len(sizes))
    back = names < 0
    names = np.where(back, names + before[line], names - 1)
    names[:, 1:][back[:, 1:] & (names[:, 1:] < 0)] = np.iinfo(np.int64).max  # none, as beyond the last
    for wrong, why in (
        (~back & (names < 0), "vertices are counted from 1"),
        (back & (names < 0), "it counts back to before the first vertex"),
    ):
        if wrong[:, 0].any():
            raise BadLine(int(begins[line[wrong[:, 0].argmax()]]), why)
    whole = sizes >= 3
    found.names.append(names[whole[line]])
    found.sizes.append(sizes[whole])
    found.numbers.append(count[whole])
    found.at.append(begins[whole] + start)
    return whole


def _names(own: Bytes) -> tuple[Indices, Indices, Indices]:
    """(C, 3) the numbers of each word a, a/b, a//c or a/b/c of the text ``own``, 0 where there is none; (C,)
    how many there are; and where there is something else."""
    solid, digit, slash = own > 32, (own >= 48) & (own <= 57), own == ord("/")
    sign = (own == ord("-")) | (own == ord("+"))
    before, after = np.roll(own, 1), np.roll(digit, -1)
    word = solid & (before <= 32)
    run = digit & ~np.roll(digit, 1)
    bad = solid & ~(digit | slash | sign)
    bad |= sign & (~after | ((before > 32) & (before != ord("/"))))
    slashes = np.cumsum(slash, dtype=np.int32)
    starts, runs = np.flatnonzero(word), np.flatnonzero(run)
    at_start = slashes[starts] - slash[starts]
    many = np.diff(at_start, append=slashes[-1:]) > 2
    problems = np.concatenate([np.flatnonzero(bad), starts[many]])
    if len(problems):
        return np.zeros((0, 3), np.int64), np.zeros(0, np.int64), np.sort(problems)
    of_word = np.cumsum(word, dtype=np.int32)[runs] - 1
    values = np.fromstring(np.where(digit, own, np.uint8(32)).tobytes(), np.int64, sep=" ")
    names = np.zeros((len(starts), 3), np.int64)
    names[of_word, slashes[runs] - at_start[of_word]] = np.where(before[runs] == ord("-"), -values, values)
    return names, np.bincount(of_word, minlength=len(starts)), problems


def _others(
    block: Bytes, begins: Indices, ends: Indices, lines: Indices, faces: Indices, found: _Found
) -> None:
    """Add what the ``lines`` say that name objects, groups, materials or curves."""
    earlier = np.searchsorted(faces, lines)
    for line, before in zip(lines.tolist(), earlier.tolist(), strict=True):
        word, _, rest = block[begins[line] : ends[line]].tobytes().partition(b" ")
        if word in _NAMES:
            name = rest.decode("utf-8", "replace").strip()
            found.changes.append((found.polygons + before, _NAMES[word], name))
        found.free_form |= word in _FREE_FORM
