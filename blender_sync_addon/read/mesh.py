"""An object's mesh, read for the engine (arrays.py).

**Space.** The world's, where several objects are textured together. For one alone, the object's own axes with
its scale applied, mirroring included; its location and rotation are left out. So "front" is the object's -Y
and "up" its +Z wherever it stands in the scene, and proportions are what the artist sees. Where the scale
mirrors, the triangles are turned round, so that their counter-clockwise side stays the outside.

**Which mesh.** The evaluated one, modifiers and shape keys applied, wherever the result can come back to
it. A new UV map can only be stored on the mesh below the modifiers, so:

=======================  ==========================  ============================================
modifiers change         UV map of the evaluated     what is sent
the topology             mesh, unwrap option
=======================  ==========================  ============================================
no (deform, or none)     any                         evaluated shape; corners are the base mesh's own
yes                      usable, "auto"              evaluated mesh with its UVs, never unwrapped
yes                      any, "never"                the same
yes                      none or unusable, "auto"    base mesh; the modifiers carry its new UV map on
yes                      any, "always"               the same
=======================  ==========================  ============================================

"Usable" here only asks for finite UVs inside the unit square, or where UDIM tiles are, that aren't all in one
place. Overlaps are allowed behind a modifier: a Mirror or Array modifier makes them on purpose.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datablocks import polygon_slots
from ..problem import Problem
from . import target
from .arrays import MeshReading
from .target import FaceSelection

MODIFIERS_LEFT_OUT = (
    "The modifiers were left out: a new UV map has to fit the mesh below them. They carry it on, but the "
    "texture was made for the unmodified shape"
)


@dataclasses.dataclass(frozen=True)
class WantedMesh:
    """What is to be read. uv_layer: name of the UV map to texture, "" for the active one. unwrap: "auto",
    "always", "never". faces: those to read, None for all. in_world: where the object stands among others."""

    uv_layer: str = ""
    unwrap: str = "auto"
    faces: FaceSelection | None = None
    in_world: bool = False


def read(obj: Any, depsgraph: Any, wanted: WantedMesh) -> MeshReading:
    """The mesh of ``obj`` (a mesh object that ``check`` passed) as ``depsgraph`` evaluates it. Raises Problem
    when there is nothing to texture or the UV map doesn't exist."""
    reading = _read(obj, depsgraph, wanted)
    if not len(reading.triangles):
        what = f"The modifiers of '{obj.name}' leave none of the chosen faces"
        raise Problem(what, "Choose others, or apply the modifiers.")
    if not wanted.in_world:
        return reading
    return dataclasses.replace(reading, world=np.array(obj.matrix_world, np.float64))


def _read(obj: Any, depsgraph: Any, wanted: WantedMesh) -> MeshReading:
    base = obj.data
    with _evaluated(obj, depsgraph) as mesh:
        if same_topology(mesh, base):
            return _reading(obj, mesh, wanted)
        if wanted.unwrap != "always":
            reading = _reading(obj, mesh, dataclasses.replace(wanted, unwrap="never"), on_base=False)
            if wanted.unwrap == "never" or _usable(reading):
                return reading
        if len(base.polygons):
            return dataclasses.replace(_reading(obj, base, wanted), warnings=(MODIFIERS_LEFT_OUT,))
        raise Problem(
            f"'{obj.name}' is made by its modifiers and has no usable UV map",
            "Apply the modifiers, or let them make a UV map.",
        )


def check(obj: Any) -> None:
    """Raise Problem when ``obj`` can't be textured. Cheap enough for drawing a panel."""
    if obj is None:
        raise Problem("No active object", "Select a mesh object.")
    if obj.type != "MESH":
        kind = obj.type.replace("_", " ").lower()
        raise Problem(f"'{obj.name}' is not a mesh but a {kind}", "Select a mesh, or convert it to one.")
    if obj.mode in {"EDIT", "SCULPT"} or obj.data.is_editmode:
        mode = "Sculpt" if obj.mode == "SCULPT" else "Edit"
        raise Problem(f"'{obj.name}' is in {mode} Mode", "Go back to Object Mode first.")
    if obj.library or obj.override_library or obj.data.library or obj.data.override_library:
        fix = "Make it local first (Object > Relations > Make Local)."
        raise Problem(f"'{obj.name}' is linked from a library", fix)


def scale(obj: Any) -> tuple[float, float, float]:
    """The scale with which ``obj`` is seen, its own mirroring and its parents' included.

    Lengths come from the world matrix, signs from the object's own scale; where a parent mirrors on top,
    left and right change places (a mirroring across any other plane is that plus a rotation).
    """
    matrix = obj.matrix_world.to_3x3()
    x, y, z = (math.copysign(matrix.col[k].length, obj.scale[k]) for k in range(3))
    if (x * y * z < 0) != (matrix.determinant() < 0):
        x = -x
    return x, y, z


