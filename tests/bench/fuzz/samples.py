"""Small valid files, made in code: what the fuzz run's cases are changed from."""

from __future__ import annotations

import io
import json
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np

from tests.bench.fuzz.mutate import words

CORNERS = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.4, 0.4) for z in (-0.3, 0.3)], np.float32)
QUADS = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
FACES = np.array([triangle for a, b, c, d in QUADS for triangle in ((a, b, c), (a, c, d))], np.int32)
PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def _charts() -> np.ndarray:
    """(12, 3, 2) float32: a cell of a 3 x 2 grid for each side of the box."""
    found = []
    for number in range(len(QUADS)):
        low = np.array([number % 3 / 3 + 0.02, number // 3 / 2 + 0.02])
        square = low + np.array([[0, 0], [0.29, 0], [0.29, 0.45], [0, 0.45]])
        found += [square[[0, 1, 2]], square[[0, 2, 3]]]
    return np.array(found, np.float32)


UVS = _charts()


def obj() -> bytes:
    lines = ["mtllib box.mtl", "o first"]
    lines += [f"v {x} {y} {z}" for x, y, z in CORNERS]
    lines += [f"vt {u:.4f} {v:.4f}" for u, v in UVS.reshape(-1, 2)]
    for number, face in enumerate(FACES):
        if number % 6 == 0:
            lines.append(f"usemtl part{number // 6}")
        if number == 8:
            lines.append("o second")
        lines.append("f " + " ".join(f"{v + 1}/{3 * number + k + 1}" for k, v in enumerate(face)))
    return ("\n".join(lines) + "\n").encode()


def mtl() -> bytes:
    return b"newmtl part0\nKd 1 0 0\nmap_Kd box.png\nnewmtl part1\nKd 0 1 0\n"


def ply(binary: bool) -> bytes:
    kind = "binary_little_endian" if binary else "ascii"
    head = f"ply\nformat {kind} 1.0\ncomment of a box\nelement vertex {len(CORNERS)}\n"
    head += "property float x\nproperty float y\nproperty float z\n"
    head += f"element face {len(FACES)}\nproperty list uchar int vertex_indices\nend_header\n"
    if binary:
        body = CORNERS.astype("<f4").tobytes()
        body += b"".join(b"\x03" + struct.pack("<3i", *map(int, face)) for face in FACES)
        return head.encode() + body
    lines = [" ".join(map(str, corner)) for corner in CORNERS] + [f"3 {a} {b} {c}" for a, b, c in FACES]
    return (head + "\n".join(lines) + "\n").encode()


def stl(binary: bool) -> bytes:
    if binary:
        triangles = b"".join(
            struct.pack("<12fH", 0, 0, 0, *map(float, CORNERS[face].ravel()), 0) for face in FACES
        )
        return b"box".ljust(80) + words(len(FACES)) + triangles
    lines = ["solid box"]
    for face in FACES:
        lines += ["facet normal 0 0 0", "outer loop"]
        lines += ["vertex " + " ".join(map(str, corner)) for corner in CORNERS[face]]
        lines += ["endloop", "endfacet"]
    return ("\n".join([*lines, "endsolid box"]) + "\n").encode()


def gltf() -> tuple[dict[str, Any], bytes]:
    """The JSON of a glTF with two nodes, a material and a picture, and its buffer."""
    positions = CORNERS[FACES].reshape(-1, 3).astype("<f4")
    uvs = UVS.reshape(-1, 2).astype("<f4")
    indices = np.arange(len(positions), dtype="<u2")
    parts = [positions.tobytes(), uvs.tobytes(), indices.tobytes()]
    starts = np.cumsum([0, *(len(part) for part in parts)])
    views = [
        {"buffer": 0, "byteOffset": int(start), "byteLength": len(part)}
        for start, part in zip(starts, parts, strict=False)
    ]
    count = len(positions)
    header = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0, 1]}],
        "nodes": [
            {"mesh": 0, "name": "first"},
            {"mesh": 0, "name": "second", "translation": [2, 0, 0], "scale": [1, 1, 1], "children": []},
        ],
        "meshes": [
            {
                "primitives": [
                    {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0, "mode": 4}
                ]
            }
        ],
        "materials": [{"name": "paint", "pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{}],
        "images": [{"uri": "box.png"}],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": count,
                "type": "VEC3",
                "min": [-0.5, -0.4, -0.3],
                "max": [0.5, 0.4, 0.3],
            },
            {"bufferView": 1, "componentType": 5126, "count": count, "type": "VEC2"},
            {"bufferView": 2, "componentType": 5123, "count": count, "type": "SCALAR"},
        ],
        "bufferViews": views,
        "buffers": [{"uri": "box.bin", "byteLength": int(starts[-1])}],
    }
    return header, b"".join(parts)


