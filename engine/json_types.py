"""JSON that nobody vouches for, as dataclasses: every field is of its declared type, or ValueError.

Standard library only: Blender's own Python reads this, too.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

Found = TypeVar("Found")
LARGEST = 2**53  # of whole numbers: what every reader of JSON holds exactly
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


def read(kind: type[Found], data: object, others: bool = False) -> Found:
    """``data`` as the dataclass ``kind``. others: whether it may have fields that ``kind`` hasn't.

    A field is a str, int, float, bool, dataclass, or a list or mapping of these; ``X | None`` takes null.
    Numbers are finite, whole ones at most LARGEST, texts without a zero character. Raises ValueError, which
    names the first place that is missing, unknown or of another type.
    """
    found: Found = _object(kind, data, "", others)
    return found


@functools.cache
def _hints(kind: type) -> Mapping[str, Any]:
    return typing.get_type_hints(kind)


def _object(kind: Any, data: object, where: str, others: bool = False) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{where or 'it'} is no object")
    fields = {field.name: field for field in dataclasses.fields(kind)}
    for name in data.keys() - fields.keys() if not others else ():
        raise ValueError(f"{_place(where, ascii(name)[:40])} is unknown")
    known = {}
    for name, field in fields.items():
        if name in data:
            known[name] = _value(_hints(kind)[name], data[name], _place(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"{_place(where, name)} is missing")
    return kind(**known)


def _value(hint: Any, data: object, where: str) -> Any:
    if isinstance(hint, types.UnionType):
        one = next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)
        return None if data is None else _value(one, data, where)
    outer, inner = typing.get_origin(hint), typing.get_args(hint)
    if outer is list:
        if not isinstance(data, list):
            raise ValueError(f"{where} is no list")
        return [_value(inner[0], one, f"{where}[{i}]") for i, one in enumerate(data)]
    if outer is not None:
        if not isinstance(data, dict):
            raise ValueError(f"{where} is no object")
        return {_value(str, name, where): _value(inner[1], one, where) for name, one in data.items()}
    if dataclasses.is_dataclass(hint):
        return _object(hint, data, where)
    if not _is(hint, data):
        raise ValueError(f"{where} is not {_WORDS[hint]}")
    return data


def _is(kind: type, data: object) -> bool:
    if kind is str:
        return isinstance(data, str) and "\0" not in data
    if kind is float:
        return _is(int, data) or (isinstance(data, float) and math.isfinite(data))
    if kind is int:
        return type(data) is int and abs(data) <= LARGEST
    return type(data) is kind


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
