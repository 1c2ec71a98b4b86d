"""Whether an object is still the one that was read: artists go on working while its texture is made."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ..datablocks import polygon_slots
from ..problem import Problem
from . import bulk
from . import mesh as read_mesh
from .arrays import MeshReading
from .target import artists_material_names

AGAIN = "Generate again."


def faces(obj: Any, reading: MeshReading, mesh: int) -> None:
    """Raise Problem unless ``obj`` still has the faces of ``reading``, for which textures and UVs are made.

    mesh: session-wide number of the mesh that was read. Another one counts, too, if it has the same UVs.
    """
    same = read_mesh.has_topology(obj.data, reading.topology)
    if not same or (obj.data.session_uid != mesh and not _has_uvs(obj.data, reading)):
        raise _changed(obj, "its faces are others")


def materials(obj: Any, reading: MeshReading, slots: NDArray[np.int32]) -> None:
    """Raise Problem unless the material slots of ``obj`` are called as in ``reading``, and its polygons still
    have ``slots`` (P,)."""
    if reading.materials != tuple(artists_material_names(obj)):
        raise _changed(obj, "its materials are others")
    if not np.array_equal(polygon_slots(obj.data, len(obj.material_slots)), slots):
        raise _changed(obj, "its faces have other materials")


def uv_layer(obj: Any, reading: MeshReading) -> None:
    """Raise Problem unless ``obj``, or what its modifiers make of it, still has the UV map of ``reading``."""
    name = reading.uv_layer
    if name in obj.data.uv_layers:
        return
    if not reading.on_base:
        evaluated = obj.evaluated_get(bpy.context.evaluated_depsgraph_get())
        try:
            if (mesh := evaluated.to_mesh()) and name in mesh.uv_layers:
                return
        finally:
            evaluated.to_mesh_clear()
    raise _changed(obj, f"its UV map '{name}' was renamed or removed")


def _has_uvs(mesh: Any, reading: MeshReading) -> bool:
    """Whether ``mesh`` has the UVs of ``reading``, as far as can be told: modifiers may have made them."""
    layer = mesh.uv_layers.get(reading.uv_layer or "")
    if layer is None or reading.loop_uvs is None or not reading.on_base:
        return True
    return np.array_equal(bulk.uvs(layer), reading.loop_uvs)


def _changed(obj: Any, how: str) -> Problem:
    return Problem(f"'{obj.name}' was changed while its texture was made: {how}", AGAIN)
