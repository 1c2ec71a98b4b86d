"""The results of an object: kept in the file, with the object, switchable and removable.

A result is what the object's slots showed of ours once a job had ended. Its settings are on the material and
the image (see write/image.py), so they go wherever these go. The list is on the object: it is saved, copied
and appended with it, and the materials in it stay in the file as long as it names them.
"""

# Annotations of a property are values here, not types.
# mypy: disable-error-code="valid-type,misc,name-defined"

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty, StringProperty

from ..datablocks import is_ours, our_images, uv_layer
from ..write import material as write_material
from ..write import slot_changes
from ..write import slots as write_slots
from ..write.slot_changes import SlotMoves
from . import slot_materials
from .slot_materials import SlotMaterials

NAME = "sync_texture"
"""Of the property of an object that holds its StoredHistory."""
NONE = -1
"""The number of no result."""


class StoredSlot(bpy.types.PropertyGroup):
    """What one slot shows; ``link``: whether by the mesh or by the object, as Blender calls it."""

    slot: IntProperty()
    link: StringProperty()
    material: PointerProperty(type=bpy.types.Material)


class StoredResult(bpy.types.PropertyGroup):
    """One result; ``name`` is what the artist calls it.

    material: one of its new materials, None where the artist deleted that. parts, before: what the slots
    showed of ours with and before it. start: what its job started from. job, place: the same job gives the
    same ``job`` to all of its objects, numbered by ``place``. batch: the same for all variations of a run,
    "" for others; sheet: their pictures side by side. added_slot, uv_layer: what the job added to the mesh;
    slots: how many there were before it.
    kept: whether the artist has said so.
    """

    name: StringProperty(name="Name", description="Double-click to rename")
    material: PointerProperty(type=bpy.types.Material)
    parts: CollectionProperty(type=StoredSlot)
    before: CollectionProperty(type=StoredSlot)
    start: PointerProperty(type=bpy.types.Material)
    job: StringProperty()
    place: IntProperty()
    batch: StringProperty()
    sheet: PointerProperty(type=bpy.types.Image)
    added_slot: BoolProperty()
    slots: IntProperty()
    uv_layer: StringProperty()
    kept: BoolProperty()


def _get_shown(self: Any) -> int:
    return shown(self.id_data)


def _set_shown(self: Any, index: int) -> None:
    if 0 <= index < len(self.results) and not lost(self.results[index]):
        show(self.id_data, index)


class StoredHistory(bpy.types.PropertyGroup):
    """The results of an object, the oldest first."""

    results: CollectionProperty(type=StoredResult)
    active: IntProperty(
        name="Result",
        description="The result that the object shows",
        get=_get_shown,
        set=_set_shown,
        min=NONE,
        default=NONE,
    )


@dataclass(frozen=True)
class ObjectSnapshot:
    """What a job may change on an object, as it was before: to take its result back."""

    materials: SlotMaterials
    links: tuple[str, ...]
    slots: int
    uv_layers: frozenset[str]


@dataclass(frozen=True)
class NewResult:
    """What an object is to remember of a job. name: what the result is called; material: the first that it
    shows; start: the one that it was started from; job, place: as of StoredResult."""

    name: str
    material: Any
    start: Any | None
    job: str
    place: int


def of(obj: Any | None) -> Sequence[Any]:
    """The results of ``obj``, the oldest first. Writes nothing, so it may be asked for while drawing."""
    # Where nothing is stored, Blender would store something empty at the first look.
    if obj is None or obj.type != "MESH" or not obj.is_property_set(NAME):
        return ()
    results: Sequence[Any] = getattr(obj, NAME).results
    return results


def variations(obj: Any, run: str) -> list[tuple[int, Any]]:
    """The results of ``obj``, with their numbers, that the ``run`` of variations made; [] for ""."""
    return [(i, one) for i, one in enumerate(of(obj)) if run and one.batch == run]


def snapshot(obj: Any) -> ObjectSnapshot:
    """``obj`` as it is now."""
    layers = frozenset(layer.name for layer in obj.data.uv_layers)
    shown_now = slot_materials.shown(obj)
    return ObjectSnapshot(shown_now, slot_materials.links(obj), len(obj.material_slots), layers)


def add(obj: Any, before: ObjectSnapshot, new: NewResult) -> Any:
    """Note that ``obj``, which was as ``before``, now shows ``new``. Gives the stored result."""
    result = getattr(obj, NAME).results.add()
    result.name, result.material, result.start = new.name, new.material, new.start
    result.job, result.place = new.job, new.place
    _store(result.parts, slot_materials.shown(obj), slot_materials.links(obj))
    _store(result.before, before.materials, before.links)
    result.slots = before.slots
    result.added_slot = before.slots == 0 and len(obj.material_slots) == 1
    layers = {layer.name for layer in obj.data.uv_layers} - before.uv_layers
    result.uv_layer = next(iter(layers), "")
    return result


