"""The results of an object: kept in the file, with the object, switchable and removable.

A result is what the object's slots showed of ours once a job had ended. Its settings are on the material and
the image (see write/image.py), so they go wherever these go. The list is on the object: it is saved, copied
and appended with it, and the materials in it stay in the file as long as it names them.
"""

# Annotations of a property are values here, not types.
# mypy: disable-error-code="valid-type,misc,name-defined"

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty, StringProperty

from ..datablocks import TAG, is_ours
from ..write import material as write_material
from ..write import slot_changes
from ..write import slots as write_slots
from ..write.slot_changes import SlotMoves

NAME = "sync_texture"
"""Of the property of an object that holds its History."""
NONE = -1
"""The number of no result."""
Parts = tuple[tuple[int, Any], ...]
"""Which of our materials slots show: (number of the slot, material)."""


class Part(bpy.types.PropertyGroup):
    """What one slot shows; ``link``: whether by the mesh or by the object, as Blender calls it."""

    slot: IntProperty()
    link: StringProperty()
    material: PointerProperty(type=bpy.types.Material)


class Result(bpy.types.PropertyGroup):
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
    parts: CollectionProperty(type=Part)
    before: CollectionProperty(type=Part)
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


class History(bpy.types.PropertyGroup):
    """The results of an object, the oldest first."""

    results: CollectionProperty(type=Result)
    active: IntProperty(
        name="Result",
        description="The result that the object shows",
        get=_get_shown,
        set=_set_shown,
        min=NONE,
        default=NONE,
    )


@dataclass(frozen=True)
class Look:
    """What a job may change on an object, as it was before: to take its result back."""

    parts: Parts
    links: tuple[str, ...]
    slots: int
    uv_layers: frozenset[str]


def of(obj: Any | None) -> Sequence[Any]:
    """The results of ``obj``, the oldest first. Writes nothing, so it may be asked for while drawing."""
    # Where nothing is stored, Blender would store something empty at the first look.
    if obj is None or obj.type != "MESH" or not obj.is_property_set(NAME):
        return ()
    results: Sequence[Any] = getattr(obj, NAME).results
    return results


def look(obj: Any) -> Look:
    """``obj`` as it is now."""
    layers = frozenset(layer.name for layer in obj.data.uv_layers)
    return Look(parts(obj), links(obj), len(obj.material_slots), layers)


def parts(obj: Any) -> Parts:
    """What the slots of ``obj`` show of ours."""
    pairs = ((i, slot.material) for i, slot in enumerate(obj.material_slots))
    return tuple((i, material) for i, material in pairs if material and is_ours(material))


def add(obj: Any, name: str, material: Any, before: Look, job: str, place: int, start: Any = None) -> Any:
    """Note that ``obj``, which looked like ``before``, now shows ``material``, and maybe more, by the job.

    start: the material that the job started from. Gives the new result.
    """
    result = getattr(obj, NAME).results.add()
    result.name, result.material, result.start = name, material, start
    result.job, result.place = job, place
    _fill(result.parts, parts(obj), links(obj))
    _fill(result.before, before.parts, before.links)
    result.slots = before.slots
    result.added_slot = before.slots == 0 and len(obj.material_slots) == 1
    new = {layer.name for layer in obj.data.uv_layers} - before.uv_layers
    result.uv_layer = next(iter(new), "")
    return result


def links(obj: Any) -> tuple[str, ...]:
    """By what each slot of ``obj`` shows its material: "DATA", the mesh, or "OBJECT"."""
    return tuple(slot.link for slot in obj.material_slots)


def _fill(collection: Any, pairs: Parts, by: Sequence[str]) -> None:
    for slot, material in pairs:
        part = collection.add()
        part.slot, part.material, part.link = slot, material, by[slot]


def read(collection: Any) -> Parts:
    """The ``parts`` or ``before`` of a result, without what was deleted."""
    return tuple((part.slot, part.material) for part in collection if part.material)


def shown(obj: Any) -> int:
    """The number of the result that ``obj`` shows, the newest such; NONE without."""
    now = parts(obj)
    results = of(obj)
    moves = slot_changes.moved(obj) if now else None
    for i in reversed(range(len(results))):
        if now and moved(write_slots.spread(obj, read(results[i].parts)), moves) == now:
            return i
    return NONE


def moved(pairs: Parts, moves: SlotMoves | None) -> Parts:
    """``pairs`` with the numbers that the slots have now, see write/slot_changes.py."""
    if moves is None:
        return pairs
    return tuple(sorted(((moves[i], one) for i, one in pairs if i in moves), key=lambda pair: pair[0]))


def slot(obj: Any, result: Any) -> int | None:
    """The number that the slot has now that shows the first material of ``result``; None: it is gone."""
    now = moved(read(result.parts), slot_changes.moved(obj))
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
    from .slot_numbers import followed  # which needs us

    with followed(obj):
        show_parts(obj, read(of(obj)[index].parts))


def show_parts(obj: Any, wanted: Parts) -> None:
    """Let the slots of ``obj`` show the materials ``wanted`` of ours, and nothing else of ours."""
    wanted = write_slots.spread(obj, wanted)
    others = {slot for slot, _ in parts(obj)} - {slot for slot, _ in wanted}
    write_material.restore(obj, others)
    for slot, _ in parts(obj):
        if slot in others:  # one that the first texture added: it showed nothing
            _empty(obj, slot)
    for slot, material in wanted:
        if slot < len(obj.material_slots) or slot == 0:
            write_material.show(obj, material, {slot})


def _empty(obj: Any, slot: int) -> None:
    if obj.data.users > 1:  # other objects with this mesh keep their look
        obj.material_slots[slot].link = "OBJECT"
    obj.material_slots[slot].material = None


def images(material: Any | None) -> list[Any]:
    """Our images in ``material``."""
    tree = material.node_tree if material else None
    nodes = [node for node in tree.nodes if node.bl_idname == "ShaderNodeTexImage"] if tree else []
    return [node.image for node in nodes if node.image and TAG in node.image]


def image(result: Any) -> Any | None:
    """The first image of ``result``, None where it is gone."""
    return next(iter(images(result.material)), None)


def uv_layer(material: Any) -> str:
    """The UV map that our ``material`` lays its image out by."""
    nodes = material.node_tree.nodes if material.node_tree else ()
    return next((node.uv_map for node in nodes if node.bl_idname == "ShaderNodeUVMap"), "")


def problems(obj: Any, result: Any) -> list[str]:
    """What is missing of ``result``, a line each. Cheap enough to draw a panel."""
    if not len(result.parts):
        return ["Its material slot was removed"]
    if lost(result):
        return ["Its material was deleted"]
    if not images(result.material):
        return ["Its image was removed from the material"]
    found = [_missing(one) for material in materials(result) for one in images(material)]
    layer = uv_layer(result.material)
    if layer and layer not in obj.data.uv_layers:
        found.append(f"Its UV map '{layer}' is gone")
    return list(dict.fromkeys(text for text in found if text))


def materials(result: Any) -> list[Any]:
    """The materials that ``result`` shows."""
    return list(dict.fromkeys(material for _, material in read(result.parts)))


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


_CLASSES = (Part, Result, History)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    setattr(bpy.types.Object, NAME, PointerProperty(type=History))


def unregister() -> None:
    delattr(bpy.types.Object, NAME)
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
