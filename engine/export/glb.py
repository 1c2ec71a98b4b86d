"""The textured mesh as one .glb that opens in Blender, browsers and game engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..mesh.formats.gltf_file import pack
from ..mesh.frame import to_gltf_uvs
from ..mesh.mesh import Mesh

ROUGHNESS = 0.6  # neither plastic nor chalk: the texture is an albedo and says nothing about gloss
SMOOTH = 40.0  # degrees; faces that meet at less are shaded as one surface
_FLOAT, _UINT = 5126, 5125
_ARRAY_BUFFER, _ELEMENT_BUFFER = 34962, 34963

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Material:
    """textures: PNG files by where the material names them, as Channel.gltf says it. factors: what multiplies
    them, by where it is named likewise, with how many numbers it has: all are 1."""

    name: str
    textures: Mapping[str, bytes | Path]
    factors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Primitive:
    """What one object shows in one material: positions (n, 3), unit normals (n, 3), uvs (n, 2) with glTF's
    origin, indices (m,) uint32."""

    positions: Floats
    normals: Floats
    uvs: Floats
    indices: NDArray[np.uint32]
    material: int

    @property
    def blobs(self) -> list[bytes]:
        return [array.tobytes() for array in (self.positions, self.normals, self.uvs, self.indices)]


def export_pages(
    mesh: Mesh, page: Ints, materials: Sequence[Material], objects: Sequence[tuple[str, slice]], path: Path
) -> None:
    """Write ``mesh`` to ``path``, in its own units and axes, with smooth normals except over edges sharper
    than SMOOTH: a node for each of the ``objects``, a name and its faces, and in it a primitive for each of
    the ``materials`` that its faces have, which ``page`` (F,) tells. The file appears whole or not at all.

    ``mesh`` must have UVs. Raises OSError when the disk says no.
    """
    if mesh.uvs is None:
        raise ValueError("mesh has no uvs")
    parts = [(name, _primitives(mesh, mesh.uvs, page, own)) for name, own in objects]
    blobs = [blob for _, primitives in parts for one in primitives for blob in one.blobs]
    pictures = [picture for material in materials for picture in material.textures.values()]
    blobs += [one if isinstance(one, bytes) else one.read_bytes() for one in pictures]
    header = _header(parts, materials, [len(blob) for blob in blobs])
    if any(mesh.origin):
        for node in header["nodes"]:
            node["translation"] = list(mesh.origin)
    partial = path.with_name(path.name + ".part")
    try:
        partial.write_bytes(pack(header, b"".join(blob + bytes(-len(blob) % 4) for blob in blobs)))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _primitives(mesh: Mesh, uvs: Floats, page: Ints, own: slice) -> list[_Primitive]:
    """The faces ``own`` of ``mesh``, an object, by page."""
    normals = corner_normals(mesh.vertices, mesh.faces[own])
    found = []
    for number in np.unique(page[own]):
        on = page[own] == number
        positions, shading, flat, index = _welded(
            mesh.vertices, mesh.faces[own][on], uvs[own][on], normals[on].reshape(-1, 3)
        )
        found.append(_Primitive(positions, shading, to_gltf_uvs(flat), index, int(number)))
    return found


def _welded(
    vertices: Floats, faces: Ints, uvs: Floats, normals: Floats
) -> tuple[Floats, Floats, Floats, NDArray[np.uint32]]:
    """Per-corner data as a vertex buffer: positions (n, 3), unit normals (n, 3), uvs (n, 2) and indices
    (3 F,). Corners that agree in all three share an entry. normals: of each corner (3 F, 3)."""
    key = np.empty((len(normals), 4), np.int64)
    key[:, 0] = faces.reshape(-1)
    key[:, 1:3] = uvs.reshape(-1, 2).view(np.int32)
    key[:, 3] = np.round(normals * 500).astype(np.int64) @ (1, 2048, 2048**2)  # to about 0.1 degrees
    first, index = _unique_rows(key)
    corner = faces.reshape(-1)[first]
    return vertices[corner], normals[first], uvs.reshape(-1, 2)[first], index.astype(np.uint32)


def _unique_rows(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One index for each different row, in order of appearance, and which of them each row is."""
    order = np.lexsort(rows.T[::-1])
    new = np.ones(len(rows), bool)
    new[1:] = (rows[order][1:] != rows[order][:-1]).any(axis=1)
    group = np.empty(len(rows), np.int64)
    group[order] = np.cumsum(new) - 1
    first = order[new]  # lexsort is stable: the first of each group
    appearance = np.argsort(first, kind="stable")
    rank = np.empty_like(appearance)
    rank[appearance] = np.arange(len(first))
    return first[appearance], rank[group]


