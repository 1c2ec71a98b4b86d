"""What a panel wants to know of the disk: looked at between drawings, which never wait for it."""

# bpy's classes are of unknown type here.
# mypy: disable-error-code="misc"

import functools
import time
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import bpy

INTERVAL_S = 0.5
_EDITORS = {"VIEW_3D", "IMAGE_EDITOR"}
Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class BackgroundLookup(Generic[Key, Value]):
    """What ``find(key)`` gives, as it was a moment ago; ``usual`` before the first look.

    find: quick, never raises; called between two drawings. Its values must compare.
    """

    def __init__(self, find: Callable[[Key], Value], usual: Value) -> None:
        self._find, self._usual = find, usual
        self._known: dict[Key, tuple[Value, float]] = {}
        self._pending: set[Key] = set()

    def value(self, key: Key) -> Value:
        """As of the last look; soon there is another one, and the panels are drawn again if that finds
        something else. Without a window: as of now."""
        if bpy.app.background:
            return self._find(key)
        value, when = self._known.get(key, (self._usual, -INTERVAL_S))
        if key not in self._pending:
            self._pending.add(key)
            wait = max(0.0, when + INTERVAL_S - time.monotonic())
            look = functools.partial(self._look, key)
            bpy.app.timers.register(look, first_interval=wait, persistent=True)  # else opening a file ends it
        return value

    def _look(self, key: Key) -> None:
        self._pending.discard(key)
        before, _ = self._known.get(key, (self._usual, 0.0))
        now = self._find(key)
        self._known[key] = now, time.monotonic()
        if now != before:
            redraw_sidebars()


def redraw_sidebars() -> None:
    """Have the sidebars of all editors that have panels of ours drawn again."""
    for region in _sidebars():
        region.tag_redraw()


def _sidebars() -> list[Any]:
    areas = [area for window in bpy.context.window_manager.windows for area in window.screen.areas]
    return [r for area in areas if area.type in _EDITORS for r in area.regions if r.type == "UI"]
