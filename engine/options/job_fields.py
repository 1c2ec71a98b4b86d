"""What a job file says, value by value, as a request wants it: text becomes numbers, wrong kinds are told."""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from typing import Any

from .. import protocol
from ..errors import UserError
from .arguments import CHOICES

KINDS: Mapping[str, Any] = typing.get_type_hints(protocol.Request)
NAMES = tuple(field.name for field in dataclasses.fields(protocol.Request) if field.name != "preview")
ALIASES = {"object": "objects"}  # as the command line spells it, of which there may be several
_WORDS = {str: "text", int: "a whole number", float: "a number"}


def read(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request in ``values``, options spelled with - or _; empty ones are left out.

    Raises UserError for names that no request has and for values of another kind.
    """
    found: dict[str, Any] = {}
    for spelled, value in values.items():
        name = field_name(spelled)
        if name in found:
            raise UserError(f"{spelled!r} is said twice", "say it once")
        if value is not None and value != "":
            found[name] = _value(name, value)
    return found


def field_name(spelled: str) -> str:
    """The field that ``spelled`` means; UserError when there is none."""
    name = spelled.strip().removeprefix("--").replace("-", "_").lower()
    name = ALIASES.get(name, name)
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(NAMES)}"
        raise UserError(f"there is no option {spelled!r}", hint)
    return name


def _value(name: str, value: Any) -> Any:
    kind = _kind(KINDS[name])
    if typing.get_origin(kind) is tuple:
        return _texts(name, value)
    if kind in _WORDS:
        try:
            value = _WORD_READERS[kind](value)
        except (TypeError, ValueError, OverflowError):
            raise UserError(f"{name} is {_short(value)}, not {_WORDS[kind]}", "correct it") from None
    if name in CHOICES and value not in CHOICES[name]:
        known = ", ".join(map(str, CHOICES[name]))
        raise UserError(f"{name} is {_short(value)}", f"use one of {known}")
    return value


def _kind(hint: Any) -> Any:
    """``int`` for ``int | None``; what isn't text or a number stays as it is."""
    if isinstance(hint, types.UnionType):
        kinds = [kind for kind in typing.get_args(hint) if kind is not types.NoneType]
        return kinds[0] if len(kinds) == 1 else hint
    return hint


def _texts(name: str, value: Any) -> list[str]:
    """A list of texts; in a cell of CSV they stand between semicolons."""
    values = [part.strip() for part in value.split(";")] if isinstance(value, str) else value
    try:
        return [_text(one) for one in values]
    except (TypeError, ValueError):
        raise UserError(f"{name} is {_short(value)}, not a list of texts", "correct it") from None


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    text = str(value)
    text.encode()  # half a surrogate pair can't be a path or a prompt
    return text


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise TypeError
    return number


_WORD_READERS: Mapping[Any, Any] = {str: _text, int: _whole, float: _number}


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