def corner_normals(vertices: Floats, faces: Ints) -> Floats:
    """(F, 3, 3) float32 unit normals: at each corner the mean of the vertex's faces, weighted by their angles
    there, or the face's own normal where the two are more than SMOOTH apart. Vertices at one position count
    as one."""
    points = vertices[faces].astype(np.float64)
    onward, back = _unit(np.roll(points, -1, axis=1) - points), _unit(np.roll(points, 1, axis=1) - points)
    flat = _unit(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]))
    angle = np.arccos(np.clip((onward * back).sum(axis=2), -1, 1))
    _, place = _unique_rows((vertices + np.float32(0)).view(np.int32).astype(np.int64))
    corners = place[faces]
    mean = np.zeros((len(vertices), 3))
    for axis in range(3):
        weighted = (flat[:, axis, None] * angle).reshape(-1)
        mean[:, axis] = np.bincount(corners.reshape(-1), weighted, len(vertices))
    smooth = _unit(mean)[corners]
    sharp = (smooth * flat[:, None]).sum(axis=2) < np.cos(np.radians(SMOOTH))
    sharp &= (flat**2).sum(axis=1)[:, None] > 0  # a face without area has no normal of its own
    normals = np.where(sharp[..., None], flat[:, None], smooth)
    normals[(normals**2).sum(axis=2) == 0] = (0, 1, 0)
    return normals.astype(np.float32)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """``vectors`` (..., 3) at length 1; those without length stay zero."""
    length = np.sqrt((vectors**2).sum(axis=-1, keepdims=True))
    return np.where(length > 0, vectors / np.maximum(length, 1e-300), 0.0)


def _header(
    parts: Sequence[tuple[str, Sequence[_Primitive]]], materials: Sequence[Material], lengths: Sequence[int]
) -> dict[str, Any]:
    """The glTF document for buffers of ``lengths``: the blobs of all primitives of all objects, pictures."""
    starts = np.cumsum([0] + [length + -length % 4 for length in lengths])
    views: list[dict[str, Any]] = [
        {"buffer": 0, "byteOffset": int(start), "byteLength": length}
        for start, length in zip(starts, lengths, strict=False)
    ]
    accessors: list[dict[str, Any]] = []
    counts = [len(material.textures) for material in materials]
    firsts, pictures = np.cumsum([0, *counts]).tolist()[:-1], range(sum(counts))
    meshes = []
    for name, primitives in parts:
        meshes.append({"name": name, "primitives": [_primitive(one, accessors) for one in primitives]})
    for i, view in enumerate(views[: len(accessors)]):
        view["target"] = _ELEMENT_BUFFER if i % 4 == 3 else _ARRAY_BUFFER
    return {
        "asset": {"version": "2.0", "generator": "Sync Texture"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(parts)))}],
        "nodes": [{"mesh": i, "name": name} for i, (name, _) in enumerate(parts)],
        "meshes": meshes,
        "materials": [_material(*one) for one in zip(materials, firsts, strict=True)],
        "textures": [{"source": i, "sampler": 0} for i in pictures],
        "samplers": [{"magFilter": 9729, "minFilter": 9987}],  # linear; linear with linear mip-mapping
        "images": [{"bufferView": len(accessors) + i, "mimeType": "image/png"} for i in pictures],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": int(starts[-1])}],
    }


def _primitive(one: _Primitive, accessors: list[dict[str, Any]]) -> dict[str, Any]:
    """How a mesh names ``one``, whose accessors, one for each of its blobs, are added to ``accessors``."""
    first = len(accessors)
    for i, kind in enumerate(("VEC3", "VEC3", "VEC2")):
        count = len(one.positions)
        accessors.append({"bufferView": first + i, "componentType": _FLOAT, "count": count, "type": kind})
    accessors[first]["min"] = one.positions.min(axis=0).tolist()
    accessors[first]["max"] = one.positions.max(axis=0).tolist()
    index = {"componentType": _UINT, "count": len(one.indices), "type": "SCALAR"}
    accessors.append({"bufferView": first + 3, **index})
    attributes = {"POSITION": first, "NORMAL": first + 1, "TEXCOORD_0": first + 2}
    return {"attributes": attributes, "indices": first + 3, "material": one.material}


def _material(material: Material, first: int) -> dict[str, Any]:
    """A dull, non-metallic surface where its textures, which are numbered from ``first`` on, say nothing
    else."""
    made: dict[str, Any] = {"name": material.name, "pbrMetallicRoughness": {}, "doubleSided": True}
    for i, place in enumerate(material.textures, first):
        _put(made, place, {"index": i})
    for place, width in material.factors.items():
        _put(made, place, 1.0 if width == 1 else [1.0] * width)
    factors = made["pbrMetallicRoughness"]
    factors.setdefault("metallicFactor", 0.0)
    factors.setdefault("roughnessFactor", ROUGHNESS)
    return made


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    """Set what ``path``, keys with dots between them, names in ``values``."""
    *way, last = path.split(".")
    for key in way:
        values = values.setdefault(key, {})
    values[last] = value
