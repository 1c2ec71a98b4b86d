"""The private folder through which arrays and pictures of one job cross."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

PREFIX = "sync_texture_"


def make(base: str | None = None) -> Path:
    """A new, empty folder that only this user can enter, inside ``base`` (None: the temporary folder).

    The name is unique, so two Blenders never meet in one. Raises OSError.
    """
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))


def remove(folder: Path) -> None:
    """Remove ``folder`` with what is in it; never raises (a killed engine may still hold a file open)."""
    shutil.rmtree(folder, ignore_errors=True)
