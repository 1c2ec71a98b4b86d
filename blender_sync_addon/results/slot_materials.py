"""What the material slots of an object show of ours, and showing something else of ours there."""

from __future__ import annotations

from typing import Any

import bpy

from ..datablocks import is_ours
from ..write import material as write_material
from ..write import slots as write_slots
from ..write.slot_changes import SlotMoves

SlotMaterials = tuple[tuple[int, Any], ...]
"""Which of our materials slots show: (number of the slot, material)."""
SlotUids = tuple[tuple[int, int], ...]
"""The same by the materials' session-wide numbers."""


def shown(obj: Any) -> SlotMaterials:
    """What the slots of ``obj`` show of ours."""
    pairs = ((i, slot.material) for i, slot in enumerate(obj.material_slots))
    return tuple((i, material) for i, material in pairs if material and is_ours(material))


def links(obj: Any) -> tuple[str, ...]:
    """By what each slot of ``obj`` shows its material: "DATA", the mesh, or "OBJECT"."""
    return tuple(slot.link for slot in obj.material_slots)


def renumbered(pairs: SlotMaterials, moves: SlotMoves | None) -> SlotMaterials:
    """``pairs`` with the numbers that the slots have now, see write/slot_changes.py."""
    if moves is None:
        return pairs
    return tuple(sorted(((moves[i], one) for i, one in pairs if i in moves), key=lambda pair: pair[0]))


def show(obj: Any, wanted: SlotMaterials) -> None:
    """Let the slots of ``obj`` show the materials ``wanted`` of ours, and nothing else of ours."""
    wanted = write_slots.spread(obj, wanted)
    others = {slot for slot, _ in shown(obj)} - {slot for slot, _ in wanted}
    write_material.restore(obj, others)
    for slot, _ in shown(obj):
        if slot in others:  # one that the first texture added: it showed nothing
            _empty(obj, slot)
    for slot, material in wanted:
        if slot < len(obj.material_slots) or slot == 0:
            write_material.show(obj, material, {slot})


def _empty(obj: Any, slot: int) -> None:
    if obj.data.users > 1:  # other objects with this mesh keep their look
        obj.material_slots[slot].link = "OBJECT"
    obj.material_slots[slot].material = None


def to_uids(pairs: SlotMaterials) -> SlotUids:
    """``pairs`` by the materials' session-wide numbers, for as long as undo and deletion may free them."""
    return tuple((slot, material.session_uid) for slot, material in pairs)


def from_uids(pairs: SlotUids) -> SlotMaterials:
    """What is left of the materials in ``pairs``."""
    found = {material.session_uid: material for material in bpy.data.materials}
    return tuple((slot, found[uid]) for slot, uid in pairs if uid in found)