def _store(collection: Any, pairs: SlotMaterials, links: Sequence[str]) -> None:
    for slot, material in pairs:
        stored = collection.add()
        stored.slot, stored.material, stored.link = slot, material, links[slot]


def stored(collection: Any) -> SlotMaterials:
    """The ``parts`` or ``before`` of a result, without what was deleted."""
    return tuple((one.slot, one.material) for one in collection if one.material)


def shown_slots(obj: Any, result: Any) -> SlotMaterials:
    """What slots show where ``obj`` shows ``result``, by the numbers that they have now."""
    return slot_materials.renumbered(stored(result.parts), slot_changes.moved(obj))


def shown(obj: Any) -> int:
    """The number of the result that ``obj`` shows, the newest such; NONE without."""
    now = slot_materials.shown(obj)
    results = of(obj)
    moves = slot_changes.moved(obj) if now else None
    for i in reversed(range(len(results))):
        wanted = write_slots.spread(obj, stored(results[i].parts)) if now else ()
        if now and slot_materials.renumbered(wanted, moves) == now:
            return i
    return NONE


def current_slot(obj: Any, result: Any) -> int | None:
    """The number that the slot has now that shows the first material of ``result``; None: it is gone."""
    now = shown_slots(obj, result)
    return next((number for number, material in now if material == result.material), None)


def chosen(obj: Any, index: int = NONE) -> int:
    """``index``; for NONE the result that is shown, else the newest. NONE where there is no such result."""
    count = len(of(obj))
    if index == NONE and count:
        found = shown(obj)
        return count - 1 if found == NONE else found
    return index if 0 <= index < count else NONE


def lost(result: Any) -> bool:
    """Whether ``result`` can't be shown any more: a material was deleted, or replaced by another one wherever
    it was used, or all of its slots were removed."""
    materials = (result.material, *(part.material for part in result.parts))
    there = all(material and is_ours(material) for material in materials)
    return not there or not len(result.parts)


def show(obj: Any, index: int) -> None:
    """Let ``obj`` show its result ``index``; slots that it doesn't cover show what they did before any."""
    with up_to_date(obj):
        slot_materials.show(obj, stored(of(obj)[index].parts))


@contextlib.contextmanager
def up_to_date(*objects: Any) -> Iterator[None]:
    """Inside, all numbers of slots that are kept on ``objects`` are those that the slots have now, whatever
    the artist did to the slots; and they may be changed."""
    for obj in objects:
        if (moves := slot_changes.moved(obj)) is not None:
            _renumber(obj, moves)
        _remember_slots(obj)
    try:
        yield
    finally:
        for obj in objects:
            _remember_slots(obj)


def _remember_slots(obj: Any) -> None:
    needed = bool(of(obj)) or write_material.MEMORY in obj or write_slots.SPLIT in obj
    slot_changes.remember(obj, needed)


def _renumber(obj: Any, moves: SlotMoves) -> None:
    write_material.renumber(obj, moves)
    write_slots.renumber(obj, moves)
    for result in of(obj):
        result.slots = sum(slot < result.slots for slot in moves)
        for collection in (result.parts, result.before):
            for i in reversed(range(len(collection))):
                if collection[i].slot in moves:
                    collection[i].slot = moves[collection[i].slot]
                else:
                    collection.remove(i)


def image(result: Any) -> Any | None:
    """The first image of ``result``, None where it is gone."""
    return next(iter(our_images(result.material)), None)


def problems(obj: Any, result: Any) -> list[str]:
    """What is missing of ``result``, a line each. Cheap enough to draw a panel."""
    if not len(result.parts):
        return ["Its material slot was removed"]
    if lost(result):
        return ["Its material was deleted"]
    if not our_images(result.material):
        return ["Its image was removed from the material"]
    found = [_missing(one) for material in materials(result) for one in our_images(material)]
    layer = uv_layer(result.material)
    if layer and layer not in obj.data.uv_layers:
        found.append(f"Its UV map '{layer}' is gone")
    return list(dict.fromkeys(text for text in found if text))


def materials(result: Any) -> list[Any]:
    """The materials that ``result`` shows."""
    return list(dict.fromkeys(material for _, material in stored(result.parts)))


def _missing(picture: Any) -> str:
    """Which file of ``picture`` isn't there; "" when all are, or when they are packed."""
    if picture.packed_file or len(picture.packed_files):
        return ""
    path = bpy.path.abspath(picture.filepath, library=picture.library)
    tiles = [tile.number for tile in picture.tiles] if picture.source == "TILED" else [0]
    for tile in tiles:
        one = path.replace("<UDIM>", str(tile))
        if not os.path.isfile(one):
            return f"Its picture is missing: {one}"
    return ""


_CLASSES = (StoredSlot, StoredResult, StoredHistory)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    setattr(bpy.types.Object, NAME, PointerProperty(type=StoredHistory))


def unregister() -> None:
    delattr(bpy.types.Object, NAME)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
