"""Taking results out of an object's list, and what only they used out of the file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import bpy

from ..datablocks import is_ours, our_images, uv_layer
from ..write import displacement
from ..write import material as write_material
from ..write import slots as write_slots
from . import history, slot_materials


def remove(obj: Any, index: int) -> None:
    """Forget the result ``index`` of ``obj``; what only it used of ours is removed from the file.

    Where it was shown, the one before it is, else the next, else what was there before any. Pictures on disk
    stay, so that undo brings everything back.
    """
    with history.up_to_date(obj):
        _remove(obj, index)
    if not any(displacement.is_real(one) for result in history.of(obj) for one in history.materials(result)):
        displacement.coarsen(obj)


def _remove(obj: Any, index: int) -> None:
    if history.shown(obj) == index:
        rest = [i for i in range(len(history.of(obj))) if i != index and not history.lost(history.of(obj)[i])]
        earlier = [i for i in rest if i < index]
        slot_materials.show(
            obj, history.stored(history.of(obj)[(earlier or rest[:1])[-1]].parts) if rest else ()
        )
    _drop(obj, index)


def _drop(obj: Any, index: int) -> None:
    """Take the result ``index``, which isn't shown, out of the list, and what nothing uses then."""
    results = getattr(obj, history.NAME).results
    doomed, sheet = history.materials(results[index]), results[index].sheet
    before = dict(write_slots.spread(obj, history.stored(results[index].before)))
    results.remove(index)
    still = {material for result in results for material in _needed(result)}
    gone = [material for material in doomed if material not in still]
    for material in gone:
        _hide(obj, material, {slot: other for slot, other in before.items() if other not in gone})
        _forget(obj, material)
    if not len(results):
        obj.property_unset(history.NAME)
    remove_unused(doomed)
    if sheet and sheet.users == 0:
        bpy.data.images.remove(sheet)


def _needed(result: Any) -> list[Any]:
    """The materials that ``result`` can't be shown or made again without."""
    started = [material for _, material in history.stored(result.before)] if result.start else []
    return [*history.materials(result), *started]


def _hide(obj: Any, material: Any, before: Mapping[int, Any]) -> None:
    """Where slots of ``obj`` still show ``material``, beside what the artist put into others, let them show
    what they did ``before`` it: a material of ours, or else what there was before any."""
    for slot, shown in slot_materials.shown(obj):
        if shown == material and slot in before:
            write_material.show(obj, before[slot], {slot})
        elif shown == material:
            write_material.restore(obj, {slot})


def _forget(obj: Any, material: Any) -> None:
    """Where ``material`` only lay hidden or was left over on ``obj``, let nothing name it any more."""
    for result in history.of(obj):
        for i in reversed(range(len(result.before))):
            if result.before[i].material == material:
                result.before.remove(i)
    for i, slot in enumerate(obj.material_slots):
        if slot.material == material:
            slot.material = None
        if obj.data.users == 1 and i < len(obj.data.materials) and obj.data.materials[i] == material:
            obj.data.materials[i] = None


def remove_unused(materials: Iterable[Any]) -> None:
    """Remove those of our ``materials`` that nothing uses, and their images where nothing else does."""
    for material in materials:
        if material.users == 0 and is_ours(material):
            pictures = our_images(material)
            bpy.data.materials.remove(material)
            for picture in dict.fromkeys(pictures):
                if picture.users == 0:
                    bpy.data.images.remove(picture)


def take_back(obj: Any) -> None:
    """Take the newest result of ``obj`` back: it looks as before, and what the job added is gone."""
    with history.up_to_date(obj):
        _take_back(obj)


def _take_back(obj: Any) -> None:
    index = len(history.of(obj)) - 1
    result = history.of(obj)[index]
    added_slot, slots, layer = result.added_slot, result.slots, result.uv_layer
    if history.shown(obj) == index:
        slot_materials.show(obj, history.stored(result.before))
        _relink(obj, result.before)
    _drop(obj, index)
    write_slots.join(obj, slots)
    mesh = obj.data
    if added_slot and mesh.users == 1 and len(mesh.materials) == 1 and obj.material_slots[0].material is None:
        mesh.materials.clear()
    if layer in mesh.uv_layers and mesh.users == 1 and not _uses(obj, layer):
        mesh.uv_layers.remove(mesh.uv_layers[layer])


def _relink(obj: Any, collection: Any) -> None:
    """Let what the mesh still holds be shown by the mesh again, where it was."""
    for part in collection:
        slot = obj.material_slots[part.slot]
        if part.link == "DATA" and slot.link == "OBJECT" and obj.data.materials[part.slot] == slot.material:
            slot.material = None
            slot.link = "DATA"


def _uses(obj: Any, layer: str) -> bool:
    """Whether a result of ``obj`` is laid out by the UV map ``layer``."""
    return any(
        uv_layer(material) == layer for result in history.of(obj) for material in history.materials(result)
    )
