"""Any glTF as one plain .glb in memory: no materials, no pictures, no packed numbers, nothing remote.

trimesh drops the UVs of parts without a material, reads normalised integers as they are stored and follows
every picture; here the file is first rewritten so that none of that matters.
"""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError
from .parts import number_gltf

_TYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_FLOAT = 5126
_COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")


def plain_glb(path: Path) -> bytes:
    """The glTF file ``path`` (.glb, or .gltf with its buffers beside it) as bytes of a self-contained .glb.

    Raises UserError for compressed geometry and missing or remote buffers, ValueError for a broken file.
    """
    header, chunk = _open(path)
    _require_uncompressed(header, path.name)
    data = _one_buffer(header, chunk, path)
    _strip(header)
    data = _widen(header, data)
    header["buffers"] = [{"byteLength": len(data)}]
    return pack(header, data)


def _open(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON header and the binary chunk (empty for .gltf)."""
    blob = path.read_bytes()
    if blob[:4] != b"glTF":
        header, chunk = json.loads(blob.decode("utf-8-sig")), b""
    else:
        version = struct.unpack_from("<I", blob, 4)[0]
        if version != 2:
            raise ValueError(f"glTF version {version} is not supported, only 2")
        header, chunk = _chunks(blob)
    if not isinstance(header, dict) or not isinstance(header.get("asset"), dict):
        raise ValueError("not a glTF header")
    return header, chunk


def _chunks(blob: bytes) -> tuple[Any, bytes]:
    """JSON and binary chunk of a .glb."""
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= len(blob):
        length, kind = struct.unpack_from("<I4s", blob, at)
        if at + 8 + length > len(blob):
            raise ValueError("the file is cut off")
        found.setdefault(kind, blob[at + 8 : at + 8 + length])
        at += 8 + length
    if b"JSON" not in found:
        raise ValueError("the file is cut off")
    return json.loads(found[b"JSON"]), found.get(b"BIN\0", b"")


def _require_uncompressed(header: dict[str, Any], name: str) -> None:
    for extension in _COMPRESSED:
        if extension in header.get("extensionsRequired", []):
            raise UserError(
                f"'{name}' is compressed ({extension}), which can't be read",
                "export it again with compression switched off",
            )


def _one_buffer(header: dict[str, Any], chunk: bytes, path: Path) -> bytes:
    """All buffers behind one another, each aligned to four bytes, and the views moved to match."""
    parts: list[bytes] = []
    starts: list[int] = []
    at = 0
    for buffer in header.get("buffers", []):
        part = _buffer(buffer["uri"], path) if "uri" in buffer else chunk
        starts.append(at)
        parts.append(part + bytes(-len(part) % 4))
        at += len(parts[-1])
    for view in header.get("bufferViews", []):
        view["byteOffset"] = view.get("byteOffset", 0) + starts[view.get("buffer", 0)]
        view["buffer"] = 0
    return b"".join(parts)


def _buffer(uri: str, path: Path) -> bytes:
    """The bytes behind a buffer's URI: inline, or a file beside ``path``. Never the network."""
    if uri.startswith("data:"):
        head, _, body = uri.partition(",")
        return base64.b64decode(body) if head.endswith(";base64") else unquote_to_bytes(body)
    if len(urlsplit(uri).scheme) > 1:
        raise UserError(
            f"'{path.name}' keeps its geometry at '{uri}'", "download that and save the mesh as one .glb"
        )
    beside = path.parent / unquote(uri)
    if not beside.is_file():
        raise UserError(
            f"'{path.name}' needs the file '{unquote(uri)}' beside it", "put it there, or export one .glb"
        )
    return beside.read_bytes()


def _strip(header: dict[str, Any]) -> None:
    """Bare materials (UVs are only read with one), no pictures, skins or motion."""
    for key in ("images", "textures", "samplers", "animations", "skins", "cameras", "extensions"):
        header.pop(key, None)
    number_gltf(header)
    for mesh in header.get("meshes", []):
        for primitive in mesh["primitives"]:
            primitive.pop("extensions", None)
            wanted = ("POSITION", "TEXCOORD_0")
            primitive["attributes"] = {k: v for k, v in primitive["attributes"].items() if k in wanted}


def _widen(header: dict[str, Any], data: bytes) -> bytes:
    """``data`` with every integer POSITION and TEXCOORD_0 appended as float32, normalised ones divided."""
    used = {
        i for mesh in header.get("meshes", []) for p in mesh["primitives"] for i in p["attributes"].values()
    }
    parts, end = [data], len(data)
    for index in sorted(used):
        accessor = header["accessors"][index]
        if accessor["componentType"] == _FLOAT or "bufferView" not in accessor:
            continue
        values = _values(accessor, header["bufferViews"][accessor["bufferView"]], data).astype("<f4")
        header["bufferViews"].append({"buffer": 0, "byteOffset": end, "byteLength": values.nbytes})
        accessor.update(componentType=_FLOAT, bufferView=len(header["bufferViews"]) - 1, byteOffset=0)
        accessor.pop("normalized", None)
        parts.append(values.tobytes())
        end += values.nbytes
    return b"".join(parts)


def _values(accessor: dict[str, Any], view: dict[str, Any], data: bytes) -> NDArray[np.float64]:
    """An integer accessor's values (count, width), normalised to [0, 1] or [-1, 1] where it says so."""
    kind: np.dtype[Any] = np.dtype(_TYPES[accessor["componentType"]])
    width, count = _WIDTHS[accessor["type"]], int(accessor["count"])
    stride = view.get("byteStride", width * kind.itemsize)
    start = view["byteOffset"] + accessor.get("byteOffset", 0)
    values = np.ndarray((count, width), kind, data, start, (stride, kind.itemsize)).astype(np.float64)
    return np.maximum(values / np.iinfo(kind).max, -1.0) if accessor.get("normalized") else values


def pack(header: dict[str, Any], data: bytes) -> bytes:
    """The bytes of a .glb."""
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 4)
    data += bytes(-len(data) % 4)
    total = 12 + 8 + len(text) + 8 + len(data)
    return b"".join(
        (
            struct.pack("<4sII", b"glTF", 2, total),
            struct.pack("<I4s", len(text), b"JSON"),
            text,
            struct.pack("<I4s", len(data), b"BIN\0"),
            data,
        )
    )
