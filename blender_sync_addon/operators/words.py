"""The engine's advice, which names options of the command line, in the panel's own words."""

from __future__ import annotations

import re
from typing import Any

from .properties import SceneOptions

OPTION = re.compile(r"--([a-z][a-z-]*)(?: ([a-z0-9]+)\b)?")
FOLDER = re.compile(r"another(?: folder)? with --out\b")
TEMPORARY = "another temporary folder in Preferences > File Paths"
ELSEWHERE = {"views": "Views", "device": "Device (in Preferences)"}
"""What options are called that aren't properties of the same name."""


def of_panel(text: str) -> str:
    """``text`` with what --texture-size and the like are called in the panel."""
    return OPTION.sub(_name, FOLDER.sub(TEMPORARY, text))


def _name(found: re.Match[str]) -> str:
    option, value = found.group(1), found.group(2)
    known = SceneOptions.bl_rna.properties.get(option.replace("-", "_"))
    label = ELSEWHERE.get(option) or (known and known.name)
    if not label:
        return found.group(0)
    return f"{label} {_value(known, value)}" if value else str(label)


def _value(known: Any, value: str) -> str:
    item = known.enum_items.get(value) if known and known.type == "ENUM" else None
    return str(item.name) if item else value
