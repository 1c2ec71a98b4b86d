"""Which object or material of a file each face belongs to: by names that survive trimesh.

trimesh gives names of its own to what has none or the same as another, and leaves out materials whose
pictures are missing. So what the file calls its parts is written in numbers before trimesh sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_LINES = {"material": rb"^usemtl\b[ \t]*(.*)$", "object": rb"^[og]\b[ \t]*(.*)$"}
Label = Callable[
    [str, Any], str
]  # of a node and a geometry of a trimesh scene: the "number:name" of its part
_SUFFIX = 7  # characters that trimesh adds to the node of a glTF mesh with several primitives


def nothing(node: str, geometry: Any) -> str:
    """All is of one part."""
    return ""


def numbered_obj(data: bytes, by: str) -> tuple[bytes, dict[str, bytes], Label]:
    """The OBJ file ``data`` with its parts, "object" or "material", as materials "0", "1", ..., a library of
    these for trimesh to look up, and what then tells the parts."""
    data = data.replace(b"\r\n", b"\n")
    names: list[str] = []

    def number(line: re.Match[bytes]) -> bytes:
        name = line[1].decode("utf-8", "replace").strip()
        if name not in names:
            names.append(name)
        return b"usemtl %d" % names.index(name)

    if by == "object":
        data = re.sub(rb"^usemtl\b.*$", b"", data, flags=re.MULTILINE)
        if re.search(rb"^o\b", data, flags=re.MULTILINE):  # groups are parts only where there is nothing else
            data = re.sub(rb"^g\b.*$", b"", data, flags=re.MULTILINE)
    text = re.sub(_LINES[by], number, data, flags=re.MULTILINE)
    library = b"".join(b"newmtl %d\nKd 1 1 1\n" % i for i in range(len(names)))

    def label(node: str, geometry: Any) -> str:
        material = _material(geometry)
        return f"{material}:{names[int(material)]}" if material.isdecimal() else ":"

    return b"mtllib parts\n" + text, {"parts": library}, label


def _material(geometry: Any) -> str:
    """What a trimesh geometry's material is called; "" where it has none."""
    return str(getattr(getattr(geometry.visual, "material", None), "name", None) or "")


def number_gltf(header: dict[str, Any]) -> None:
    """Materials and nodes of a glTF ``header`` by bare ones called "number:name"; every primitive has one,
    since UVs are only read with a material."""
    named = [str(material.get("name", "")) for material in header.get("materials", [])]
    header["materials"] = [{"name": f"{i}:{name}"} for i, name in enumerate([*named, ""])]
    meshes = header.get("meshes", [])
    for mesh in meshes:
        for primitive in mesh["primitives"]:
            material = primitive.get("material", len(named))
            primitive["material"] = material if 0 <= material < len(named) else len(named)
    for i, node in enumerate(header.get("nodes", [])):
        shown = node.get("mesh", len(meshes))
        own = meshes[shown].get("name", "") if 0 <= shown < len(meshes) else ""
        node["name"] = f"{i}:{node.get('name') or own}"


def gltf_label(by: str) -> Label:
    """What tells the parts of a glTF file that number_gltf has been through."""

    def of_node(node: str, geometry: Any) -> str:
        return node[:-_SUFFIX] if geometry.metadata.get("from_gltf_primitive") else node

    def of_material(node: str, geometry: Any) -> str:
        return _material(geometry)

    return {"object": of_node, "material": of_material}.get(by, nothing)
