"""glTF containers: the JSON header, its buffers, and what of a file's demands can be met."""

from __future__ import annotations

import base64
import binascii
import json
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import unquote, unquote_to_bytes

from ...errors import UserError
from ...inputs import named_file, read_input
from ..raw import Check, Damaged

Json: TypeAlias = dict[str, Any]
COMPRESSED = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_meshopt_compression")
_READ = {"KHR_mesh_quantization", "EXT_mesh_gpu_instancing", "KHR_texture_transform", "KHR_node_visibility"}
_LOOKS = re.compile(  # what only says how surfaces look, sound or behave; the shape is the same without it
    r"(KHR_materials_|EXT_materials_|ADOBE_materials_|KHR_texture_|EXT_texture_|MSFT_texture_|KHR_lights_"
    r"|EXT_lights_|KHR_audio|MSFT_audio|KHR_animation_|KHR_xmp|CESIUM_|FB_|VRM|EXT_mesh_manifold"
    r"|EXT_structural_metadata|EXT_mesh_features|MSFT_packing_|KHR_interactivity|GODOT_|OMI_|MPEG_)"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass
class Document:
    """A file: its header, the bytes of its buffers, and what to tell people."""

    name: str
    header: Json
    buffers: list[bytes]
    warnings: list[str] = field(default_factory=list)
    _checked: dict[str, list[Json]] = field(default_factory=dict)

    def all(self, kind: str) -> list[Json]:
        """Everything of one ``kind``: "nodes", "meshes", ..."""
        if kind not in self._checked:
            found = self.header.get(kind, [])
            if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
                raise Damaged(f"its '{kind}' is not a list of objects")
            self._checked[kind] = found
        return self._checked[kind]

    def one(self, kind: str, number: object) -> Json:
        """What has this ``number`` among all of one ``kind``."""
        return self.all(kind)[self.index(kind, number)]

    def index(self, kind: str, number: object) -> int:
        """``number``, which is one among all of one ``kind``."""
        found = self.all(kind)
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < len(found):
            raise Damaged(f"it refers to number {number!r} of '{kind}', and has {len(found)}")
        return number


def integer(owner: Json, key: str, default: int | None = None) -> int:
    """A number from 0 on; Damaged where it isn't one, or missing without a ``default``."""
    value = owner.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
        raise Damaged(f"'{key}' is {value!r}, not a count")
    return value


def extension(owner: Json, name: str) -> Json | None:
    """What the extension ``name`` says of ``owner``."""
    found = owner.get("extensions")
    one = found.get(name) if isinstance(found, dict) else None
    return one if isinstance(one, dict) else None


def open_document(path: Path, data: bytes, check: Check) -> Document:
    """The file ``path`` with the bytes ``data``, and the files that it names.

    Raises UserError for another version, for what it requires and we don't do, and for buffers that are
    missing or elsewhere; Damaged for a broken file.
    """
    header, chunk = _container(path.name, data)
    _require_version(path.name, header)
    document = Document(path.name, header, [])
    _require_known(document)
    document.buffers = list(_buffers(document, chunk, path, check))
    return document


def _container(name: str, data: bytes) -> tuple[Json, bytes | None]:
    """The JSON header and the binary chunk, None for .gltf."""
    if data[:4] != b"glTF":
        return _json(data), None
    if len(data) < 12:
        raise Damaged("the file is cut off")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise _other_version(name, str(version))
    if length > len(data):
        raise Damaged(f"the file is cut off: it has {len(data):,} of {length:,} bytes")
    found: dict[bytes, bytes] = {}
    at = 12
    while at + 8 <= length:
        size, kind = struct.unpack_from("<I4s", data, at)
        if at + 8 + size > length:
            raise Damaged("the file is cut off")
        found.setdefault(kind, data[at + 8 : at + 8 + size])
        at += 8 + size
    if b"JSON" not in found:
        raise Damaged("the file is cut off")
    return _json(found[b"JSON"]), found.get(b"BIN\0", b"")


def _json(data: bytes) -> Json:
    try:
        header = json.loads(data.decode("utf-8-sig").rstrip("\0"))
    except (ValueError, RecursionError) as error:
        raise Damaged(f"its header is not JSON ({error})") from error
    if not isinstance(header, dict):
        raise Damaged("its header is not a JSON object")
    return header


def _require_version(name: str, header: Json) -> None:
    asset = header.get("asset")
    if not isinstance(asset, dict):
        raise Damaged("it has no 'asset', so it is no glTF header")
    version = str(asset.get("minVersion", asset.get("version")))
    if not re.match(r"2(\.0)?$", version) and not (version.startswith("2.") and "minVersion" not in asset):
        raise _other_version(name, version)


def _other_version(name: str, version: str) -> UserError:
    return UserError(
        f"'{name}' is glTF of version {version[:20]}, and only version 2.0 can be read",
        "export it again as glTF 2.0, or convert it with a program that reads that version",
    )


def _require_known(document: Document) -> None:
    """Refuse what the file requires and we don't do; say what it uses and we can't show."""
    required, used = (_names(document.header, key) for key in ("extensionsRequired", "extensionsUsed"))
    unknown = [name for name in used if name not in _READ and not _LOOKS.match(name)]
    for name in required:
        if name in COMPRESSED:
            raise UserError(
                f"'{document.name}' is compressed ({name}), which can't be read",
                "export it again with compression switched off",
            )
        if name not in _READ and not _LOOKS.match(name):
            raise UserError(
                f"'{document.name}' requires the glTF extension {name}, which can't be read",
                "export it again without that, or as another kind of file",
            )
    if unknown := [name for name in unknown if name not in COMPRESSED]:
        document.warnings.append(f"glTF extensions that can't be shown: {', '.join(unknown)}")


def _names(header: Json, key: str) -> list[str]:
    found = header.get(key, [])
    if not isinstance(found, list):
        raise Damaged(f"its '{key}' is not a list")
    return [str(name)[:60] for name in found]


def _buffers(document: Document, chunk: bytes | None, path: Path, check: Check) -> Iterator[bytes]:
    """The bytes of each buffer; a file that several name is read once."""
    read: dict[Path, bytes] = {}
    for i, buffer in enumerate(document.all("buffers")):
        uri = buffer.get("uri")
        if isinstance(uri, str):
            yield _data(uri) if uri.startswith("data:") else _beside(uri, path, read, check)
        elif i == 0 and chunk is not None:
            yield chunk
        else:  # a compressed file's: what needs it is refused
            yield b""


def _data(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    if not head.endswith(";base64"):
        return unquote_to_bytes(body)
    try:
        return base64.b64decode(body)
    except binascii.Error as error:
        raise Damaged(f"a buffer inside it is not base64 ({error})") from error


def _beside(uri: str, path: Path, read: dict[Path, bytes], check: Check) -> bytes:
    """The bytes of a file in the folder of ``path``. Never the network."""
    if _SCHEME.match(uri):
        raise UserError(
            f"'{path.name}' keeps its geometry at '{uri[:100]}'",
            "download that and save the mesh as one .glb",
        )
    found = named_file(path, uri)
    if not found.exists():
        raise UserError(
            f"'{path.name}' needs the file '{unquote(uri)[:100]}' beside it",
            "put it there, or export one .glb",
        )
    if found not in read:
        read[found] = read_input(found, check)
    return read[found]


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
