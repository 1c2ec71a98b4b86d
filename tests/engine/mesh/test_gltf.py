"""glTF files written here byte by byte."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.mesh.mesh import Mesh, load

POSITIONS = np.array([[0, 0, 0], [2, 0, 0], [2, 1, 0], [0, 1, 0]], "<f4")
TOP_LEFT_UVS = np.array([[0.1, 0.8], [0.9, 0.8], [0.9, 0.3], [0.1, 0.3]], "<f4")
INDICES = np.array([0, 1, 2, 0, 2, 3], "<u2")


def document(uvs: np.ndarray, normalized: bool, kind: int) -> tuple[dict[str, Any], bytes]:
    """A quad whose texture coordinates are ``uvs``, as header and buffer."""
    blobs = [POSITIONS.tobytes(), uvs.tobytes(), INDICES.tobytes()]
    starts = np.cumsum([0] + [len(b) for b in blobs])
    accessors: list[dict[str, Any]] = [
        {"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"},
        {"bufferView": 1, "componentType": kind, "count": 4, "type": "VEC2", "normalized": normalized},
        {"bufferView": 2, "componentType": 5123, "count": 6, "type": "SCALAR"},
    ]
    header = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2}]}],
        "accessors": accessors,
        "bufferViews": [
            {"buffer": 0, "byteOffset": int(start), "byteLength": len(blob)}
            for start, blob in zip(starts, blobs, strict=False)
        ],
        "buffers": [{"byteLength": int(starts[-1])}],
    }
    return header, b"".join(blobs)


def glb(header: dict[str, Any], data: bytes) -> bytes:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 4)
    data += bytes(-len(data) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def require_quad(mesh: Mesh) -> None:
    """The quad with UVs whose origin is at the bottom left."""
    assert mesh.uvs is not None
    assert len(mesh.faces) == 2
    np.testing.assert_allclose(mesh.vertices[mesh.faces[1]], POSITIONS[[0, 2, 3]])
    np.testing.assert_allclose(mesh.uvs[1], [[0.1, 0.2], [0.9, 0.7], [0.1, 0.7]], atol=1e-4)


def test_uv_origin_is_bottom_left_and_no_material_is_needed(tmp_path: Path) -> None:
    path = tmp_path / "quad.glb"
    path.write_bytes(glb(*document(TOP_LEFT_UVS, False, 5126)))
    require_quad(load(path))


@pytest.mark.parametrize(("kind", "largest"), [(5123, 65535), (5121, 255)])
def test_normalised_integers(tmp_path: Path, kind: int, largest: int) -> None:
    dtype = "<u2" if kind == 5123 else "u1"
    packed = np.round(TOP_LEFT_UVS * largest).astype(dtype)
    path = tmp_path / "quad.glb"
    path.write_bytes(glb(*document(packed, True, kind)))
    mesh = load(path)
    assert mesh.uvs is not None
    np.testing.assert_allclose(mesh.uvs[1], [[0.1, 0.2], [0.9, 0.7], [0.1, 0.7]], atol=1 / largest)


def test_quantised_interleaved_positions(tmp_path: Path) -> None:
    header, data = document(TOP_LEFT_UVS, False, 5126)
    rows = np.zeros((4, 4), "<i2")
    rows[:, :3] = POSITIONS * 100
    header["nodes"][0]["scale"] = [0.01, 0.01, 0.01]
    header["accessors"][0].update(bufferView=3, componentType=5122)
    header["bufferViews"].append({"buffer": 0, "byteOffset": len(data), "byteLength": 32, "byteStride": 8})
    header["buffers"][0]["byteLength"] += 32
    path = tmp_path / "quad.glb"
    path.write_bytes(glb(header, data + rows.tobytes()))
    require_quad(load(path))


def test_buffers_inline_and_beside(tmp_path: Path) -> None:
    header, data = document(TOP_LEFT_UVS, False, 5126)
    (tmp_path / "my data.bin").write_bytes(data)
    uris = ["my%20data.bin", "data:application/octet-stream;base64," + base64.b64encode(data).decode()]
    for uri in uris:
        header["buffers"][0]["uri"] = uri
        (tmp_path / "quad.gltf").write_text(json.dumps(header))
        require_quad(load(tmp_path / "quad.gltf"))


def test_pictures_are_never_opened(tmp_path: Path) -> None:
    header, data = document(TOP_LEFT_UVS, False, 5126)
    header["images"] = [{"uri": "https://example.org/a.png"}, {"bufferView": 0, "mimeType": "image/png"}]
    header["textures"] = [{"source": 0}, {"source": 1}]
    header["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    header["meshes"][0]["primitives"][0]["material"] = 0
    path = tmp_path / "quad.glb"
    path.write_bytes(glb(header, data))
    require_quad(load(path))
