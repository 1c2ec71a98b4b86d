"""What a job's folder is called, and which names can't stand side by side."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import UserError
from ..options.values import short
from ..outputs import unportable

TAKEN = ("summary.csv", "index.html")  # by the batch itself
DIGITS = 10  # a hundred thousand jobs that differ by the seed alone have each its own
STEM_LENGTH, PROMPT_LENGTH = 40, 40  # characters; of at most four bytes each, a name stays below 255


def checked_name(out: str) -> str:
    """The job's own ``out`` as a path below the batch's folder, / between its parts; raises UserError."""
    path = PurePosixPath(out.replace("\\", "/"))
    parts = [unicodedata.normalize("NFC", part) for part in path.parts]
    if path.is_absolute() or ".." in parts or re.match("[A-Za-z]:", out):
        raise UserError(f"out is {short(out)}, outside of the batch's folder", "name a folder inside it")
    if not parts or any(part != part.strip() for part in parts):
        raise UserError(f"out is {short(out)}, no name for a folder", "name a folder inside the batch's")
    if flaw := next(filter(None, map(unportable, parts)), None):
        raise UserError(f"out can't be used: {flaw}", "choose another name")
    if parts[0].startswith(".") or parts[0].casefold() in TAKEN:
        raise UserError(f"out is {short(out)}, which the batch needs for itself", "choose another name")
    return "/".join(parts)


def default_name(mesh: str, prompt: str, fields: Mapping[str, Any]) -> str:
    """A name for a job that has none: of its mesh, its prompt, and some digits for all that it says. Nothing
    else matters, so that lines may be added and moved."""
    text = json.dumps(fields, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
    stem = _slug(Path(mesh.replace("\\", "/")).stem, STEM_LENGTH) or "mesh"
    return "-".join(filter(None, (stem, _slug(prompt, PROMPT_LENGTH), digest)))


def _slug(text: str, length: int) -> str:
    words = re.sub(r"[^\w]+", "-", unicodedata.normalize("NFC", text)).strip("-_")
    return words[:length].rstrip("-_")


class NameRegister:
    """Names in use. Two are one where a file system that ignores case would say so, and no name may lie
    inside another's folder."""

    def __init__(self) -> None:
        self._lines: dict[str, int] = {}  # by name
        self._above: dict[str, int] = {}  # by folder that names lie in

    def add(self, name: str, line: int) -> None:
        """Raises UserError when ``name`` conflicts with that of an earlier line."""
        key = _key(name)
        above = _folders(key)
        for other in (self._lines.get(key), self._above.get(key), *map(self._lines.get, above)):
            if other is not None:
                what = f"its folder {name!r} conflicts with that of line {other}"
                raise UserError(what, "give one of them another out")
        self._lines[key] = line
        for folder in above:
            self._above.setdefault(folder, line)


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


def _folders(key: str) -> list[str]:
    parts = key.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
