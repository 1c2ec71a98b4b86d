"""glTF: what a scene shows, as triangles in their places; materials only by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import UserError
from ...inputs import require_room
from ..areas import Areas, Labels
from ..raw import Check, Damaged, Doubles, Indices, Raw, UVSet, bare_parts, empty, part_name, parted
from . import gltf_nodes, gltf_primitives
from .gltf_file import Document, Json, open_document
from .gltf_nodes import Nodes, Shown
from .gltf_primitives import Primitive

COPIES = 4.0  # of a file's bytes are in memory at most while it is read
BYTES_A_FACE = 400  # while it is read
_MOST_TARGETS = 10_000


@dataclass(frozen=True)
class _Piece:
    """What one primitive of one node shows, all its instances. vertices (V, 3), faces (F, 3); uvs (F, 3, 2)
    or None; others likewise, by name; node and material: "number:name"."""

    vertices: Doubles
    faces: Indices
    uvs: Doubles | None
    others: dict[str, Doubles]
    node: str
    material: str


def read(path: Path, data: bytes, by: str, check: Check) -> Raw:
    """The glTF file ``path``, .glb or .gltf, with the bytes ``data``, its parts told ``by`` "object" or
    "material", "" for not at all. Raises UserError and Damaged."""
    document = open_document(path, data, check)
    nodes = Nodes(document)
    pieces: list[_Piece] = []
    faces = 0
    for shown in nodes.shown():
        check()
        found = _pieces(document, nodes, shown)
        faces += sum(len(one.faces) for one in found)
        require_room(faces * BYTES_A_FACE, f"'{path.name}'")
        pieces += found
    if not pieces:
        return _nothing(document)
    raw = _joined(pieces)
    raw.warnings += [*document.warnings, *_lost(document)]
    counts = [len(one.faces) for one in pieces]
    keys = {"object": [one.node for one in pieces], "material": [one.material for one in pieces]}
    piece = np.repeat(np.arange(len(pieces)), counts)
    raw.areas = Areas(
        {kind: Labels(piece.astype(np.int32), tuple(map(part_name, own))) for kind, own in keys.items()}
    )
    if by:
        parted(raw, keys[by], piece)
    return raw


def _pieces(document: Document, nodes: Nodes, shown: Shown) -> list[_Piece]:
    """What a node shows, primitive by primitive."""
    mesh = document.one("meshes", shown.mesh)
    primitives = mesh.get("primitives")
    if not isinstance(primitives, list) or not all(isinstance(one, dict) for one in primitives):
        raise Damaged(f"mesh {shown.mesh} has no primitives")
    weights = _weights(shown.node.get("weights", mesh.get("weights", [])))
    label = f"{shown.number}:{shown.node.get('name') or mesh.get('name', '')}"
    found = []
    for own in primitives:
        primitive = gltf_primitives.read(document, own, weights)
        if primitive is not None:
            found.append(_piece(document, nodes, shown, primitive, label))
    return found


def _weights(found: object) -> list[float]:
    """Of morph targets."""
    if not isinstance(found, list) or len(found) > _MOST_TARGETS:
        raise Damaged("the weights of morph targets are not a list")
    try:
        return [float(weight) for weight in found]
    except (TypeError, ValueError) as error:
        raise Damaged("the weights of morph targets are not numbers") from error


def _piece(document: Document, nodes: Nodes, shown: Shown, primitive: Primitive, label: str) -> _Piece:
    held = None
    if shown.skin is not None:
        held = gltf_primitives.skinned(document, primitive, gltf_nodes.joint_matrices(nodes, shown.skin))
    if held is not None:  # joints place a skinned mesh, its node does not
        vertices, faces = held, primitive.faces
    else:
        instances = len(shown.places)
        require_room(len(primitive.faces) * instances * BYTES_A_FACE, f"'{document.name}'")
        vertices, faces = _placed(primitive, shown.places)
    names = faces % len(primitive.vertices)
    return _Piece(
        vertices,
        faces,
        None if primitive.uvs is None else primitive.uvs[names],
        {name: uvs[names] for name, uvs in primitive.others.items()},
        label,
        _material(document, primitive.own),
    )


def _placed(primitive: Primitive, places: Doubles) -> tuple[Doubles, Indices]:
    """The vertices and faces of all instances, at ``places`` (n, 4, 4). A mirroring transform turns the faces
    round so that they still face outward."""
    vertices, faces = [], []
    for i, matrix in enumerate(places):
        vertices.append(primitive.vertices @ matrix[:3, :3].T + matrix[:3, 3])
        mirrored = np.linalg.det(matrix[:3, :3]) < 0
        own = primitive.faces[:, ::-1] if mirrored else primitive.faces
        faces.append(own + i * len(primitive.vertices))
    if not faces:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    return np.concatenate(vertices), np.concatenate(faces)


def _material(document: Document, own: Json) -> str:
    """ "number:name"; those without one have the number after the last."""
    materials = document.all("materials")
    number = own.get("material", -1)
    if not isinstance(number, int) or not 0 <= number < len(materials):
        return f"{len(materials)}:"
    return f"{number}:{materials[number].get('name', '')}"


def _joined(pieces: list[_Piece]) -> Raw:
    offsets = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    raw = Raw(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.faces + at for piece, at in zip(pieces, offsets, strict=False)]),
    )
    own = _uv_set(pieces, "")
    raw.uvs, raw.bare = (None, None) if own is None else (own.uvs, own.bare)
    raw.warnings = bare_parts(sum(piece.uvs is None for piece in pieces), len(pieces))
    names = dict.fromkeys(name for piece in pieces for name in piece.others)
    raw.others = [found for name in names if (found := _uv_set(pieces, name)) is not None]
    return raw


def _uv_set(pieces: list[_Piece], name: str) -> UVSet | None:
    """The UVs called ``name`` of all ``pieces``, the first ones of those that haven't them."""
    sets = [piece.others.get(name, piece.uvs) for piece in pieces]
    if all(uvs is None for uvs in sets):
        return None
    counts = [len(piece.faces) for piece in pieces]
    uvs = [np.zeros((count, 3, 2)) if own is None else own for own, count in zip(sets, counts, strict=True)]
    bare = np.repeat([own is None for own in sets], counts)
    return UVSet(name, np.concatenate(uvs), bare if bare.any() else None)


def _nothing(document: Document) -> Raw:
    """A file that shows no triangles: said as it is."""
    meshes = document.all("meshes")
    placed = any("mesh" in node for node in document.all("nodes"))
    if meshes and not placed:
        raise UserError(
            f"'{document.name}' has {len(meshes)} meshes, but no node that gives one a place",
            "put the mesh into the scene, and export it again",
        )
    return empty(points=bool(meshes))


def _lost(document: Document) -> list[str]:
    """What mesh.glb won't have."""
    lists = [mesh.get("primitives") for mesh in document.all("meshes")]
    primitives = [one for found in lists if isinstance(found, list) for one in found]
    lost = [
        name
        for name, there in (
            ("skin", any("skin" in node for node in document.all("nodes"))),
            ("animations", bool(document.header.get("animations"))),
            ("morph targets", any(isinstance(one, dict) and one.get("targets") for one in primitives)),
        )
        if there
    ]
    if not lost:
        return []
    return [f"mesh.glb shows the file's default pose, without its {' and '.join(lost)}"]
