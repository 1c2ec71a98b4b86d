"""The arrays that the add-on hands over (see protocol.Request), checked before they are read."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inputs import require_room
from ..raw import Check, Damaged, Raw

COPIES = 1.0
_SHAPES: dict[str, tuple[int, ...]] = {
    "vertices": (3,),
    "faces": (3,),
    "uvs": (3, 2),
    "polygons": (),
    "materials": (),
}
_NAMES = "material_names"
_COPIES = 8  # of the arrays, while a mesh is made of them; packed, a few bytes stand for any number of them
_MOST_NAMES = 1 << 20
_LONGEST = 1 << 10  # letters of a name


def read(data: bytes, by: str, check: Check) -> Raw:
    """The .npz file ``data``; raises Damaged for missing arrays and wrong shapes. Other arrays are left
    unread."""
    wanted = {*_SHAPES} - ({"materials"} if by != "material" else set())
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            there = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            chosen = {
                name: info
                for name, info in there.items()
                if name in wanted or (name == _NAMES and by == "material")
            }
            sizes = [_size(archive, info, name) for name, info in chosen.items()]
            require_room(_COPIES * sum(sizes), "the mesh")
            arrays = {name: _array(archive, info, check) for name, info in chosen.items()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Damaged(f"it is not an npz archive, or cut off ({error})") from error
    for name in ("vertices", "faces"):
        if name not in arrays:
            raise Damaged(f"no array '{name}'")
    return _raw(arrays)


def _size(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> int:
    """The bytes of an array, once its header says that it is what it must be."""
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read:
            raise Damaged(f"'{name}' is of an unknown version")
        shape, _, kind = read[version](file)
    _require(name, shape, kind)
    size = int(np.prod(shape, dtype=object)) * kind.itemsize
    if size > info.file_size:
        raise Damaged(f"'{name}' is cut off")
    return size


def _array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, check: Check) -> NDArray[Any]:
    check()
    with archive.open(info) as file:
        found: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    return found


def _require(name: str, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
    """Raise Damaged unless an array of this ``shape`` and ``kind`` can be ``name``."""
    if name == _NAMES:
        fits = (
            len(shape) == 1 and shape[0] <= _MOST_NAMES and kind.kind == "U" and kind.itemsize <= 4 * _LONGEST
        )
    else:
        fits = len(shape) > 0 and shape[1:] == _SHAPES[name] and kind.kind in "iuf"
    if not fits:
        raise Damaged(f"'{name}' has shape {shape} and type {kind}")


def _raw(arrays: dict[str, NDArray[Any]]) -> Raw:
    faces = arrays["faces"]
    for name in ("uvs", "polygons", "materials"):
        if name in arrays and len(arrays[name]) != len(faces):
            raise Damaged(f"{len(arrays[name])} {name} for {len(faces)} faces")
    uvs, polygons, part = (arrays.get(name) for name in ("uvs", "polygons", "materials"))
    return Raw(
        arrays["vertices"].astype(np.float64),
        faces.astype(np.int64),
        None if uvs is None else uvs.astype(np.float64),
        None if polygons is None else polygons.astype(np.int32),
        part=None if part is None else part.astype(np.int32),
        parts=[] if part is None or not len(part) else _named_materials(arrays, part),
    )


def _named_materials(arrays: dict[str, NDArray[Any]], part: NDArray[Any]) -> list[str]:
    """The names of the materials that the numbers ``part`` (F,) stand for."""
    names = arrays.get(_NAMES, np.zeros(0, "U1"))
    if part.min() < 0 or part.max() >= len(names):
        raise Damaged("'materials' doesn't fit 'material_names'")
    return [str(name) for name in names]
