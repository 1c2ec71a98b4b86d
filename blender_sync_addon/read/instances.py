"""What an object shows that isn't its own mesh: instances, by geometry nodes, particles or collections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..problem import Problem

MANY = 3  # names in one line
OF_OTHERS = "Texture what they are of, or make them real (Object > Apply > Make Instances Real)."
OF_NODES = "End its nodes with Realize Instances, then convert it (Object > Convert > Mesh)."
"""Made real, instances of what nodes make are copies of the object with its nodes, which shows them again."""


def may_have(obj: Any) -> bool:
    """Whether ``obj`` can show instances at all. Cheap; looking for them goes through all of the scene's."""
    kinds = {one.type for one in obj.modifiers if one.show_viewport}
    return obj.instance_type != "NONE" or bool(kinds & {"NODES", "PARTICLE_SYSTEM"})


def shown_by(obj: Any, depsgraph: Any) -> list[str]:
    """The names of the objects that ``obj`` shows instances of, its own for geometry that its nodes make; []
    without."""
    return list(dict.fromkeys(_each(obj, depsgraph))) if may_have(obj) else []


def _each(obj: Any, depsgraph: Any) -> Iterator[str]:
    for one in depsgraph.object_instances:
        if one.is_instance and one.parent and one.parent.original == obj and _is_surface(one.object):
            yield one.object.original.name


def _is_surface(obj: Any) -> bool:
    return bool(obj.type == "MESH" and len(obj.data.polygons))


def objects(depsgraph: Any) -> list[Any]:
    """The mesh objects of the file that others show instances of."""
    found = (one.object.original for one in depsgraph.object_instances if _is_of_another(one))
    return list(dict.fromkeys(found))


def place(obj: Any, depsgraph: Any) -> Any:
    """The matrix (4, 4) by which ``obj`` stands in the world: its own, or where it is nowhere itself, that of
    its first instance."""
    if obj.name not in depsgraph.view_layer.objects:
        for one in depsgraph.object_instances:
            if _is_of_another(one) and one.object.original == obj:
                return one.matrix_world.copy()
    return obj.matrix_world


def _is_of_another(one: Any) -> bool:
    """Whether it is an instance of an object, not of what the nodes of the one that shows it make."""
    of_object = one.is_instance and one.parent and one.parent.original != one.object.original
    return bool(of_object) and _is_surface(one.object)


def no_faces(obj: Any, depsgraph: Any) -> Problem:
    """Why ``obj``, whose evaluated mesh has no faces, can't be textured."""
    if names := shown_by(obj, depsgraph):
        what = f"'{obj.name}' has no faces, but shows instances{_of(obj, names)}"
        return Problem(what, OF_OTHERS if set(names) - {obj.name} else OF_NODES)
    return Problem(f"'{obj.name}' has no faces", "Add faces, or select another object.")


def left_out(obj: Any, depsgraph: Any) -> tuple[str, ...]:
    """A warning where ``obj`` shows instances beside its mesh."""
    if not (names := shown_by(obj, depsgraph)):
        return ()
    return (f"The instances{_of(obj, names)} beside the mesh of '{obj.name}' are not textured with it",)


def _of(obj: Any, names: list[str]) -> str:
    """Whose they are, as far as it is others'."""
    others = [name for name in names if name != obj.name]
    more = ", ..." if len(others) > MANY else ""
    return f" of {', '.join(repr(name) for name in others[:MANY])}{more}" if others else ""
