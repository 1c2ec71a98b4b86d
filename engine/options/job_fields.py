"""The options in a line of a job file, by its columns or keys."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from . import areas, values
from .image import ImageRequest
from .option import JOBS, at
from .request import Request
from .weighted import WEIGHTED

OPTIONS = at(Request, JOBS)
PICTURES = at(ImageRequest, JOBS)
"""Of a line that says a kind: it is for a picture without a mesh."""
_ALL = {**PICTURES, **OPTIONS}
FILES = tuple(
    name for name, one in _ALL.items() if one.metavar == "FILE" and not one.repeats and not one.several
)
"""Those that name a file each, besides meshes; init_texture may stand for several."""
BESIDE: Mapping[str, Callable[[str, Path], str]] = {
    "region": areas.beside,
    "repaint": areas.plain_beside,
    **{name: kind.beside for name, kind in WEIGHTED.items()},
}
"""How each text of a list that names files is seen from anywhere, where they are counted from a folder."""
ALIASES = {
    "object": "objects",
    "control": "controls",
}  # as the command line spells it, of which there may be several


def read(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request in ``said``, options spelled with - or _; empty ones are left out. With a kind
    they are those of a picture.

    Raises UserError for names that no such request has, and for values that aren't allowed.
    """
    given: dict[str, Any] = {}
    for spelled, value in said.items():
        name = field_name(spelled)
        if name in given:
            raise UserError(f"{spelled!r} is said twice", "say it once")
        if value is not None and value != "":
            given[name] = value
    table = PICTURES if "kind" in given else OPTIONS
    found = {}
    for name, value in given.items():
        if name not in table:
            raise _of_others(name)
        found[name] = values.read(table[name], value)
        values.check(table[name], found[name])
    return found


def beside(fields: Mapping[str, Any], folder: Path) -> dict[str, list[str]]:
    """The lists of texts among ``fields`` that name files, counted from ``folder``, as seen from anywhere."""
    asked = {name: fields[name] for name in BESIDE if fields.get(name)}
    return {name: [BESIDE[name](text, folder) for text in texts] for name, texts in asked.items()}


def for_pictures(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the ``defaults`` of all jobs that count for pictures of any kind."""
    return {name: one for name, one in defaults.items() if name in PICTURES and not PICTURES[name].needs}


def _of_others(name: str) -> UserError:
    """That the option ``name`` isn't for such a line."""
    if name in PICTURES:
        return UserError(f"{name} is for pictures, and the line says no kind", "say kind, or leave it out")
    return UserError(f"a picture has no {name}, which counts for meshes alone", "leave it out, or kind")


def field_name(spelled: str) -> str:
    """The field that ``spelled`` means; UserError when there is none."""
    name = spelled.strip().removeprefix("--").replace("-", "_").lower()
    name = ALIASES.get(name, name)
    if name not in _ALL:
        near = difflib.get_close_matches(name, _ALL, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_ALL)}"
        raise UserError(f"there is no option {spelled!r}", hint)
    return name
