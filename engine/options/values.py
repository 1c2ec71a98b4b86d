"""A value of an option: read from text or JSON, of the right kind, one of the choices, within the limits."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UserError
from . import choices
from .option import Option

SPACES = tuple(choices.SYNC_SPACES)
_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
LONGEST_TEXT = 10_000  # characters: a model reads some hundred of them
LONGEST_PATH, LONGEST_NAME = 4096, 255  # bytes that file systems take, of a path and of each name in it
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read(option: Option, value: Any) -> Any:
    """``value``, text or from JSON, as one of the option's kind; of lists in text stand semicolons between.

    Raises UserError for another kind, and for what isn't one of the choices.
    """
    try:
        found = _list(option, value) if option.several else _one(option, value)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise _refused(option, value, f"give {allowed(option)}", f", not {kind_words(option)}") from None
    if option.number is None:
        check(option, found)
    return found


def check(option: Option, value: Any) -> None:
    """Raise UserError where ``value`` is of another kind, no choice, beyond the limits, or a text that
    nothing can take."""
    if not is_kind(option, value):
        raise _refused(option, value, f"give {allowed(option)}", f", not {kind_words(option)}")
    if value is None:
        return
    for one in value if option.several else [value]:
        if flaw := isinstance(one, str) and _flaw(option, one):
            raise UserError(f"{{{option.name}}} is {short(one)}: {flaw[0]}", flaw[1], **{option.name: None})
        if not _is_allowed(option, one):
            raise _refused(option, one, f"use {allowed(option)}")


def check_all(entries: Mapping[str, Option], holder: object) -> None:
    """:func:`check` the attribute of ``holder`` for each of the ``entries``, options by name."""
    for name, option in entries.items():
        check(option, getattr(holder, name))


def is_kind(option: Option, value: Any) -> bool:
    """Whether ``value``, from JSON, is of the option's kind."""
    if value is None:
        return option.optional
    if option.several:
        return isinstance(value, list | tuple) and all(_is_one(option, one) for one in value)
    return _is_one(option, value)


def require_kind(option: Option, value: Any) -> None:
    """Raise ValueError where ``value``, from JSON, is of another kind than the option's."""
    if not is_kind(option, value):
        raise ValueError(f"{option.name} is {short(value)}, not {kind_words(option)}")


def require_object(data: Any) -> None:
    """Raise ValueError where ``data``, from JSON, is no object."""
    if not isinstance(data, Mapping):
        raise ValueError(f"the request is {short(data)}, not an object")


def holds(option: Option, value: Any) -> bool:
    """Whether ``value``, from JSON, is of the option's kind, one of its choices and within its limits."""
    if not option.by_space:
        return _holds_one(option, value)
    good = isinstance(value, Mapping) and set(value) <= set(SPACES)
    return good and all(_holds_one(option, one) for one in value.values())


def allowed(option: Option) -> str:
    """What a value may be, in words."""
    number = option.number and _within_words(option)
    words = [*option.choices, *([number] if number else [])]
    found = f"{'one of ' if len(words) > 2 else ''}{either(words)}" if words else kind_words(option)
    return f"an object with {' and '.join(SPACES)}, each {found}" if option.by_space else found


def kind_words(option: Option) -> str:
    """What kind a value is of, in words."""
    return "a list of texts" if option.several else _KINDS[option.kind]


def either(words: Sequence[str]) -> str:
    """``words`` with "or" before the last."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def number(value: float) -> str:
    """A number as people write it."""
    return f"{value:.12g}"


def short(value: Any) -> str:
    """``value`` for a message."""
    try:
        return cut(repr(value))
    except (RecursionError, ValueError):  # lists in lists in lists; a number of thousands of digits
        return f"a very large {type(value).__name__}"


def cut(text: str, most: int = 60) -> str:
    """As much of ``text`` as a message has room for, characters that can't be seen by their numbers."""
    text = text if text.isprintable() else repr(text)[1:-1]
    return text if len(text) <= most else text[: most - 3] + "..."


def _is_allowed(option: Option, value: Any) -> bool:
    if value in option.choices:
        return True
    return not option.choices if option.number is None else _is_within(option, value)


def _flaw(option: Option, text: str) -> tuple[str, str] | None:
    """Why nothing can take ``text``, and how to mend it; None where all is well."""
    if "\0" in text:
        return "it holds a zero character", "leave that out"
    try:
        size = len(os.fsencode(text) if option.is_path else text.encode())
    except UnicodeEncodeError:
        return "it isn't text", "write it in UTF-8"
    if not option.is_path:
        flaw = f"it has {len(text)} characters", f"use at most {LONGEST_TEXT}"
        return flaw if len(text) > LONGEST_TEXT else None
    if not text and option.required:
        return "it is empty", "name a file or a folder"
    if size > LONGEST_PATH or max(map(_name_size, re.split(r"[/\\]", text))) > LONGEST_NAME:
        return "no file has so long a name", f"use at most {LONGEST_NAME} bytes a name, {LONGEST_PATH} in all"
    return None


def _name_size(name: str) -> int:
    """As file systems count it: on Windows in characters."""
    return len(name if os.name == "nt" else os.fsencode(name))


def _is_within(option: Option, value: Any) -> bool:
    if isinstance(value, str):  # a whole number, or none
        value = int(value) if len(value) <= 9 and value.isdecimal() else math.nan
    low, high = option.limits
    return bool(low <= value <= high)


def _holds_one(option: Option, value: Any) -> bool:
    is_word = isinstance(value, str) and value in option.choices
    return is_word or (_is_one(option, value) and _is_allowed(option, value))


def _is_one(option: Option, value: Any) -> bool:
    return type(value) in ((int, float) if option.kind is float else (option.kind,))


def _within_words(option: Option) -> str:
    words, (low, high) = _KINDS[option.number or option.kind], option.limits
    if math.isinf(high):
        return words if math.isinf(low) else f"{words}, at least {number(low)}"
    return f"{words} from {number(low)} to {number(high)}"


def _refused(option: Option, value: Any, fix: str, more: str = "") -> UserError:
    return UserError(f"{{{option.name}}} is {short(value)}{more}", fix, **{option.name: None})


def _list(option: Option, value: Any) -> tuple[Any, ...]:
    """Of texts; in a cell of CSV they stand between semicolons."""
    parts = (part.strip() for part in value.split(";")) if isinstance(value, str) else ()
    values = list(filter(None, parts)) if isinstance(value, str) else value
    return tuple(_one(option, one) for one in values)


def _one(option: Option, value: Any) -> Any:
    return _path(value) if option.is_path else _READERS[option.kind](value)


def _path(value: Any) -> str:
    """As text, or of bytes that are none, as Python has them: file systems hold such names, too."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    os.fsencode(text := str(value))
    return text


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError
    text = str(value)
    text.encode()  # half a surrogate pair can't be a prompt
    return text


def _whole(value: Any) -> int:
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(number := float(value)):
        raise TypeError
    return number


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else _TRUTHS[str(value).lower()]


_READERS: Mapping[Any, Any] = {str: _text, int: _whole, float: _number, bool: _truth}