def glb(header: bytes, body: bytes) -> bytes:
    """A .glb around ``header``, JSON, and ``body``."""
    header, body = header + b" " * (-len(header) % 4), body + bytes(-len(body) % 4)
    chunks = words(len(header)) + b"JSON" + header + words(len(body)) + b"BIN\0" + body
    return b"glTF" + words(2, 12 + len(chunks)) + chunks


def arrays() -> dict[str, np.ndarray]:
    """What the add-on writes into an .npz."""
    return {
        "vertices": CORNERS,
        "faces": FACES,
        "uvs": UVS,
        "polygons": np.repeat(np.arange(6), 2).astype(np.int32),
        "materials": np.repeat([0, 1], 6).astype(np.int32),
        "material_names": np.array(["wood", "iron"]),
    }


def npz(found: dict[str, np.ndarray], packed: bool = False) -> bytes:
    buffer = io.BytesIO()
    (np.savez_compressed if packed else np.savez)(buffer, allow_pickle=True, **found)
    return buffer.getvalue()


def pixels(side: int = 16) -> np.ndarray:
    """(side, side, 4) uint8 with a gradient in it."""
    y, x = np.mgrid[0:side, 0:side].astype(np.float32) / side
    return (255 * np.stack([x, y, 1 - x, np.ones_like(x)], axis=-1)).astype(np.uint8)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(width: int, height: int, depth: int, colours: int, body: bytes, *more: bytes) -> bytes:
    """A PNG around ``body``, packed pixels. more: chunks between the header and them."""
    head = struct.pack(">IIBBBBB", width & 0xFFFFFFFF, height & 0xFFFFFFFF, depth, colours, 0, 0, 0)
    chunks = [png_chunk(b"IHDR", head), *more, png_chunk(b"IDAT", body), png_chunk(b"IEND", b"")]
    return PNG_MAGIC + b"".join(chunks)


@cache
def pictures() -> dict[str, bytes]:
    """A picture of every kind that is read, and of some that aren't, by file ending."""
    from PIL import Image

    picture = Image.fromarray(pixels(), "RGBA")
    found = {}
    for ending, mode, kind in (
        *(
            ("png", "RGBA", "PNG"),
            ("grey.png", "L", "PNG"),
            ("palette.png", "P", "PNG"),
            ("jpg", "RGB", "JPEG"),
        ),
        *(("bmp", "RGB", "BMP"), ("tga", "RGBA", "TGA"), ("webp", "RGB", "WEBP"), ("tif", "RGB", "TIFF")),
        *(("gif", "P", "GIF"), ("ppm", "RGB", "PPM"), ("ico", "RGBA", "ICO"), ("icns", "RGBA", "PNG")),
    ):
        buffer = io.BytesIO()
        picture.convert(mode).save(buffer, kind)
        found[ending] = buffer.getvalue()
    deep = np.repeat(pixels()[..., :3].astype(">u2") * 257, 1, axis=0)
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    found["deep.png"] = png(16, 16, 16, 2, zlib.compress(rows))
    return {**found, "exr": exr()}


def exr() -> bytes:
    """An OpenEXR of three half channels."""
    import OpenEXR

    buffer = io.BytesIO()
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    values = pixels()[..., :3].astype(np.float16) / np.float16(255)
    OpenEXR.File(header, {"RGB": np.ascontiguousarray(values)}).write(buffer)
    return buffer.getvalue()


def cameras() -> dict[str, Any]:
    return {
        "cameras": [
            {"position": [0, 0, 4], "forward": [0, 0, -1], "up": [0, 1, 0], "fov": 40, "name": "front"},
            {"position": [4, 1, 0], "forward": [-1, 0, 0], "name": "side"},
        ]
    }


def json_bytes(document: Any) -> bytes:
    return json.dumps(document).encode()
