"""Which objects of the scene are meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from ..problem import Problem


def named(name: str) -> Any:
    """The object ``name`` of the scene that is shown; raises Problem."""
    objects = bpy.context.view_layer.objects
    if (obj := objects.get(name)) is None:
        meshes = _list(one.name for one in objects if one.type == "MESH")
        raise Problem(f"There is no object '{name}' in the scene", f"Its mesh objects: {meshes}.")
    return obj


def of_collection(name: str) -> list[Any]:
    """The mesh objects of the scene in the collection ``name`` and those inside it; raises Problem."""
    if (collection := bpy.data.collections.get(name)) is None:
        known = _list(one.name for one in bpy.data.collections)
        raise Problem(f"There is no collection '{name}'", f"There are: {known}.")
    here = set(bpy.context.view_layer.objects)
    found = [obj for obj in collection.all_objects if obj.type == "MESH" and obj in here]
    if not found:
        raise Problem(f"The collection '{name}' has no meshes in this scene", "Choose another one.")
    return found


def of_target(layer: Any, target: str) -> list[Any]:
    """The objects of a job's ``target`` in the view ``layer``: the active one, None where there is none, or
    all "selected" meshes, the active one first."""
    active = layer.objects.active
    if target != "selected":
        return [active]
    meshes = [obj for obj in layer.objects.selected if obj.type == "MESH"]
    return sorted(meshes, key=lambda obj: obj != active) or [active]


def visible() -> list[Any]:
    """All mesh objects that the scene shows; raises Problem."""
    found = [obj for obj in bpy.context.view_layer.objects if obj.type == "MESH" and obj.visible_get()]
    if not found:
        raise Problem("The scene shows no meshes", "Name objects or a collection.")
    return found


def prompt_of(obj: Any | None, name: str) -> str:
    """What the custom property ``name`` of ``obj`` says; "" without."""
    return str(obj.get(name, "")).strip() if obj and name else ""


def _list(names: Iterable[str]) -> str:
    """The first ten in words."""
    return ", ".join(f"'{name}'" for name in list(names)[:10]) or "none"
