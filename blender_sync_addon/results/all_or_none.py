"""Changes of a .blend that are made all or not at all.

Blender's own undo can't be used for this: it exists in windows only, takes the artist's last step back too,
and frees what we hold. So what our changes can touch is noted before, and put back on any error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import bpy
import numpy as np

from ...engine import protocol
from ..datablocks import SLOT_INDEX, render_uv_layer
from ..problem import Problem
from ..write import material as write_material
from ..write import slot_changes
from ..write import slots as write_slots

RESULTS = "sync_texture"  # the property of objects that history.py has its list in
# Our custom properties of objects.
_NOTES = (write_material.MEMORY, write_slots.SPLIT, slot_changes.REMEMBERED)
_NEW = ("materials", "images", "worlds")  # the kinds of datablocks that we make


@contextlib.contextmanager
def all_or_none(
    objects: Sequence[Any], undo_more: Callable[[], None] = lambda: None, name: str = ""
) -> Iterator[None]:
    """What is done inside to ``objects``, mesh objects, and to their meshes is done as a whole: on any error
    all is as it was before, and datablocks that were made are gone.

    Nothing that was there before may be deleted inside. undo_more: called on an error, too. name: what is
    changed, where there are no objects. Raises Problem for whatever error it was, but for those that end the
    program.
    """
    with in_words(objects[0].name if objects else name):
        before = _File(objects)
        try:
            yield
        except BaseException:
            with contextlib.ExitStack() as steps:  # whatever one step runs into, the others are taken
                steps.callback(undo_more)
                before.put_back(steps)
            raise


@contextlib.contextmanager
def in_words(name: str) -> Iterator[None]:
    """Whatever goes wrong inside with the object called ``name`` ends in one line: a Problem."""
    try:
        yield
    except Problem:
        raise
    except MemoryError as error:
        what = f"Memory ran out while '{name}' was changed, so nothing of it was"
        fix = "Close other programs, or choose a smaller size."
        raise Problem(what, fix, protocol.EXIT_OUT_OF_MEMORY) from error
    except Exception as error:
        why = str(error).removeprefix("Error: ").strip() or type(error).__name__
        place = _place(error)
        what = f"'{name}' can't be changed, and nothing of it was: {why} ({place})"
        raise Problem(what, "Please report it, with this line.", protocol.EXIT_BUG) from error


def _place(error: BaseException) -> str:
    """Where in our code ``error`` came up, for those who mend it."""
    trace = error.__traceback__
    found = "?"
    while trace:
        if "sync_addon" in trace.tb_frame.f_code.co_filename:
            found = f"{trace.tb_frame.f_code.co_name}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} in {found}"


class _File:
    """What our changes to ``objects`` can touch, as it is now."""

    def __init__(self, objects: Sequence[Any]) -> None:
        meshes = list(dict.fromkeys(obj.data for obj in objects))
        users = [one for one in bpy.data.objects if one.data in meshes]  # slots are the mesh's
        self._objects = [_Object(one) for one in users]
        self._meshes = [_Mesh(one) for one in meshes]
        self._there = {kind: {one.session_uid for one in getattr(bpy.data, kind)} for kind in _NEW}

    def put_back(self, steps: contextlib.ExitStack) -> None:
        """Add all that is to be done to ``steps``; what is added last is done first."""
        steps.callback(self._remove_new)
        for obj in self._objects:
            steps.callback(obj.put_back)
        for mesh in self._meshes:
            steps.callback(mesh.put_layers_back)
            steps.callback(mesh.put_faces_back)
            steps.callback(mesh.put_materials_back)

    def _remove_new(self) -> None:
        for kind in _NEW:
            blocks = getattr(bpy.data, kind)
            for one in [one for one in blocks if one.session_uid not in self._there[kind]]:
                blocks.remove(one)


class _Mesh:
    """A mesh's slots, which faces have them, and its UV maps."""

    def __init__(self, mesh: Any) -> None:
        self._mesh = mesh
        self._materials = list(mesh.materials)
        self._slots = None
        if (slots := mesh.attributes.get(SLOT_INDEX)) is not None:
            self._slots = np.empty(len(mesh.polygons), np.int32)
            slots.data.foreach_get("value", self._slots)
        layers = mesh.uv_layers
        self._layers = [layer.name for layer in layers]
        self._active = layers.active_index
        self._render = render_uv_layer(mesh)
        self._attribute = mesh.attributes.active_index

    def put_materials_back(self) -> None:
        slots = self._mesh.materials
        while len(slots) > max(1, len(self._materials)):
            slots.pop(index=len(slots) - 1)
        if len(slots) > len(self._materials):
            slots.clear()
        while len(slots) < len(self._materials):
            slots.append(None)
        for i, material in enumerate(self._materials):
            if slots[i] != material:
                slots[i] = material

    def put_faces_back(self) -> None:
        slots = self._mesh.attributes.get(SLOT_INDEX)
        if self._slots is not None:
            self._mesh.polygons.foreach_set(SLOT_INDEX, self._slots)
        elif slots is not None:
            self._mesh.attributes.remove(slots)
        self._mesh.update()

    def put_layers_back(self) -> None:
        layers = self._mesh.uv_layers
        for name in [layer.name for layer in layers if layer.name not in self._layers]:
            layers.remove(layers[name])
        if self._layers:
            layers.active_index = self._active
            layers[self._render or self._layers[0]].active_render = True
        self._mesh.attributes.active_index = self._attribute


