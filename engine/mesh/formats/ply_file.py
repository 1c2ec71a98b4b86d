"""PLY files as columns: a header that says what there is, and rows of numbers and lists, as text or bytes."""

from __future__ import annotations

import re

from ..raw import Check, Damaged
from . import ply_rows, text
from .ply_rows import Columns, Element, Property

_TYPES = {
    **dict.fromkeys(("char", "int8"), "i1"),
    **dict.fromkeys(("uchar", "uint8"), "u1"),
    **dict.fromkeys(("short", "int16"), "i2"),
    **dict.fromkeys(("ushort", "uint16"), "u2"),
    **dict.fromkeys(("int", "int32"), "i4"),
    **dict.fromkeys(("uint", "uint32"), "u4"),
    **dict.fromkeys(("float", "float32"), "f4"),
    **dict.fromkeys(("double", "float64"), "f8"),
}
_FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_HEADER = 1 << 20  # bytes, at most
_END = re.compile(rb"[\r\n]end_header[ \t]*(\r\n|\n|\r|$)")


def read(data: bytes, check: Check) -> dict[str, Columns]:
    """The columns of each element of the PLY file ``data``. Raises Damaged."""
    order, elements, start = header(data)
    body = ply_rows.Binary(data, start, order) if order else ply_rows.Text(data, start, check)
    found: dict[str, Columns] = {}
    for element in elements:
        check()
        if element.count * len(element.properties) > body.left():
            raise Damaged(
                f"its header promises {element.count:,} of '{element.name}', and the file is too short"
            )
        if element.count and element.properties:
            found[element.name] = body.read(element, check)
    if rest := body.left():
        raise Damaged(f"it has {rest:,} {body.unit} more than its header says")
    return found


def header(data: bytes) -> tuple[str, list[Element], int]:
    """The byte order, "" for text, the elements, and where the body starts. Raises Damaged."""
    end = _END.search(data, 0, _HEADER)
    if not data.startswith(b"ply") or end is None:
        raise Damaged("it doesn't begin with a PLY header")
    lines = data[: end.start()].decode("utf-8", "replace").splitlines()
    order: str | None = None
    elements: list[Element] = []
    for number, line in enumerate(lines[1:], 2):
        match line.split():
            case ["format", name, "1.0"] if name in _FORMATS:
                order = _FORMATS[name]
            case ["element", name, count] if count.isdecimal() and len(count) < 12:
                elements.append(Element(name, int(count)))
            case ["property", "list", length, kind, name] if elements and _is_count(length, kind):
                elements[-1].properties.append(Property(name, _TYPES[kind], _TYPES[length]))
            case ["property", kind, name] if elements and kind in _TYPES:
                elements[-1].properties.append(Property(name, _TYPES[kind]))
            case [] | ["comment" | "obj_info", *_]:
                pass
            case _:
                raise Damaged(
                    f"line {number} of its header, {text.shown(line.encode())}, can't be understood"
                )
    if order is None:
        raise Damaged("its header doesn't name a format")
    for element in elements:
        names = [one.name for one in element.properties]
        if len(set(names)) < len(names):
            raise Damaged(f"its header names a property of '{element.name}' twice")
    return order, elements, end.end()


def _is_count(length: str, kind: str) -> bool:
    """Whether a list's length and values can be of these types."""
    return kind in _TYPES and _TYPES.get(length, "f")[0] in "iu"
