"""glTF primitives: triangles, their UV sets, and the pose that morph targets and joints give them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..raw import Damaged, Doubles, Indices
from .gltf_accessors import accessor
from .gltf_file import Document, Json, extension, integer
from .strips import fan_triangles, strip_triangles

BASE_COLOUR = "the UVs of its base colour's texture"
_TRIANGLES, _STRIP, _FAN = 4, 5, 6
_MOST_SETS = 8  # of UVs or of joints


@dataclass
class Primitive:
    """vertices (V, 3) float64 in the mesh's own axes, morphed; rows (V,) their rows in the file; faces
    (F, 3); uvs (V, 2) or None; others: further UVs (V, 2) by what to call them; own: what the header says."""

    vertices: Doubles
    rows: Indices
    faces: Indices
    own: Json
    uvs: Doubles | None = None
    others: dict[str, Doubles] = field(default_factory=dict)


def read(document: Document, own: Json, weights: list[float]) -> Primitive | None:
    """A primitive with the ``weights`` of its morph targets; None where it has no triangles."""
    attributes = own.get("attributes")
    if not isinstance(attributes, dict):
        raise Damaged("a primitive has no attributes")
    mode = own.get("mode", _TRIANGLES)
    if mode not in (_TRIANGLES, _STRIP, _FAN) or "POSITION" not in attributes:
        return None
    positions = accessor(document, attributes["POSITION"], "VEC3")
    faces = _faces(document, own, mode, positions.count)
    if not len(faces):
        return None
    rows, names = np.unique(faces, return_inverse=True)
    vertices = positions.floats(rows).astype(np.float64)
    vertices = _morphed(document, own, weights, vertices, rows, positions.count)
    found = Primitive(vertices, rows, names.reshape(-1, 3), own)
    _add_uvs(document, found, attributes, positions.count)
    return found


def _faces(document: Document, own: Json, mode: int, count: int) -> Indices:
    """(F, 3) rows of the primitive's accessors, ``count`` of them."""
    if "indices" in own:
        names = accessor(document, own["indices"], "SCALAR", "u").raw()[:, 0].astype(np.int64)
        if len(names) and names.max() >= count:
            raise Damaged(f"faces refer to vertex {int(names.max()):,}, and there are {count:,}")
    else:
        names = np.arange(count)
    if mode == _STRIP:
        return strip_triangles(names)
    if mode == _FAN:
        return fan_triangles(names)
    if len(names) % 3:
        raise Damaged(f"{len(names):,} corners are not whole triangles")
    return names.reshape(-1, 3)


def _morphed(
    document: Document, own: Json, weights: list[float], vertices: Doubles, rows: Indices, count: int
) -> Doubles:
    targets = own.get("targets", [])
    if not isinstance(targets, list) or not all(isinstance(target, dict) for target in targets):
        raise Damaged("a primitive's targets are not a list")
    for target, weight in zip(targets, weights, strict=False):
        if weight and "POSITION" in target:
            moved = accessor(document, target["POSITION"], "VEC3")
            if moved.count != count:
                raise Damaged("a morph target has more or fewer vertices than the mesh")
            vertices = vertices + weight * moved.floats(rows)
    return vertices


def _add_uvs(document: Document, found: Primitive, attributes: Json, count: int) -> None:
    """All UV sets, and those that the base colour's texture is shown with, origin at the bottom left."""
    sets: list[Any] = []
    for i in range(_MOST_SETS):
        if f"TEXCOORD_{i}" not in attributes:
            break
        own = accessor(document, attributes[f"TEXCOORD_{i}"], "VEC2")
        if own.count != count:
            raise Damaged(f"there are {own.count:,} UVs for {count:,} vertices")
        sets.append(own.floats(found.rows))
    if not sets:
        return
    found.uvs = _flipped(sets[0])
    number, transform = _shown_with(document, found.own)
    if number < len(sets) and transform is not None:
        found.others[BASE_COLOUR] = _flipped(_transformed(sets[number], transform))
    order = sorted(range(1, len(sets)), key=lambda i: i != number)
    found.others |= {f"its UV set {i}": _flipped(sets[i]) for i in order}


def _flipped(uvs: Any) -> Doubles:
    uvs = uvs.copy()
    uvs[:, 1] = 1.0 - uvs[:, 1]
    return np.asarray(uvs, np.float64)


def _shown_with(document: Document, own: Json) -> tuple[int, Json | None]:
    """The UV set and the transform that the base colour's texture of a primitive's material is shown with."""
    materials = document.all("materials")
    number = own.get("material")
    if not isinstance(number, int) or not 0 <= number < len(materials):
        return 0, None
    surface = materials[number].get("pbrMetallicRoughness")
    texture = surface.get("baseColorTexture") if isinstance(surface, dict) else None
    if not isinstance(texture, dict):
        return 0, None
    transform = extension(texture, "KHR_texture_transform")
    usual = integer(texture, "texCoord", 0)
    return integer(transform or {}, "texCoord", usual), transform


def _transformed(uvs: Any, transform: Json) -> Any:
    """``uvs`` (V, 2), origin at the top left, moved, turned and scaled."""
    try:
        offset = np.array(transform.get("offset", (0.0, 0.0)), np.float32).reshape(2)
        scale = np.array(transform.get("scale", (1.0, 1.0)), np.float32).reshape(2)
        angle = float(transform.get("rotation", 0.0))
    except (TypeError, ValueError) as error:
        raise Damaged("a texture's transform is not numbers") from error
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = (uvs * scale).T
    return np.stack([c * u + s * v + offset[0], c * v - s * u + offset[1]], axis=1)


def skinned(document: Document, found: Primitive, joints: Doubles) -> Doubles | None:
    """(V, 3) where the ``joints`` (n, 4, 4) hold the vertices; None where the primitive isn't tied to any."""
    attributes = found.own["attributes"]
    total = np.zeros(len(found.rows))
    placed = np.zeros((len(found.rows), 3))
    first = None
    for i in range(_MOST_SETS):
        if f"JOINTS_{i}" not in attributes or f"WEIGHTS_{i}" not in attributes:
            break
        names = accessor(document, attributes[f"JOINTS_{i}"], "VEC4", "u").raw(found.rows).astype(np.int64)
        weights = accessor(document, attributes[f"WEIGHTS_{i}"], "VEC4").floats(found.rows).astype(np.float64)
        if names.max() >= len(joints):
            raise Damaged(f"a vertex is tied to joint {int(names.max())}, and the skin has {len(joints)}")
        first = names[:, 0] if first is None else first
        for k in range(4):
            placed += weights[:, k, None] * _applied(joints[names[:, k]], found.vertices)
            total += weights[:, k]
    if first is None:
        return None
    loose = ~(total > 0)
    placed[loose], total[loose] = _applied(joints[first[loose]], found.vertices[loose]), 1.0
    return placed / total[:, None]


def _applied(matrices: Doubles, points: Doubles) -> Doubles:
    """``points`` (n, 3), each moved by its own of the ``matrices`` (n, 4, 4)."""
    return np.asarray(np.einsum("nij,nj->ni", matrices[:, :3, :3], points) + matrices[:, :3, 3])