class _Object:
    """An object's slots, and what is kept on it."""

    def __init__(self, obj: Any) -> None:
        self._obj = obj
        self._slots = [_slot(slot) for slot in obj.material_slots]
        self._active = obj.active_material_index
        self._notes = {key: _listed(obj[key]) for key in _NOTES if key in obj}
        listed = obj.is_property_set(RESULTS)
        self._results = [_stored(one) for one in getattr(obj, RESULTS).results] if listed else None

    def put_back(self) -> None:
        for slot, (link, own) in zip(self._obj.material_slots, self._slots, strict=True):
            if _slot(slot) != (link, own):
                slot.link = "OBJECT"
                slot.material = own
                slot.link = link
        self._obj.active_material_index = self._active
        for key in _NOTES:
            if key in self._notes and _listed(self._obj.get(key, ())) != self._notes[key]:
                self._obj[key] = self._notes[key]
            elif key not in self._notes and key in self._obj:
                del self._obj[key]
        self._put_results_back()

    def _put_results_back(self) -> None:
        if self._results is None:
            self._obj.property_unset(RESULTS)
            return
        results = getattr(self._obj, RESULTS).results
        if [_stored(one) for one in results] != self._results:
            results.clear()
            for one in self._results:
                _store(results.add(), one)


def _slot(slot: Any) -> tuple[str, Any]:
    """By what a slot shows its material, and the object's own in it, even where the mesh's is shown."""
    link = slot.link
    if link == "OBJECT":
        return link, slot.material
    slot.link = "OBJECT"
    own = slot.material
    slot.link = link
    return link, own


def _listed(entries: Any) -> list[dict[str, Any]]:
    return [dict(entry) for entry in entries]


def _stored(group: Any) -> dict[str, Any]:
    """What is set in a property group of ours."""
    found: dict[str, Any] = {}
    for prop in group.bl_rna.properties:
        name = prop.identifier
        if name == "rna_type" or not group.is_property_set(name):
            continue
        value = getattr(group, name)
        found[name] = [_stored(one) for one in value] if prop.type == "COLLECTION" else value
    return found


def _store(group: Any, found: dict[str, Any]) -> None:
    for name, value in found.items():
        if isinstance(value, list):
            for one in value:
                _store(getattr(group, name).add(), one)
        else:
            setattr(group, name, value)
