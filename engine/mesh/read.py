"""Files to arrays, unchecked: what a file says, as one soup of vertices, faces and UVs.

Meshes come through trimesh, scenes flattened; glTF passes through gltf.py first. The add-on's .npz is read
as it is. Every failure of a reader becomes a UserError with one line.
"""

from __future__ import annotations

import io
import logging
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from . import gltf, parts

ENDINGS = (".obj", ".glb", ".gltf", ".ply", ".stl", ".npz")
_FIX_FILE = "export it again from the program it came from, or open and re-export it in Blender"


@dataclass
class Raw:
    """What a file holds: vertices (V, 3) float64; faces (F, 3) int64, may point outside; uvs (F, 3, 2)
    float64 or None; polygons (F,) int32 or None; part (F,) int32, the number among ``parts`` of each face's
    object or material, None where all are of one. Nothing is checked yet."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int64]
    uvs: NDArray[np.float64] | None = None
    polygons: NDArray[np.int32] | None = None
    warnings: list[str] = field(default_factory=list)
    part: NDArray[np.int32] | None = None
    parts: list[str] = field(default_factory=list)


def read(path: Path, by: str = "") -> Raw:
    """What ``path`` holds, its parts told ``by`` "object" or "material", "" for not at all; UserError when it
    isn't there, isn't a mesh or can't be read."""
    _require_file(path)
    try:
        return _read_npz(path, by) if path.suffix.lower() == ".npz" else _read_file(path, by)
    except UserError:
        raise
    except MemoryError as error:
        raise UserError(f"'{path.name}' does not fit into memory", "use a mesh with fewer faces") from error
    except Exception as error:  # trimesh and its parsers raise anything; to a person it is one thing
        raise UserError(
            f"'{path.name}' can't be read as {path.suffix[1:].upper()}: {_reason(error)}", _FIX_FILE
        ) from error


def _require_file(path: Path) -> None:
    """UserError unless ``path`` is a file with an ending we read and something in it."""
    if path.is_dir():
        raise UserError(
            f"'{path}' is a folder, not a mesh file", f"name a file in it: {' '.join(ENDINGS[:-1])}"
        )
    if not path.exists():
        raise UserError(f"there is no file '{path}'", "check the path's spelling")
    if path.suffix.lower() not in ENDINGS:
        raise UserError(
            f"'{path.name}' is not a kind of mesh file that can be read",
            f"export the mesh as one of {' '.join(ENDINGS[:-1])}",
        )
    try:
        empty = path.stat().st_size == 0
        path.open("rb").close()
    except OSError as error:
        raise UserError(
            f"'{path}' can't be opened: {error.strerror}", "check the file's permissions"
        ) from error
    if empty:
        raise UserError(f"'{path.name}' is empty (0 bytes)", _FIX_FILE)


def _reason(error: BaseException) -> str:
    """The first line of an exception, short enough for one line of a report."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."


def _read_npz(path: Path, by: str) -> Raw:
    """The add-on's arrays; raises for missing arrays and wrong shapes."""
    if not zipfile.is_zipfile(path):
        raise ValueError("not an npz archive, or cut off")
    with np.load(path, allow_pickle=False) as data:
        arrays = {name: data[name] for name in data.files}
    vertices, faces = _shaped(arrays, "vertices", (3,)), _shaped(arrays, "faces", (3,))
    uvs = _shaped(arrays, "uvs", (3, 2)) if "uvs" in arrays else None
    polygons = _shaped(arrays, "polygons", ()) if "polygons" in arrays else None
    part = _shaped(arrays, "materials", ()) if by == "material" and "materials" in arrays else None
    for name, array in (("uvs", uvs), ("polygons", polygons), ("materials", part)):
        if array is not None and len(array) != len(faces):
            raise ValueError(f"{len(array)} {name} for {len(faces)} faces")
    return Raw(
        vertices.astype(np.float64),
        faces.astype(np.int64),
        None if uvs is None else uvs.astype(np.float64),
        None if polygons is None else polygons.astype(np.int32),
        part=None if part is None else part.astype(np.int32),
        parts=[] if part is None or not len(part) else _named_materials(arrays, part),
    )