def same_topology(one: Any, other: Any) -> bool:
    """Whether two meshes have the same polygons with the same corners: then UVs fit from one to the other."""
    if any(
        len(getattr(one, part)) != len(getattr(other, part)) for part in ("vertices", "loops", "polygons")
    ):
        return False
    return has_topology(one, topology(other))


def topology(mesh: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """What decides whether UVs fit: the vertex of each loop, and the first loop of each polygon."""
    return _corner_vertices(mesh), _polygon_starts(mesh)


def has_topology(mesh: Any, wanted: tuple[NDArray[np.int32], NDArray[np.int32]]) -> bool:
    """Whether ``mesh`` still has the topology ``wanted``."""
    return all(map(np.array_equal, topology(mesh), wanted))


@contextmanager
def _evaluated(obj: Any, depsgraph: Any) -> Iterator[Any]:
    """The evaluated mesh of ``obj``, freed afterwards."""
    evaluated = obj.evaluated_get(depsgraph)
    mesh = evaluated.to_mesh()
    if mesh is None or not len(mesh.polygons):
        evaluated.to_mesh_clear()
        raise Problem(f"'{obj.name}' has no faces", "Add faces, or select another object.")
    try:
        yield mesh
    finally:
        evaluated.to_mesh_clear()


def _layer(mesh: Any, base: Any, name: str) -> Any | None:
    """The UV map ``name`` of ``mesh``, or the active one for ""; None when the mesh has none."""
    if not name:
        # modifiers may add UV maps: the artist's active one is that of the base mesh, where it has any
        active = base.uv_layers.active
        found = mesh.uv_layers.get(active.name) if active else None
        return found or mesh.uv_layers.active
    if (layer := mesh.uv_layers.get(name)) is None and base.uv_layers.get(name) is None:
        names = ", ".join(f"'{layer.name}'" for layer in mesh.uv_layers) or "none"
        raise Problem(f"There is no UV map '{name}'", f"The mesh has: {names}.")
    return layer


def _usable(reading: MeshReading) -> bool:
    if reading.loop_uvs is None or not len(reading.triangles):
        return False
    uvs = reading.loop_uvs if reading.selection is None else reading.loop_uvs[reading.triangles.ravel()]
    inside = np.isfinite(uvs).all() and uvs.min() >= -1e-4 and uvs[:, 0].max() <= 10 + 1e-4
    return bool(inside and (np.ptp(uvs, axis=0) > 1e-4).all())


def _reading(obj: Any, mesh: Any, wanted: WantedMesh, on_base: bool = True) -> MeshReading:
    """``mesh``, the evaluated or the base mesh of ``obj``, in bulk reads."""
    layer = _layer(mesh, obj.data, wanted.uv_layer)
    triangles, polygons = _triangles(mesh)
    if wanted.faces is not None:
        own = (wanted.faces.polygons if on_base else wanted.faces.on(mesh))[polygons]
        triangles, polygons = triangles[own], polygons[own]
    points = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", points.ravel())
    return MeshReading(
        points=points,
        loop_vertices=_corner_vertices(mesh),
        loop_uvs=None if layer is None else _uvs(layer),
        triangles=triangles,
        polygons=polygons,
        scale=scale(obj),
        uv_layer=None if layer is None else layer.name,
        unwrap=wanted.unwrap,
        topology=topology(obj.data),
        on_base=on_base,
        slots=polygon_slots(mesh, len(obj.material_slots))[polygons],
        materials=tuple(target.artists_material_names(obj)),
        selection=wanted.faces,
    )


def _triangles(mesh: Any) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The loops of each triangle (F, 3), and the polygon that each is part of (F,)."""
    count = len(mesh.polygons)
    if len(mesh.loops) == 3 * count:  # triangles only (a polygon has at least three corners): no need to ask
        return np.arange(3 * count, dtype=np.int32).reshape(-1, 3), np.arange(count, dtype=np.int32)
    mesh.calc_loop_triangles()
    corners = np.empty((len(mesh.loop_triangles), 3), np.int32)
    mesh.loop_triangles.foreach_get("loops", corners.ravel())
    polygons = np.empty(len(corners), np.int32)
    mesh.loop_triangle_polygons.foreach_get("value", polygons)
    return corners, polygons


def _corner_vertices(mesh: Any) -> NDArray[np.int32]:
    """The vertex of each loop. The attribute is fifty times as fast as ``mesh.loops``."""
    vertices = np.empty(len(mesh.loops), np.int32)
    mesh.attributes[".corner_vert"].data.foreach_get("value", vertices)
    return vertices


def _polygon_starts(mesh: Any) -> NDArray[np.int32]:
    starts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_start", starts)
    return starts


def _uvs(layer: Any) -> NDArray[np.float32]:
    """The UVs of each loop, (L, 2)."""
    uvs = np.empty((len(layer.uv), 2), np.float32)
    layer.uv.foreach_get("vector", uvs.ravel())
    return uvs
