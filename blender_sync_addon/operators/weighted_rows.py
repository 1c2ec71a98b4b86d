"""Rows of the panel that together are one text, the scene's option, which they make and follow; such as files
with a weight."""

# bpy's classes are of unknown type here; annotations of a property are values, not types.
# mypy: disable-error-code="valid-type,misc"

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import bpy
from bpy.props import IntProperty

from ...engine.options import values
from ...engine.options.blender import panel
from ...engine.options.weighted import WEIGHTED
from ..read import picture
from ..read import settings as read_settings

Update = Callable[[Any, Any], None]
_following: set[str] = set()
"""Options whose rows are being made: what they say is said already."""


@dataclass(frozen=True)
class Rows:
    """Those of a scene. option: the one that they are. place: the scene's collection of them. said: the text
    of a row, "" while it has none. fill: let a row say a text."""

    option: str
    place: str
    said: Callable[[Any], str]
    fill: Callable[[Any, str], None]

    def of(self, scene: Any) -> Any:
        """All of them."""
        return getattr(scene, self.place)

    def text(self, scene: Any) -> str:
        """What the rows say together."""
        return str(read_settings.written(tuple(filter(None, map(self.said, self.of(scene))))))

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
            for text in said:
                self.fill(self.of(scene).add(), text)
        finally:
            _following.discard(self.option)

    def remove(self, scene: Any, index: int) -> None:
        """Leave one out."""
        self.of(scene).remove(index)
        self.tell(scene)


class RemoveRow:
    """What operators have in common that leave one of the ``rows`` out."""

    bl_options = {"INTERNAL", "UNDO"}  # noqa: RUF012
    rows: ClassVar[Rows]

    index: IntProperty(name="Row", description="Which one, from 0", min=0)

    def execute(self, context: Any) -> set[str]:
        self.rows.remove(context.scene, self.index)
        return {"FINISHED"}


def takes(_row: Any, image: Any) -> bool:
    """Whether a row's list offers this ``image``."""
    return picture.is_single(image)


def weighted(option: str, place: str, name: Callable[[Any], str], fill: Callable[[Any, str], None]) -> Rows:
    """Rows of files with a ``weight``. name: of a row's file, "" while there is none. fill: give a row its
    file, by name."""
    kind = WEIGHTED[option]

    def said(row: Any) -> str:
        return kind.joined(name(row), round(row.weight, 4)) if name(row) else ""

    def say(row: Any, text: str) -> None:
        file, row.weight = kind.as_written(text)
        fill(row, file)

    return Rows(option, place, said, say)
