"""Areas of an object that only Blender knows: vertex groups, selected faces, face sets, attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine.options import areas
from ...engine.options.areas import Area, Region
from ...engine.protocol import UserError
from ..problem import Problem
from . import bulk, target

Floats = NDArray[np.float32]

FACE_SETS = ".sculpt_face_set"
"""The attribute of a mesh that holds the number of each face's set. Missing where there are none."""
_NUMBERS = {"FLOAT": np.float32, "BOOLEAN": bool, "INT": np.int32, "INT8": np.int32}
"""Kinds of attributes that are numbers, and as what Blender hands them over."""


def regions(said: Iterable[str]) -> tuple[Region, ...]:
    """What the texts of a job ask for. Raises Problem for one that can't be read."""
    try:
        return areas.read_regions(tuple(said))
    except UserError as error:
        raise Problem.of(error) from error


def repainted(said: Iterable[str]) -> tuple[Area, ...]:
    """The areas that the texts of a job have repainted. Raises Problem as above."""
    try:
        return tuple(map(areas.plain, said))
    except UserError as error:
        raise Problem.of(error) from error


def only_blender(found: Iterable[Area]) -> tuple[Area, ...]:
    """Those of the areas ``found`` that only Blender knows, each once."""
    return tuple(one for one in dict.fromkeys(found) if one.kind in areas.ONLY_BLENDER)


def read(obj: Any, mesh: Any, said: Iterable[Area], alone: bool) -> Mapping[str, Floats]:
    """(L,) in [0, 1]: how much each loop of ``mesh``, evaluated or not, of ``obj`` is in each area, by how
    options spell it. Raises Problem for one that isn't there; where the object isn't ``alone`` nothing of it
    is in such a one."""
    found = {}
    for area in said:
        own = _group(obj, mesh, area.name) if area.kind == "group" else _faces(mesh, area.name)
        if own is None and alone:
            raise _missing(obj, mesh, area)
        found[str(area)] = np.zeros(len(mesh.loops), np.float32) if own is None else np.clip(own, 0, 1)
    return found


def _group(obj: Any, mesh: Any, name: str) -> Floats | None:
    """Weights of a vertex group, or of an attribute of vertices; None without."""
    weights = np.zeros(len(mesh.vertices), np.float32)
    if (group := obj.vertex_groups.get(name)) is not None:
        for vertex in mesh.vertices:
            for one in vertex.groups:
                if one.group == group.index:
                    weights[vertex.index] = one.weight
    elif (values := _attribute(mesh, name, "POINT")) is not None:
        weights = values
    else:
        return None
    return weights[bulk.corner_vertices(mesh)]


def _faces(mesh: Any, name: str) -> Floats | None:
    """Which faces are selected, in a face set, or have an attribute; None without."""
    if name == target.SELECTED_FACES:
        values: Any = target.selected_polygons(mesh)
    elif name.isdecimal():
        sets = _attribute(mesh, FACE_SETS, "FACE")
        values = None if sets is None else sets == int(name)
    else:
        values = _attribute(mesh, name, "FACE")
    if values is None or not values.any():
        return None
    return np.repeat(values.astype(np.float32), bulk.polygon_sizes(mesh))


def _attribute(mesh: Any, name: str, domain: str) -> Floats | None:
    """The values of a number for each of a ``domain``; None where there is none of this ``name``."""
    found = mesh.attributes.get(name)
    if found is None or found.domain != domain or found.data_type not in _NUMBERS:
        return None
    values: NDArray[Any] = np.empty(len(found.data), _NUMBERS[found.data_type])
    found.data.foreach_get("value", values)
    return values.astype(np.float32)


def _missing(obj: Any, mesh: Any, area: Area) -> Problem:
    if area.kind == "group":
        names = ", ".join(f"'{one.name}'" for one in obj.vertex_groups) or "none"
        return Problem(f"'{obj.name}' has no vertex group '{area.name}'", f"It has: {names[:160]}.")
    if area.name.isdecimal():
        sets = _attribute(mesh, FACE_SETS, "FACE")
        numbers = "none" if sets is None else ", ".join(str(int(one)) for one in np.unique(sets)[:20])
        return Problem(f"'{obj.name}' has no face set {area.name}", f"It has: {numbers}.")
    if area.name == target.SELECTED_FACES:
        fix = "Select some in Edit Mode, and go back to Object Mode."
        return Problem(f"No faces of '{obj.name}' are selected", fix)
    what = f"'{obj.name}' has no faces called '{area.name}'"
    return Problem(what, "Say selected, the number of a face set, or the name of an attribute of faces.")
