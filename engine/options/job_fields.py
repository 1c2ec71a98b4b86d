"""The options in a line of a job file, by its columns or keys."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from ..errors import UserError
from . import values
from .option import JOBS, at
from .request import Request

OPTIONS = at(Request, JOBS)
ALIASES = {
    "object": "objects",
    "control": "controls",
}  # as the command line spells it, of which there may be several


def read(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request in ``said``, options spelled with - or _; empty ones are left out.

    Raises UserError for names that no request has, and for values that aren't allowed.
    """
    found: dict[str, Any] = {}
    for spelled, value in said.items():
        name = field_name(spelled)
        if name in found:
            raise UserError(f"{spelled!r} is said twice", "say it once")
        if value is not None and value != "":
            found[name] = values.read(OPTIONS[name], value)
            values.check(OPTIONS[name], found[name])
    return found


def field_name(spelled: str) -> str:
    """The field that ``spelled`` means; UserError when there is none."""
    name = spelled.strip().removeprefix("--").replace("-", "_").lower()
    name = ALIASES.get(name, name)
    if name not in OPTIONS:
        near = difflib.get_close_matches(name, OPTIONS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(OPTIONS)}"
        raise UserError(f"there is no option {spelled!r}", hint)
    return name
