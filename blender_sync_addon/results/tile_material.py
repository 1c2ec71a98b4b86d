"""A picture that tiles, made a material: on an object's active slot and in its list of results, or alone."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine import words
from ...engine.options.channels import main_channel
from ..datablocks import by_uid, our_images
from ..jobs.image_job import Finished, Picture
from ..jobs.job_object import busy_mode
from ..problem import Problem
from ..read import image_settings, tile_layout
from ..write import colour_space, slot_changes
from ..write import image as write_image
from ..write import material as write_material
from ..write.slot_changes import SlotContents
from . import history, thumbnail
from .all_or_none import all_or_none
from .history import NewResult

REPEAT = "repeat"
"""In the origin of such a material: how often it goes on."""


@dataclass(frozen=True)
class TileTarget:
    """What the material is for. uid: of a mesh object, session-wide; None: for nothing yet. slot: its number,
    as ``slots`` were when the job began."""

    uid: int | None = None
    name: str = ""
    slot: int = 0
    slots: tuple[SlotContents, ...] = ()

    @classmethod
    def of(cls, obj: Any | None) -> TileTarget:
        """The active slot of ``obj``, if it is a mesh. Raises Problem where that can't be changed."""
        if obj is None or obj.type != "MESH":
            return cls()
        if obj.library or obj.override_library:
            fix = "Make it local first (Object > Relations > Make Local), or deselect it."
            raise Problem(f"'{obj.name}' is linked from a library", fix)
        return cls(obj.session_uid, obj.name, obj.active_material_index, tuple(slot_changes.contents(obj)))

    @property
    def blocked(self) -> str:
        """Why the material has to wait, in words; "" when it needn't."""
        return busy_mode(self._found())

    def object(self) -> Any | None:
        """The object as it is now, None where there was none. Raises Problem where it is gone."""
        obj = self._found()
        if self.uid is not None and obj is None:
            raise Problem(f"'{self.name}' was deleted while its material was made")
        return obj

    def slot_of(self, obj: Any) -> int:
        """The number that the slot of ``obj`` has now. Raises Problem where it is gone."""
        if not self.slots:
            return 0
        found = slot_changes.match(self.slots, slot_changes.contents(obj)).get(self.slot)
        if found is None:
            raise Problem(f"The material slot of '{obj.name}' was removed while its material was made")
        return found

    def _found(self) -> Any | None:
        return by_uid(bpy.data.objects, self.uid)


def put(picture: Picture, target: TileTarget, repeat: float) -> Finished:
    """A new material of ``picture`` on what ``target`` says. Raises Problem; nothing has changed then."""
    obj, files = target.object(), list[Path]()
    slot = 0 if obj is None else target.slot_of(obj)
    origin = {**image_settings.origin(picture.request), REPEAT: repeat}
    name = picture.request.prompt.strip()
    with all_or_none([obj] if obj else [], lambda: write_image.remove(files), name):
        material = _material(picture, obj, origin, files)
        if obj is None:
            material.use_fake_user = True  # else it would be gone when the file is saved
        else:
            with history.up_to_date(obj):
                before = history.snapshot(obj)
                write_material.show(obj, material, {slot})
                history.add(obj, before, NewResult(name, material, None, uuid.uuid4().hex, 0))
    notes = map(words.line, colour_space.notes(our_images(material)))
    shown = f"'{obj.name}' shows the new material" if obj else "New material, on no object yet:"
    return Finished(f"{shown} '{material.name}'", (*picture.warnings, *notes), (obj.name,) if obj else ())


def _material(picture: Picture, obj: Any | None, origin: Mapping[str, Any], files: list[Path]) -> Any:
    """files: what is made on disk is added to it."""
    name = picture.request.prompt.strip()[:60]
    layout = tile_layout.of(obj, float(origin[REPEAT]), picture.width / picture.height)
    images = {}
    for channel, path in picture.files.items():
        if layout.uv_layer is None and channel.made_from in {one.name for one in picture.files}:
            continue  # no tangents that a normal map could mean: what it was made from shows the relief
        called = write_image.called(name, channel)
        images[channel] = write_image.write(path, called, origin, channel=channel, files=files)
    thumbnail.store(images[main_channel()], None)
    relief = picture.relief * layout.width
    return write_material.make_tile(name, images, layout.uv_layer, layout.scale, origin, relief)
