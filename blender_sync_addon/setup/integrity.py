"""Is an environment as it was installed? Every package lists its files with their hashes. No bpy."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path


def damaged(environment: Path, check: Callable[[], None]) -> dict[str, list[str]]:
    """The files that are missing or changed, by package; empty when all is well.

    check: called often; may raise.
    """
    found: dict[str, list[str]] = {}
    records = environment.glob("[Ll]ib/**/site-packages/*.dist-info/RECORD")  # not what packages carry inside
    for record in sorted(records):
        for path in _wrong(record, check):
            found.setdefault(record.parent.name.partition("-")[0], []).append(path)
    return found


def _wrong(record: Path, check: Callable[[], None]) -> Iterator[str]:
    site = record.parent.parent
    with record.open(newline="", encoding="utf-8") as stream:
        for row in csv.reader(stream):
            check()
            name, expected, _size = (*row, "", "")[:3]
            if expected and _hash(site / name, expected.partition("=")[0]) != expected.partition("=")[2]:
                yield name


def _hash(path: Path, algorithm: str) -> str:
    """As RECORD has it; "" for a file that can't be read."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, algorithm).digest()
    except OSError:
        return ""
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
