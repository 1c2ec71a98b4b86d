"""A material slot for some of an object's faces, without a change to what anything shows.

Which slot a face has is the mesh's, so the new slot is one of every object with this mesh; on each it shows
what the faces showed there. It keeps its faces when another result is shown: by ``spread`` it then shows
what the slot shows that they come from.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..datablocks import SLOT_INDEX, polygon_slots
from . import material as write_material
from .slot_changes import SlotMoves

SPLIT = "sync_texture_split"
"""Custom property of an object: which of its slots were made of which, whether it had none before (``bare``),
and whether its faces had no numbers of slots."""


def own(obj: Any, chosen: NDArray[np.bool_]) -> list[int]:
    """Numbers of slots that the ``chosen`` polygons (P,) of ``obj``, and no others, have: those that they
    have where no others do, else new ones."""
    mesh, count = obj.data, len(obj.material_slots)
    index = polygon_slots(mesh, count)
    of_all, of_chosen = np.bincount(index), np.bincount(index[chosen])
    found = []
    for slot in np.flatnonzero(of_chosen).tolist():
        if of_chosen[slot] == of_all[slot]:
            found.append(slot)
            continue
        new = _copy(obj, slot)
        found.append(new)
        index[chosen & (index == slot)] = new
    if len(obj.material_slots) > count:
        mesh.polygons.foreach_set(SLOT_INDEX, index)
        mesh.update()
    return found


def _copy(obj: Any, source: int) -> int:
    """The number of a new slot of ``obj`` that shows, and remembers, what the slot ``source`` does."""
    mesh = obj.data
    bare, unnumbered = not mesh.materials, SLOT_INDEX not in mesh.attributes
    if bare:
        mesh.materials.append(None)  # else faces without a slot would show the new one
    mesh.materials.append(mesh.materials[source])
    new = len(mesh.materials) - 1
    for user in _users(mesh):
        old, slot = user.material_slots[source], user.material_slots[new]
        slot.link = old.link
        if old.link == "OBJECT":
            slot.material = old.material
        write_material.remember_same(user, source, new)
    made = {"slot": new, "source": source, "bare": bare, "unnumbered": unnumbered}
    obj[SPLIT] = [*(dict(one) for one in obj.get(SPLIT, ())), made]
    return new


def _users(mesh: Any) -> list[Any]:
    return [obj for obj in bpy.data.objects if obj.data == mesh]


def spread(obj: Any, wanted: Collection[tuple[int, Any]]) -> tuple[tuple[int, Any], ...]:
    """``wanted``, pairs of slots and materials, with what slots of ours that aren't in it show then: the same
    as the one that they were made of."""
    shown = dict(wanted)
    for one in obj.get(SPLIT, ()):
        if one["slot"] not in shown and one["source"] in shown:
            shown[one["slot"]] = shown[one["source"]]
    return tuple(sorted(shown.items(), key=lambda pair: pair[0]))


def renumber(obj: Any, moves: SlotMoves) -> None:
    """Let what is noted about slots of ours be so for those that they are now."""
    made = [dict(one) for one in obj.get(SPLIT, ())]
    there = [one for one in made if one["slot"] in moves and one["source"] in moves]
    _store(obj, [{**one, "slot": moves[one["slot"]], "source": moves[one["source"]]} for one in there])


def _store(obj: Any, made: list[dict[str, Any]]) -> None:
    if made:
        obj[SPLIT] = made
    elif SPLIT in obj:
        del obj[SPLIT]


def join(obj: Any, count: int) -> None:
    """Give the faces of the slots from number ``count`` on, where ``own`` made them, back to those that they
    were made of, and take the slots away; unless another object with this mesh shows a texture there."""
    mesh = obj.data
    made = [dict(one) for one in obj.get(SPLIT, ())]
    while made and made[-1]["slot"] >= count and _can_join(mesh, made[-1]):
        _join(mesh, made.pop())
    _store(obj, made)


def _can_join(mesh: Any, one: dict[str, Any]) -> bool:
    """Whether the slot is the last one, and shows on all objects what the one shows that it was made of."""
    pairs = [(user.material_slots[one["slot"]], user.material_slots[one["source"]]) for user in _users(mesh)]
    return one["slot"] == len(mesh.materials) - 1 and all(a.material == b.material for a, b in pairs)


def _join(mesh: Any, one: dict[str, Any]) -> None:
    index = polygon_slots(mesh, len(mesh.materials))
    index[index == one["slot"]] = one["source"]
    mesh.polygons.foreach_set(SLOT_INDEX, index)
    for user in _users(mesh):
        write_material.forget(user, one["slot"])
    mesh.materials.pop(index=one["slot"])
    empty = all(not user.material_slots[0].material for user in _users(mesh))
    if one["bare"] and len(mesh.materials) == 1 and empty:
        mesh.materials.clear()  # and the faces' numbers
        mesh.polygons.foreach_set(SLOT_INDEX, index)
    if one["unnumbered"] and not index.any():
        mesh.attributes.remove(mesh.attributes[SLOT_INDEX])
    mesh.update()
