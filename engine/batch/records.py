"""What a batch wrote down about its jobs and reads again: of the types that it writes, or of no use.

The folder lies where others may write, and files are cut off, mixed up and mended by hand. A job whose record
makes no sense is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], bool]


def fits(record: Mapping[str, Any]) -> bool:
    """Whether ``record`` can be a job.json: what it has is of the right types, ``fingerprint`` (None while
    results are replaced) and ``files`` are there."""
    return {"fingerprint", "files"} <= record.keys() and _all_fit(_RECORD, record)


def is_failure(event: Mapping[str, Any]) -> bool:
    """Whether ``event`` of a journal can be how a job failed."""
    return {"error", "fix"} <= event.keys() and _all_fit(_FAILURE, event)


def number(value: Any) -> float | None:
    """``value``, from JSON, where it is a number, else None."""
    return value if type(value) in (int, float) else None


def _all_fit(checks: Mapping[str, Check], found: Mapping[str, Any]) -> bool:
    return all(name not in found or check(found[name]) for name, check in checks.items())


def _is_text(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(value.encode("utf-8", "surrogateescape") or True)
    except UnicodeEncodeError:  # half of a surrogate pair: no file could be written with it
        return False


def _is_path(value: Any) -> bool:
    return value is None or (_is_text(value) and "\0" not in value)


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 10**6


def _is_time(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < 10**9


def _is_file_name(value: Any) -> bool:
    return _is_text(value) and value not in ("", ".", "..") and not set(value) & set("/\\\0")


def _is_sizes(value: Any) -> bool:
    return isinstance(value, dict) and all(type(size) is int and size >= 0 for size in value.values())


def _list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _is_texture(value: Any) -> bool:
    return isinstance(value, dict) and _is_text(value.get("path"))


def _is_result(value: Any) -> bool:
    return isinstance(value, dict) and _all_fit(_RESULT, value)


_PATHS = ("texture", "mesh", "views", "turntable", "report", "uvs", "scene")
_RESULT: Mapping[str, Check] = {
    **dict.fromkeys(_PATHS, _is_path),
    "warnings": _list_of(_is_text),
    "textures": _list_of(_is_texture),
    "other_uvs": _list_of(_is_path),
}
_RECORD: Mapping[str, Check] = {
    "fingerprint": lambda value: value is None or _is_text(value),
    "files": _list_of(_is_file_name),
    "sizes": _is_sizes,
    "seconds": _is_time,
    "attempts": _is_count,
    "result": _is_result,
    "warnings": _list_of(_is_text),
}
_FAILURE: Mapping[str, Check] = {
    "error": _is_text,
    "fix": _is_text,
    "code": _is_count,
    "attempts": _is_count,
}
