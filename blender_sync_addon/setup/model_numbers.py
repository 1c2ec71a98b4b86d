"""What a model takes where nothing is chosen: by the engine's presets and the model's own file. No bpy."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from ...engine.models.presets import FIXED, STARTER
from .. import package

FILE = "sync_texture.json"
FAMILIES = {"": STARTER, "starter": STARTER, **FIXED}
"""Presets by the names of models; a folder's is known to the engine alone."""


def of(model: str, name: str) -> float | None:
    """The number that ``model`` takes for the option ``name``; None where the files don't tell."""
    said = _said(model).get(name, getattr(FAMILIES.get(model), name, None))
    return said if isinstance(said, int | float) else None


def text(model: str, name: str, accelerator: str = "auto") -> str:
    """The same for people, such as "10 (starter)". accelerator: as the panel has it."""
    if accelerator not in ("auto", "none") and name in ("steps", "guidance"):
        return "as the accelerator has it"
    number = of(model, name)
    called = Path(model).stem or "starter"
    return f"as {called} has it" if number is None else f"{number:g} ({called})"


def _said(model: str) -> dict[str, object]:
    """What the model's own file says; {} without a usable one."""
    folder = package.ENGINE / "models" / "starter" if FAMILIES.get(model) is STARTER else Path(model)
    try:
        path = folder.expanduser() / FILE
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, ValueError, RuntimeError):  # the last two for names that can't be a path's
        return {}


@functools.lru_cache(maxsize=4)
def _read(path: Path, _changed: int) -> dict[str, object]:
    found = json.loads(path.read_text(encoding="utf-8-sig"))
    return found if isinstance(found, dict) else {}
