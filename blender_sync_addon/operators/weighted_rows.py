"""Rows of the panel for files with a weight: together they are one text, the scene's option, which they make
and follow."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import bpy

from ...engine.options import values
from ...engine.options.blender import panel
from ...engine.options.weighted import WEIGHTED, Weighted
from ..read import settings as read_settings

Update = Callable[[Any, Any], None]
_following: set[str] = set()
"""Options whose rows are being made: what they say is said already."""


@dataclass(frozen=True)
class Rows:
    """Those of a scene. option: the one that they are. place: the scene's collection of them. name: of a
    row's file, "" while there is none. fill: give a row its file, by name."""

    option: str
    place: str
    name: Callable[[Any], str]
    fill: Callable[[Any, str], None]

    @property
    def kind(self) -> Weighted:
        return WEIGHTED[self.option]

    def of(self, scene: Any) -> Any:
        """All of them."""
        return getattr(scene, self.place)

    def text(self, scene: Any) -> str:
        """What the rows say; those without a file nothing."""
        rows = ((self.name(row), row.weight) for row in self.of(scene))
        said = (self.kind.joined(name, round(weight, 4)) for name, weight in rows if name)
        return str(read_settings.written(tuple(said)))

    def tell(self, scene: Any) -> None:
        """Let the option say what the rows do."""
        if getattr(scene.sync_texture, self.option) != (said := self.text(scene)):
            setattr(scene.sync_texture, self.option, said)

    @property
    def changed(self) -> Update:
        """For whatever a row has: what is done when the artist changes it. Blender takes functions only."""

        def update(row: Any, _context: Any) -> None:
            if self.option not in _following:
                self.tell(row.id_data)

        return update

    @property
    def follow(self) -> Update:
        """For the option: let the rows of a scene say what its options do; those of operators have none."""

        def update(options: Any, _context: Any) -> None:
            scene = options.id_data
            if isinstance(scene, bpy.types.Scene) and self.text(scene) != getattr(options, self.option):
                self._make(scene, values.read(panel()[self.option], getattr(options, self.option)))

        return update

    def _make(self, scene: Any, said: Iterable[str]) -> None:
        self.of(scene).clear()
        _following.add(self.option)
        try:
            for name, weight in map(self.kind.as_written, said):
                row = self.of(scene).add()
                row.weight = weight
                self.fill(row, name)
        finally:
            _following.discard(self.option)

    def remove(self, scene: Any, index: int) -> None:
        """Leave one out."""
        self.of(scene).remove(index)
        self.tell(scene)
