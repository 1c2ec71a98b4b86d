"""The header of a .safetensors file: which tensors it has. Its numbers are checked before they are believed.

Eight bytes, its length as a little-endian number, then JSON: {name: {dtype, shape, data_offsets}}, where the
offsets count from its end (https://github.com/huggingface/safetensors, "Format").
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from ..errors import UserError
from ..inputs import open_input
from ..options import values

MOST = 1 << 24  # bytes; the format allows 100 MB, large models have less than one
_MOST_DIMENSIONS = 8
_BYTES = {  # of an element, by type
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}


_Found = TypeVar("_Found")


@dataclass(frozen=True)
class Listed:
    """A tensor as the header lists it. start, end: of its bytes, counted from the header's end."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def header(path: Path) -> dict[str, Listed]:
    """The tensors of ``path`` by name.

    Raises UserError when the file can't be read, isn't safetensors, or is shorter or longer than it says.
    """
    return _read(path, _table)


def metadata(path: Path) -> dict[str, str]:
    """The texts that the header of ``path`` has beside its tensors, {} without any. Raises UserError as
    :func:`header`."""
    return _read(path, _metadata)


def _read(path: Path, read: Callable[[BinaryIO, int], _Found]) -> _Found:
    """What ``read`` finds in the file."""
    file, size = open_input(path)
    try:
        with file:
            return read(file, size)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}", "check the disk") from error
    except (ValueError, RecursionError) as error:
        why = "its header nests too deeply" if isinstance(error, RecursionError) else error
        what = f"{path} is damaged or not a safetensors file ({why})"
        raise UserError(what, "delete it and download it again") from error


def tensor_bytes(path: Path, tensor: Listed) -> bytes:
    """The bytes of a ``tensor`` that the header of ``path`` lists. Raises UserError."""
    file, _ = open_input(path)
    try:
        with file:
            length = int.from_bytes(file.read(8), "little")
            file.seek(8 + length + tensor.start)
            return file.read(tensor.end - tensor.start)
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}", "check the disk") from error


def _metadata(file: BinaryIO, size: int) -> dict[str, str]:
    found = _object(file, size)[0].get("__metadata__")
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def _object(file: BinaryIO, size: int) -> tuple[dict[str, Any], int]:
    """The header as it is, and its length. Raises ValueError."""
    length = int.from_bytes(file.read(8), "little")
    if size < 8 or length > min(MOST, size - 8):
        raise ValueError("no safetensors header")
    found = json.loads(file.read(length))
    if not isinstance(found, dict):
        raise ValueError("its header is no object")
    return found, length


def _table(file: BinaryIO, size: int) -> dict[str, Listed]:
    """Raises ValueError for what makes no sense."""
    found, length = _object(file, size)
    table = {name: _listed(name, entry) for name, entry in found.items() if name != "__metadata__"}
    end = 0
    for name, entry in sorted(table.items(), key=lambda item: (item[1].start, item[1].end)):
        if entry.start != end:
            raise ValueError(f"{values.short(name)} begins at {entry.start}, where {end} is free")
        end = entry.end
    if size != 8 + length + end:
        raise ValueError(f"{size:,} bytes where {8 + length + end:,} are expected")
    return table


def _listed(name: str, entry: Any) -> Listed:
    """Checked: type, shape and offsets agree with each other."""
    if not isinstance(entry, dict):
        raise ValueError(f"{values.short(name)} is {values.short(entry)}")
    dtype = entry.get("dtype")
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise ValueError(f"the dtype of {values.short(name)} is {values.short(dtype)}")
    shape, offsets = (_counts(name, entry, key) for key in ("shape", "data_offsets"))
    if len(shape) > _MOST_DIMENSIONS or len(offsets) != 2:
        raise ValueError(f"{values.short(name)} has {len(shape)} dimensions and {len(offsets)} offsets")
    start, end = offsets
    if end - start != math.prod(shape) * _BYTES[dtype]:
        raise ValueError(f"the data_offsets of {values.short(name)} don't fit its shape")
    return Listed(dtype, shape, start, end)


def _counts(name: str, entry: Mapping[str, Any], key: str) -> tuple[int, ...]:
    found = entry.get(key)
    if isinstance(found, list) and all(type(one) is int and 0 <= one < 1 << 63 for one in found):
        return tuple(found)
    raise ValueError(f"the {key} of {values.short(name)} is {values.short(found)}")
