"""glTF accessors: rows of numbers in buffers, packed, interleaved, normalised or sparse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ..raw import Damaged, Indices
from .gltf_file import COMPRESSED, Document, Json, extension, integer

Floats = NDArray[np.float32]
_TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


@dataclass(frozen=True)
class _Sparse:
    """values (n, width) in place of the rows ``at`` (n,), ascending."""

    at: Indices
    values: NDArray[Any]


@dataclass(frozen=True)
class Accessor:
    """count: rows. base: these, (count, width), None where all are zero. sparse: what stands in for them."""

    count: int
    width: int
    normalised: bool
    base: NDArray[Any] | None
    sparse: _Sparse | None
    kind: np.dtype[Any]

    def raw(self, rows: Indices | None = None) -> NDArray[Any]:
        """(n, width) the ``rows`` (n,), all where None, as they are stored."""
        count = self.count if rows is None else len(rows)
        if self.base is None:
            found = np.zeros((count, self.width), self.kind)
        else:
            found = self.base.copy() if rows is None else self.base[rows]
        if self.sparse is not None and len(self.sparse.at):
            wanted = np.arange(self.count) if rows is None else rows
            place = np.searchsorted(self.sparse.at, wanted, side="right") - 1
            there = (place >= 0) & (self.sparse.at[place] == wanted)
            found[there] = self.sparse.values[place[there]]
        return found

    def floats(self, rows: Indices | None = None) -> Floats:
        """(n, width) the ``rows`` (n,), all where None, in [0, 1] or [-1, 1] where they are normalised."""
        found = self.raw(rows)
        if self.kind.kind == "f":
            return found.astype(np.float32)
        values = found.astype(np.float64)
        if self.normalised:
            values = np.maximum(values / np.iinfo(self.kind).max, -1.0)
        return values.astype(np.float32)


def accessor(document: Document, number: object, width: str, kinds: str = "iuf") -> Accessor:
    """That with this ``number``, which has rows of the type ``width``, "VEC3", ..., and numbers of one of
    these ``kinds``. Nothing is copied yet. Raises Damaged."""
    own = document.one("accessors", number)
    kind, count = _kind(own), integer(own, "count")
    if own.get("type") != width or kind.kind not in kinds:
        raise Damaged(f"accessor {number} is {own.get('type')!r} of {kind}, which doesn't fit its use")
    base = None
    if "bufferView" in own:
        base = _rows(document, own, own["bufferView"], kind, count, _WIDTHS[width], strided=True)
    sparse = _sparse(document, own, kind, count, _WIDTHS[width]) if "sparse" in own else None
    if base is None and sparse is None:
        raise _without_data(document, number)
    return Accessor(count, _WIDTHS[width], own.get("normalized") is True, base, sparse, kind)


def _without_data(document: Document, number: object) -> Exception:
    """Why an accessor has neither a view nor sparse values: extensions keep them elsewhere."""
    used = document.header.get("extensionsUsed", [])
    packed = [name for name in COMPRESSED if isinstance(used, list) and name in used]
    if packed:
        what = f"'{document.name}' is compressed ({packed[0]}), which can't be read"
        return UserError(what, "export it again with compression switched off")
    return Damaged(f"accessor {number} has no data")


def _kind(own: Json) -> np.dtype[Any]:
    component = own.get("componentType")
    if not isinstance(component, int) or component not in _TYPES:
        raise Damaged(f"it has numbers of the unknown type {component!r}")
    return np.dtype(_TYPES[component])


def _rows(
    document: Document, own: Json, view: object, kind: np.dtype[Any], count: int, width: int, strided: bool
) -> NDArray[Any]:
    """(count, width) what ``own``, an accessor or a part of one, has in a buffer's ``view``."""
    found = document.one("bufferViews", view)
    number = document.index("buffers", found.get("buffer"))
    data = document.buffers[number]
    start, length = integer(found, "byteOffset", 0), integer(found, "byteLength")
    if start + length > len(data):
        if not data and any(extension(found, name) for name in COMPRESSED):
            raise _without_data(document, number)
        raise Damaged(f"buffer {number} has {len(data):,} bytes, and {start + length:,} are needed")
    offset, size = integer(own, "byteOffset", 0), width * kind.itemsize
    stride = integer(found, "byteStride", size) if strided else size
    if stride < size:
        raise Damaged(f"rows of {size} bytes lie {stride} bytes apart")
    if count and offset + (count - 1) * stride + size > length:
        raise Damaged(f"{count:,} rows are promised, and a view of {length:,} bytes can't hold them")
    return np.ndarray((count, width), kind, data, start + offset, (stride, kind.itemsize))


def _sparse(document: Document, own: Json, kind: np.dtype[Any], count: int, width: int) -> _Sparse:
    parts = own["sparse"]
    if not isinstance(parts, dict) or not all(isinstance(parts.get(k), dict) for k in ("indices", "values")):
        raise Damaged("a sparse accessor says nothing")
    indices, values, many = parts["indices"], parts["values"], integer(parts, "count")
    index_kind = _kind(indices)
    if many > count or index_kind.kind != "u":
        raise Damaged("a sparse accessor has more values than rows")
    at = _rows(document, indices, indices.get("bufferView"), index_kind, many, 1, strided=False)
    found = _rows(document, values, values.get("bufferView"), kind, many, width, strided=False)
    rows = at[:, 0].astype(np.int64)
    if len(rows) and rows.max() >= count:
        raise Damaged("a sparse accessor replaces a row that isn't there")
    order = np.argsort(rows, kind="stable")
    return _Sparse(rows[order], found[order])