def _shaped(arrays: dict[str, NDArray[Any]], name: str, tail: tuple[int, ...]) -> NDArray[Any]:
    """``arrays[name]`` if it is numeric and of shape (n, *tail), else ValueError."""
    if name not in arrays:
        raise ValueError(f"no array '{name}'")
    array = arrays[name]
    if array.shape[1:] != tail or array.ndim != 1 + len(tail) or array.dtype.kind not in "iuf":
        raise ValueError(f"'{name}' has shape {array.shape} and type {array.dtype}")
    return array


def _named_materials(arrays: dict[str, NDArray[Any]], part: NDArray[Any]) -> list[str]:
    """The names of the materials that the numbers ``part`` (F,) stand for."""
    names = arrays.get("material_names", np.zeros(0, "U1"))
    if names.ndim != 1 or names.dtype.kind != "U" or part.min() < 0 or part.max() >= len(names):
        raise ValueError("'materials' doesn't fit 'material_names'")
    return [str(name) for name in names]


def _read_file(path: Path, by: str) -> Raw:
    """A mesh file through trimesh, flattened."""
    import trimesh  # half a second; the add-on's .npz does without

    ending = path.suffix.lower()
    label: parts.Label = parts.nothing
    if ending in (".glb", ".gltf"):
        data = gltf.plain_glb(path)
        options: dict[str, Any] = {"file_type": "glb"}
        label = parts.gltf_label(by)
    else:
        data, options = path.read_bytes(), {"file_type": ending[1:]}
        if by and ending == ".obj":
            data, options["resolver"], label = parts.numbered_obj(data, by)
        elif ending != ".stl":
            options["skip_materials"] = True
    logging.getLogger("trimesh").setLevel(logging.ERROR)
    scene = trimesh.load_scene(io.BytesIO(data), process=False, **options)
    return _flatten(scene, label)


def _flatten(scene: Any, label: parts.Label) -> Raw:
    """All triangle parts of a trimesh scene, instances multiplied and transforms applied."""
    found, labels = [], []
    for node in scene.graph.nodes_geometry:
        matrix, name = scene.graph[node]
        geometry = scene.geometry[name]
        if len(getattr(geometry, "faces", ())):
            found.append(_part(geometry, np.asarray(matrix, np.float64)))
            labels.append(label(node, geometry))
    if not found:
        points = any(len(getattr(g, "vertices", ())) for g in scene.geometry.values())
        return Raw(np.zeros((int(points), 3)), np.zeros((0, 3), np.int64))
    raw = _joined(found)
    if len(keys := list(dict.fromkeys(labels))) > 1:
        counts = [len(one.faces) for one in found]
        raw.part = np.repeat(np.array([keys.index(one) for one in labels], np.int32), counts)
        raw.parts = [key.partition(":")[2] for key in keys]
    return raw


def _part(geometry: Any, matrix: NDArray[np.float64]) -> Raw:
    """One trimesh geometry, transformed. A mirroring transform turns the faces round so that they still
    face outward."""
    with np.errstate(invalid="ignore"):  # what isn't finite is reported later
        vertices = np.asarray(geometry.vertices, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    faces = np.asarray(geometry.faces, np.int64)
    if np.linalg.det(matrix[:3, :3]) < 0:
        faces = faces[:, ::-1]
    uv = getattr(geometry.visual, "uv", None)
    if uv is None or len(uv) != len(vertices) or np.ndim(uv) != 2:
        return Raw(vertices, faces)
    inside = np.clip(faces, 0, len(vertices) - 1)  # faces that point outside are reported later
    return Raw(vertices, faces, np.asarray(uv, np.float64)[inside][..., :2])


def _joined(found: list[Raw]) -> Raw:
    """The parts as one; UVs of parts without are zero, with a warning."""
    offsets = np.cumsum([0] + [len(part.vertices) for part in found])
    for part in found:
        if len(part.faces) and (part.faces.min() < 0 or part.faces.max() >= len(part.vertices)):
            raise ValueError("faces refer to vertices that are not there")
    raw = Raw(
        np.concatenate([part.vertices for part in found]),
        np.concatenate([part.faces + offset for part, offset in zip(found, offsets, strict=False)]),
    )
    bare = sum(part.uvs is None for part in found)
    if bare < len(found):
        raw.uvs = np.concatenate(
            [np.zeros((len(part.faces), 3, 2)) if part.uvs is None else part.uvs for part in found]
        )
        if bare:
            raw.warnings.append(f"{bare} of {len(found)} parts have no UVs")
    return raw
