"""Which objects a command is about, and which of them can't be textured.

Nobody sits before Blender: what mode the file was saved in doesn't matter, empties stand for the objects that
they show, and of a scene or a collection all is textured that can be.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import bpy

from ...engine import words
from ..problem import Problem
from ..read import instances
from ..read import objects as read_objects

Found = TypeVar("Found")


@dataclass(frozen=True)
class Sorted(Generic[Found]):
    """found: what was made of each object that can be textured; left_out: names of the others; warnings: why,
    in lines."""

    found: tuple[Found, ...]
    left_out: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def to_object_mode() -> None:
    """Bring all objects to Object Mode: what was edited when the file was saved is in the mesh already."""
    for obj in bpy.context.view_layer.objects:
        if obj.mode != "OBJECT":
            override = bpy.context.temp_override(active_object=obj, object=obj, selected_objects=[obj])
            with contextlib.suppress(RuntimeError), override:  # then it is left in it, and refused by name
                bpy.ops.object.mode_set(mode="OBJECT")


def named(names: Sequence[str], collection: str | None) -> list[Any]:
    """The objects ``names`` and those of the ``collection``, each once. Raises Problem."""
    found = [read_objects.named(name) for name in names]
    found += read_objects.of_collection(collection) if collection else []
    return list(dict.fromkeys(one for obj in found for one in read_objects.expanded(obj)))


def sort(objects: Sequence[Any], read: Callable[[Any], Found], insist: bool) -> Sorted[Found]:
    """Which of ``objects`` can be textured: those that ``read`` raises no Problem for. insist: on all. Raises
    Problem also where there is none."""
    found: list[Found] = []
    refused: list[tuple[str, Problem]] = []
    for obj in objects:
        try:
            found.append(read(obj))
        except Problem as problem:
            if insist or len(objects) == 1:
                raise
            if not _is_shown_by_others(obj):
                refused.append((obj.name, problem))
    notes = [(f"'{name}'", "left out, " + one.what.replace(f"'{name}'", "it")) for name, one in refused]
    lines = words.alike(notes, len(objects), "objects")
    if not found:
        raise Problem(
            f"None of {len(objects)} objects can be textured: {'; '.join(lines)}", refused[0][1].fix
        )
    return Sorted(tuple(found), tuple(name for name, _ in refused), tuple(lines))


def _is_shown_by_others(obj: Any) -> bool:
    """Whether all that ``obj`` shows is instances of other objects, which are textured themselves."""
    shown = instances.shown_by(obj, bpy.context.evaluated_depsgraph_get()) if obj.type == "MESH" else []
    return bool(shown) and obj.name not in shown
