"""Draft, Standard and High: what each sets, by model; Custom once the artist has changed any of it.

The scene's properties always hold what is used, so that Advanced shows it; a script gives ``quality`` to an
operator instead. What is shared by models of one kind stands in one row of the table.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

CUSTOM = "custom"
STANDARD = "standard"


@dataclass(frozen=True)
class Numbers:
    """What a quality sets, by the names and in the values of the properties. steps: 0, the model's own."""

    steps: int
    rig: str
    view_count: int
    texture_size: str


_SMALL = MappingProxyType(
    {
        "draft": Numbers(6, "even", 6, "512"),
        STANDARD: Numbers(0, "auto", 12, "1024"),
        "high": Numbers(20, "auto", 12, "2048"),
    }
)
# Views of 768 pixels hold more than small textures do, and a step of them takes a hundred times as long.
_LARGE = MappingProxyType(
    {
        "draft": Numbers(12, "even", 6, "1024"),
        STANDARD: Numbers(0, "auto", 12, "2048"),
        "high": Numbers(50, "auto", 12, "4096"),
    }
)
# Distilled for a few steps: many more of them are no better.
_FEW = MappingProxyType(
    {
        "draft": Numbers(6, "even", 6, "1024"),
        STANDARD: Numbers(0, "auto", 12, "2048"),
        "high": Numbers(12, "auto", 12, "4096"),
    }
)
# For so few that none can be left out, and none added.
_TURBO = MappingProxyType(
    {
        "draft": Numbers(0, "even", 6, "512"),
        STANDARD: Numbers(0, "auto", 12, "1024"),
        "high": Numbers(0, "auto", 12, "2048"),
    }
)
_LARGE_NAMES = ("sd15", "sd21", "sdxl", "z-image", "qwen-image", "flux-")
_FEW_NAMES = ("z-image-turbo", "flux-schnell")
NAMES = tuple(Numbers.__dataclass_fields__)

_setting = False
"""While a quality is being set, what it changes isn't taken for the artist's own change."""


def table(model: str) -> Mapping[str, Numbers]:
    """What each quality sets for ``model``; files and folders of the artist's own count as large."""
    if model.lower().startswith("sdxl-turbo"):
        return _TURBO
    if model.lower().startswith(_FEW_NAMES):
        return _FEW
    own = any(mark in model for mark in {"/", os.sep, "+"})
    return _LARGE if own or model.lower().startswith(_LARGE_NAMES) else _SMALL


def of(options: Any) -> str:
    """Which quality the numbers in ``options`` (a scene's or an operator's) are."""
    values = Numbers(**{name: getattr(options, name) for name in NAMES})
    return next((name for name, numbers in table(options.model).items() if _same(numbers, values)), CUSTOM)


def _same(one: Numbers, other: Numbers) -> bool:
    """Whether both mean the same: where views aren't evenly spread, their count means nothing."""
    return one == other or (one.rig != "even" and one == replace(other, view_count=one.view_count))


def chosen(options: Any, _context: Any) -> None:
    """The scene's quality, or its model, was set: the numbers follow."""
    global _setting
    if _setting or options.quality == CUSTOM:
        return
    _setting = True
    try:
        for name, value in asdict(table(options.model)[options.quality]).items():
            setattr(options, name, value)
    finally:
        _setting = False


def changed(options: Any, _context: Any) -> None:
    """One of the scene's numbers was set: the quality tells which one they are now."""
    global _setting
    if _setting or options.quality == (now := of(options)):
        return
    _setting = True
    try:
        options.quality = now
    finally:
        _setting = False
