"""The arrays that the add-on hands over (see protocol.Request), checked before they are read.

What else of the object is seen, and not painted: ``beside_faces`` (B, 3) int32 of the same vertices,
``beside_uvs`` (B, 3, 2), ``beside_looks`` (B,) int32, numbers among ``beside_colors`` (L, 3) in [0, 1], sRGB,
and ``beside_pictures`` (L,) text: files beside this one that lie over these colours, "" for none.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inputs import require_room
from ..areas import Areas, Labels
from ..raw import Check, Damaged, Raw, RawBeside

COPIES = 1.0
_SHAPES: dict[str, tuple[int, ...]] = {  # after the first axis
    "vertices": (3,),
    "faces": (3,),
    "uvs": (3, 2),
    "polygons": (),
    "materials": (),
    "beside_faces": (3,),
    "beside_uvs": (3, 2),
    "beside_looks": (),
    "beside_colors": (3,),
}
_NAMES = {"material_names", "object_name", "area_names", "beside_pictures"}
_WEIGHTS = "area_weights"
_COPIES = 8  # of the arrays, while a mesh is made of them; packed, a few bytes stand for any number of them
_MOST_NAMES = 1 << 20
_LONGEST = 1 << 10  # letters of a name


def read(data: bytes, by: str, check: Check) -> Raw:
    """The .npz file ``data``; raises Damaged for missing arrays and wrong shapes. Other arrays are left
    unread."""
    wanted = {*_SHAPES, *_NAMES, _WEIGHTS}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            there = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            chosen = {name: info for name, info in there.items() if name in wanted}
            sizes = [_size(archive, info, name) for name, info in chosen.items()]
            require_room(_COPIES * sum(sizes), "the mesh")
            arrays = {name: _array(archive, info, check) for name, info in chosen.items()}
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise Damaged(f"it is not an npz archive, or cut off ({error})") from error
    for name in ("vertices", "faces"):
        if name not in arrays:
            raise Damaged(f"no array '{name}'")
    return _raw(arrays, by)


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
    if name == _WEIGHTS:
        fits = len(shape) == 3 and shape[2] == 3 and kind.kind == "f"
    elif name in _NAMES:
        fits = (
            len(shape) == 1 and shape[0] <= _MOST_NAMES and kind.kind == "U" and kind.itemsize <= 4 * _LONGEST
        )
    else:
        fits = len(shape) > 0 and shape[1:] == _SHAPES[name] and kind.kind in "iuf"
    if not fits:
        raise Damaged(f"'{name}' has shape {shape} and type {kind}")


def _raw(arrays: dict[str, NDArray[Any]], by: str) -> Raw:
    faces = arrays["faces"]
    for name in ("uvs", "polygons", "materials"):
        if name in arrays and len(arrays[name]) != len(faces):
            raise Damaged(f"{len(arrays[name])} {name} for {len(faces)} faces")
    uvs, polygons = arrays.get("uvs"), arrays.get("polygons")
    labels = _labels(arrays, len(faces))
    part = labels["material"] if by == "material" and "material" in labels else None
    return Raw(
        arrays["vertices"].astype(np.float64),
        faces.astype(np.int64),
        None if uvs is None else uvs.astype(np.float64),
        None if polygons is None else polygons.astype(np.int32),
        part=None if part is None else part.number,
        parts=[] if part is None else list(part.names),
        areas=Areas(labels, _weights(arrays, len(faces))),
        beside=_beside(arrays),
    )


def _beside(arrays: dict[str, NDArray[Any]]) -> RawBeside | None:
    """What stands beside the faces; None without."""
    faces = arrays.get("beside_faces")
    if faces is None or not len(faces):
        return None
    faces = faces.astype(np.int64)
    looks, colours = arrays.get("beside_looks", np.zeros(0)), arrays.get("beside_colors", np.zeros((0, 3)))
    uvs, names = arrays.get("beside_uvs", np.zeros((len(faces), 3, 2))), arrays.get("beside_pictures", ())
    look, vertices = looks.astype(np.int64), len(arrays["vertices"])
    if len(look) != len(faces) or len(uvs) != len(faces) or faces.min() < 0 or faces.max() >= vertices:
        raise Damaged("'beside_faces' doesn't fit the other arrays")
    if look.min() < 0 or look.max() >= len(colours) or len(names) not in (0, len(colours)):
        raise Damaged("'beside_looks' doesn't fit 'beside_colors' and 'beside_pictures'")
    pictures = tuple(map(str, names)) or ("",) * len(colours)
    return RawBeside(faces, uvs.astype(np.float64), look, colours.astype(np.float64), pictures)


def _labels(arrays: dict[str, NDArray[Any]], count: int) -> dict[str, Labels]:
    """Whose each of ``count`` faces is."""
    found = {}
    part, nothing = arrays.get("materials"), np.zeros(0, "U1")
    if len(name := arrays.get("object_name", nothing)) == 1:
        found["object"] = Labels.all(str(name[0]), count)
    if part is not None and len(part):
        names = arrays.get("material_names", nothing)
        if part.min() < 0 or part.max() >= len(names):
            raise Damaged("'materials' doesn't fit 'material_names'")
        found["material"] = Labels(part.astype(np.int32), tuple(map(str, names)))
    return found


def _weights(arrays: dict[str, NDArray[Any]], count: int) -> dict[str, NDArray[np.float32]]:
    """Of the corners of ``count`` faces in each area that has a name; what is no number is outside."""
    names, weights = arrays.get("area_names", ()), arrays.get(_WEIGHTS, np.zeros((0, count, 3)))
    if weights.shape[:2] != (len(names), count):
        raise Damaged(f"'{_WEIGHTS}' doesn't fit 'area_names'")
    inside = np.clip(np.nan_to_num(weights.astype(np.float32)), 0, 1)
    return {str(name): own for name, own in zip(names, inside, strict=True)}
