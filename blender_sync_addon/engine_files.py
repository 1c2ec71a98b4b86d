"""Files that the engine hands over, looked at before anything is made of them. No bpy: threads read them.

An engine is a program that this computer runs, not one to be believed: what a header says is checked against
what was asked for, and against what a file of that many bytes can hold, before anybody takes memory for it.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..engine import inputs, protocol
from ..engine.protocol import UserError
from .problem import Problem

PACKED = 1032  # bytes that one byte of a deflated file can stand for, at most
LARGEST_UV = 100.0  # UDIM tiles end at 10 across
_HEAD = 1 << 16  # bytes of a file in which its header ends
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
_CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}  # of the colour types of PNGs, but for palettes
_EXR = b"\x76\x2f\x31\x01\x02"
_TILED, _DEEP, _PARTS = 0x02, 0x08, 0x10  # of the flags in an OpenEXR's second byte of its version
_FIX = "Generate again; if that doesn't help, install the extension again."


def foreign(what: str) -> Problem:
    """That the engine returned what nobody can use: ``what``, a sentence."""
    return Problem(what, _FIX, protocol.EXIT_BUG)


def own_file(path: str, folder: Path) -> Path:
    """The engine's file ``path``, which has to lie in ``folder`` or below. Raises Problem."""
    try:
        found = Path(path).resolve()
        if not found.is_relative_to(folder.resolve()):
            raise foreign(f"The engine names a file outside of its folder: '{found}'")
        file, size = inputs.open_input(found)
        file.close()
    except UserError as error:
        raise foreign(f"The engine left no texture at '{path}': {error}") from error
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, names that no file can have
        raise foreign(f"The engine names a file that can't be: '{path}'") from error
    if size == 0:
        raise foreign(f"The engine left no texture at '{path}': it is empty")
    return found


def picture_size(path: Path) -> tuple[int, int]:
    """Width and height of the .png or .exr ``path``, as its header says. Raises Problem for another file, and
    for one with more texels than so many bytes can hold."""
    head, size = _head(path)
    try:
        width, height, row = _png(head) if head.startswith(_PNG[:8]) else _exr(head)
    except (ValueError, KeyError, struct.error) as error:
        raise foreign(f"The engine's picture '{path.name}' can't be read: it has no usable header") from error
    if width < 1 or height < 1 or row * height > PACKED * size:
        what = f"The engine's picture '{path.name}' says that it is {width} x {height}, and has {size} bytes"
        raise foreign(what)
    return width, height


def corner_uvs(path: Path, triangles: int) -> NDArray[np.float32]:
    """(triangles, 3, 2) float32, finite: what the .npy ``path`` holds, which nothing else does. Raises
    Problem."""
    shape = (triangles, 3, 2)
    try:
        data = inputs.read_input(path, most=_HEAD + 24 * triangles)
    except UserError as error:
        raise foreign(f"The engine's UVs can't be read: {error}") from error
    found = _npy(data, shape)
    if found is None:
        raise foreign(f"The engine's UVs are no array of {triangles} x 3 x 2 numbers")
    if not (np.abs(found) <= LARGEST_UV).all():  # false for what is no number, too
        raise foreign("The engine's UVs lie outside of every texture")
    return found


def _head(path: Path) -> tuple[bytes, int]:
    """The first bytes of ``path``, and how many there are. Raises Problem."""
    try:
        file, size = inputs.open_input(path)
        with file:
            return file.read(_HEAD), size
    except (UserError, OSError) as error:
        raise foreign(f"The engine's picture '{path.name}' can't be read: {error}") from error


def _png(head: bytes) -> tuple[int, int, int]:
    """Width, height and bytes of a row. Raises KeyError, ValueError and struct.error."""
    if not head.startswith(_PNG):
        raise ValueError
    width, height, bits, kind = struct.unpack(">IIBB", head[16:26])
    return width, height, width * _CHANNELS[kind] * bits // 8


def _exr(head: bytes) -> tuple[int, int, int]:
    """As ``_png``; of a file with one part of rows. Raises ValueError, struct.error and KeyError."""
    if not head.startswith(_EXR) or head[5] & (_TILED | _DEEP | _PARTS):
        raise ValueError
    window = _exr_attribute(head, b"dataWindow", b"box2i")
    left, top, right, bottom = struct.unpack("<4i", window)
    width = right - left + 1
    return width, bottom - top + 1, 2 * width  # at least


def _exr_attribute(head: bytes, name: bytes, kind: bytes) -> bytes:
    """The value of the attribute ``name`` in the header. Raises ValueError and struct.error."""
    at = 8
    while head[at : at + 1] != b"\0":
        own_name, own_kind = head[at:].split(b"\0", 2)[:2]
        at += len(own_name) + len(own_kind) + 2
        (length,) = struct.unpack("<I", head[at : at + 4])
        if (own_name, own_kind) == (name, kind):
            return head[at + 4 : at + 4 + length]
        at += 4 + length
    raise ValueError


def _npy(data: bytes, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
    """The array of ``shape`` in the file ``data``; None where there is another one or none."""
    file = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(file) != (1, 0):
            return None
        said = np.lib.format.read_array_header_1_0(file)
    except Exception:  # numpy parses a header as Python, and passes on whatever that runs into
        return None
    if said != (shape, False, np.dtype("<f4")) or len(data) - file.tell() != 4 * np.prod(shape):
        return None
    return np.frombuffer(data, np.float32, offset=file.tell()).reshape(shape)
