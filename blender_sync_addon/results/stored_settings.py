"""The settings of a result, as they are stored on its material: for another job, and back into the panel."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from ...engine.options.blender import Panel, panel
from ...engine.options.request import OPTIONS
from ..datablocks import TAG
from ..read import settings as read_settings
from ..read import target as read_target
from ..read.settings import FRONTS, Settings
from . import history


def known(material: Any | None) -> bool:
    """Whether ``material`` says how it was made: a result's may be deleted, or replaced by the artist's."""
    return material is not None and TAG in material


def stored(material: Any) -> Settings:
    """How our ``material`` was made. What it doesn't say was left to the model, and is again."""
    names = [field.name for field in dataclasses.fields(Settings)]
    return Settings(**read_settings.kept(material, names, OPTIONS))


def now(obj: Any, result: Any) -> Settings:
    """How ``result`` of ``obj`` was made, its slot by the number that it has now."""
    settings = stored(result.material)
    if settings.target != "slot" or isinstance(settings.slot, str):
        return settings
    slot = history.current_slot(obj, result)
    return settings if slot is None else dataclasses.replace(settings, slot=slot)


def fill(options: Any, settings: Settings, obj: Any) -> None:
    """Let the panel's ``options`` say what ``settings``, those of a result of ``obj``, do."""
    options.model = settings.model  # first: what belongs to its quality follows it
    for name, entry in panel().items():
        value = read_settings.written(getattr(settings, name, None))
        if entry.several and entry.choices and value not in entry.choices:
            value = entry.instead  # nothing, or what only the command can ask for
        nothing = read_settings.nothing(entry)
        if name in OPTIONS.keys() - Panel.__annotations__.keys() and not (value is None and nothing is None):
            setattr(options, name, nothing if value is None else str(value) if entry.common else value)
    options.from_texture, options.target = settings.from_texture, settings.target
    options.front = next((name for name, angle in FRONTS.items() if angle == settings.front), options.front)
    options.slot = _slot(obj, settings.slot)
    if settings.views.isdigit():
        options.rig, options.view_count = "even", int(settings.views)
    else:
        options.rig = read_settings.AUTO if settings.views == read_settings.VIEWPORT else settings.views


def _slot(obj: Any, slot: str | int) -> str:
    """What the panel calls the ``slot``: by the material of the artist's in it."""
    if isinstance(slot, str):
        return slot
    names = read_target.artists_material_names(obj)
    return names[slot] if slot < len(names) else ""


def seed(material: Any) -> int:
    """The seed of our ``material``. Cheap enough to draw a list."""
    return int(material[TAG].get("seed", 0))


def unused_seed(results: Sequence[Any], prompt: str, first: int) -> int:
    """The first seed from ``first`` on that none of the ``results`` has with this ``prompt``."""
    made = [stored(one.material) for one in results if known(one.material)]
    used = {one.seed for one in made if one.prompt.strip() == prompt}
    while first in used:
        first += 1
    return first
