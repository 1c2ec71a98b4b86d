"""Which faces of an object a job is for: all, those of a material slot, or the selected ones.

Views frame these faces. They see the others beside them as they look (beside.py), and paint these alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine.options.areas import Area
from ..datablocks import TAG, polygon_slots
from ..problem import Problem

TARGETS = ("active", "selected", "slot", "faces")
"""What a job may be for, as ``Settings.target`` says it."""
SELECTED_FACES = "selected"
"""How options name the selected faces, an area of the kind "faces"."""
SELECTED = ".select_poly"
"""The attribute of a mesh that holds its selected faces. Missing where there are none."""


@dataclass(frozen=True)
class FaceSelection:
    """Some faces. polygons (P,) bool: of the mesh below the modifiers; slot: the number of the material slot
    that they are of, None for the selected ones; count: how many slots there are."""

    polygons: NDArray[np.bool_]
    slot: int | None
    count: int

    def on(self, mesh: Any) -> NDArray[np.bool_]:
        """The same among the polygons of ``mesh``, that modifiers made."""
        return selected_polygons(mesh) if self.slot is None else polygon_slots(mesh, self.count) == self.slot


def select_faces(obj: Any, target: str, slot: str | int) -> FaceSelection | None:
    """What ``target`` says: "slot", where ``slot`` is as in ``slot_number``, or "faces"; None for all of
    ``obj``. Raises Problem where there are none."""
    if target not in ("slot", "faces"):
        return None
    number = slot_number(obj, slot) if target == "slot" else None
    mesh, count = obj.data, len(obj.material_slots)
    found = selected_polygons(mesh) if number is None else polygon_slots(mesh, count) == number
    if found.any():
        return FaceSelection(found, number, count)
    if number is None:
        fix = "Select some in Edit Mode, and go back to Object Mode."
        raise Problem(f"No faces of '{obj.name}' are selected", fix)
    name = artists_material_names(obj)[number] or f"number {number + 1}"
    raise Problem(f"No faces of '{obj.name}' have the material slot '{name}'", "Choose another slot.")


def repainted_faces(obj: Any, repaint: Sequence[Area]) -> FaceSelection | None:
    """The faces of ``obj`` in the areas ``repaint`` whose material decides which texture is painted: selected
    ones, or those of a slot; None where the active one does. Raises Problem where there are none."""
    if Area("faces", SELECTED_FACES) in repaint:
        return select_faces(obj, "faces", "")
    slots = [one.name for one in repaint if one.kind == "material"]
    return select_faces(obj, "slot", slots[0]) if slots else None


def faces_that_show(obj: Any, material: Any | None) -> FaceSelection | None:
    """The faces of the one slot of ``obj`` that shows ``material``; None where all do, or several of them."""
    own = [i for i, slot in enumerate(obj.material_slots) if slot.material == material]
    if len(own) != 1 or len(obj.material_slots) == 1:
        return None
    return select_faces(obj, "slot", own[0])


def slot_number(obj: Any, slot: str | int) -> int:
    """The number of the material slot that shows the material ``slot``, or did before a texture of ours; ""
    for the active slot; a number is one. Raises Problem where there is none. Cheap enough to draw a panel."""
    count = len(obj.material_slots)
    if not count:
        raise Problem(f"'{obj.name}' has no material slots", "Add one, or choose the whole object.")
    if slot == "":
        return min(int(obj.active_material_index), count - 1)
    if isinstance(slot, int) and slot < count:
        return slot
    for names in ([one.name for one in obj.material_slots], artists_material_names(obj)):
        if slot in names:
            return int(names.index(str(slot)))
    shown = ", ".join(f"'{name}'" for name in artists_material_names(obj) if name) or "nothing"
    raise Problem(f"'{obj.name}' has no material slot '{slot}'", f"Its slots show: {shown}.")


def artists_material_names(obj: Any) -> list[str]:
    """What the material in each slot is called, "" for none: the artist's, where our own is put over it."""
    names = []
    for index, slot in enumerate(obj.material_slots):
        material = slot.material
        if material is not None and TAG in material:
            material = obj.data.materials[index] or material
        names.append(material.name if material else "")
    return names


def shown_material(obj: Any, chosen: FaceSelection | None) -> Any | None:
    """The material that the ``chosen`` faces show, the active one for all; None without. Raises Problem where
    they show several."""
    if chosen is None or not obj.material_slots:
        return obj.active_material
    found = np.unique(polygon_slots(obj.data, len(obj.material_slots))[chosen.polygons])
    shown = {obj.material_slots[int(number)].material for number in found}
    if len(shown) > 1:
        fix = "Choose faces of one material, or turn Start from Current Texture off."
        raise Problem(f"The selected faces of '{obj.name}' show several materials", fix)
    return shown.pop()


def selected_polygons(mesh: Any) -> NDArray[np.bool_]:
    """(P,) whether each polygon of ``mesh`` is selected."""
    found = np.zeros(len(mesh.polygons), bool)
    if SELECTED in mesh.attributes:
        mesh.attributes[SELECTED].data.foreach_get("value", found)
    return found
