"""Which objects of the scene are meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from ..problem import Problem
from . import instances


def named(name: str) -> Any:
    """The object ``name`` of the scene that is shown, also one that is there in instances alone; raises
    Problem."""
    layer = bpy.context.view_layer.objects
    found = layer.get(name) or next((obj for obj in _instanced() if obj.name == name), None)
    if found is None:
        meshes = _list(one.name for one in layer if one.type == "MESH")
        raise Problem(f"There is no object '{name}' in the scene", f"Its mesh objects: {meshes}.")
    return found


def of_collection(name: str) -> list[Any]:
    """The mesh objects of the scene in the collection ``name`` and those inside it, also what empties in them
    show; raises Problem."""
    if (collection := bpy.data.collections.get(name)) is None:
        known = _list(one.name for one in bpy.data.collections)
        raise Problem(f"There is no collection '{name}'", f"There are: {known}.")
    here = {*bpy.context.view_layer.objects, *_instanced()}
    inside = [one for obj in collection.all_objects for one in expanded(obj)]
    found = [one for one in dict.fromkeys(inside) if one.type == "MESH" and one in here]
    if not found:
        raise Problem(f"The collection '{name}' has no meshes in this scene", "Choose another one.")
    return found


def expanded(obj: Any) -> list[Any]:
    """``obj``, or for an empty that shows a collection, the meshes of that; [obj] where it has none."""
    if obj.type != "EMPTY" or obj.instance_type != "COLLECTION" or obj.instance_collection is None:
        return [obj]
    inside = [found for one in obj.instance_collection.all_objects for found in expanded(one)]
    return [one for one in dict.fromkeys(inside) if one.type == "MESH"] or [obj]


def of_target(layer: Any, target: str) -> list[Any]:
    """The objects of a job's ``target`` in the view ``layer``: the active one, None where there is none, or
    all "selected" meshes, the active one first."""
    active = layer.objects.active
    if target != "selected":
        return [active]
    meshes = [obj for obj in layer.objects.selected if obj.type == "MESH"]
    return sorted(meshes, key=lambda obj: obj != active) or [active]


def visible() -> list[Any]:
    """All mesh objects that the scene shows, themselves or as instances; raises Problem."""
    found = [obj for obj in bpy.context.view_layer.objects if obj.type == "MESH" and obj.visible_get()]
    found = list(dict.fromkeys([*found, *_instanced()]))
    if not found:
        raise Problem("The scene shows no meshes", "Name objects or a collection.")
    return found


def _instanced() -> list[Any]:
    """The mesh objects that others show instances of."""
    if not any(map(instances.may_have, bpy.context.view_layer.objects)):
        return []
    return instances.objects(bpy.context.evaluated_depsgraph_get())


def prompt_of(obj: Any | None, name: str) -> str:
    """What the custom property ``name`` of ``obj`` says; "" without."""
    return str(obj.get(name, "")).strip() if obj and name else ""


def _list(names: Iterable[str]) -> str:
    """The first ten in words."""
    return ", ".join(f"'{name}'" for name in list(names)[:10]) or "none"
