"""A value of an option: read from text or JSON, of the right kind, one of the choices, within the limits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import UserError
from . import choices
from .option import Option

SPACES = tuple(choices.SYNC_SPACES)
_KINDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def read(option: Option, value: Any) -> Any:
    """``value``, text or from JSON, as one of the option's kind; of lists in text stand semicolons between.

    Raises UserError for another kind, and for what isn't one of the choices.
    """
    try:
        found = _list(option, value) if option.several else _READERS[option.kind](value)
    except (TypeError, ValueError, KeyError, OverflowError):
        raise _refused(option, value, f"give {allowed(option)}", f", not {kind_words(option)}") from None
    if option.number is None:
        check(option, found)
    return found


def check(option: Option, value: Any) -> None:
    """Raise UserError where ``value``, of the option's kind or None, is no choice or beyond the limits."""
    if value is None:
        return
    for one in value if option.several else [value]:
        if not _is_allowed(option, one):
            raise _refused(option, one, f"use {allowed(option)}")


def is_kind(option: Option, value: Any) -> bool:
    """Whether ``value``, from JSON, is of the option's kind."""
    if value is None:
        return option.optional
    if option.several:
        return isinstance(value, list | tuple) and all(_is_one(option, one) for one in value)
    return _is_one(option, value)


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
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_allowed(option: Option, value: Any) -> bool:
    if value in option.choices:
        return True
    return not option.choices if option.number is None else _is_within(option, value)


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
    values = [part.strip() for part in value.split(";")] if isinstance(value, str) else value
    return tuple(_READERS[option.kind](one) for one in values)


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


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else _TRUTHS[str(value).lower()]


_READERS: Mapping[Any, Any] = {str: _text, int: _whole, float: _number, bool: _truth}
