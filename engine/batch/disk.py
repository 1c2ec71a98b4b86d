"""Writing so that a crash, at whatever instant, leaves the old or the new, and what is said to be done is."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from .. import inputs
from ..errors import UserError


def sync(path: Path) -> None:
    """Wait until the file or folder ``path`` has reached the disk."""
    if os.name == "nt" and path.is_dir():
        return  # folders can't be opened there; NTFS journals them
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all(paths: Sequence[Path]) -> None:
    """Wait until all ``paths`` have; side by side takes no longer than the slowest."""
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(sync, paths))


def write(path: Path, data: bytes) -> None:
    """``data`` as the file ``path``, whole or not at all. Raises OSError."""
    new = path.with_name(f".{path.name}.new")
    try:
        new.write_bytes(data)
        sync(new)
        os.replace(new, path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
    sync(path.parent)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Likewise, as JSON."""
    write(path, encoded(values))


def encoded(values: Mapping[str, Any]) -> bytes:
    """``values`` as the text of a JSON file."""
    return json.dumps(values, ensure_ascii=False, indent=1).encode("utf-8", "surrogateescape") + b"\n"


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in ``path``; None when there is none, or nothing that can be read."""
    try:
        values = inputs.read_json(path)
    except UserError:
        return None
    return values if isinstance(values, dict) else None
