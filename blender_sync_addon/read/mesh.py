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

"Usable" here only asks for finite UVs inside the unit square, or where UDIM tiles are, that have an area.
Overlaps are allowed behind a modifier: a Mirror or Array modifier makes them on purpose.

**What would not be seen.** Modifiers of which that isn't known are tried out on a copy (trial.py). Where they
don't carry a new UV map on, only one of theirs will do. Faces on which they show materials of their own are
left out. What nothing would be seen on is refused, before anything starts.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine import words
from ...engine.options.areas import Area
from ..datablocks import polygon_slots
from ..problem import Problem
from . import areas, beside, bulk, instances, target
from .arrays import MeshReading
from .beside import Look
from .target import FaceSelection
from .trial import MUCH, Trial, try_out

MODIFIERS_LEFT_OUT = (
    "The modifiers were left out: a new UV map has to fit the mesh below them. They carry it on, but the "
    "texture was made for the unmodified shape"
)
_APPLY = "Apply them (Object > Convert > Mesh)."
_CONVERTIBLE = {"CURVE", "SURFACE", "META", "FONT", "CURVES", "POINTCLOUD"}


@dataclasses.dataclass(frozen=True)
class WantedMesh:
    """What is to be read. uv_layer: name of the UV map to texture, "" for the active one. unwrap: "auto",
    "always", "keep", "never". faces: those to read, None for all. in_world: where the object stands among
    others. areas: of the job's regions, that only Blender knows. looks: of what stands beside the faces, by
    its slots."""

    uv_layer: str = ""
    unwrap: str = "auto"
    faces: FaceSelection | None = None
    in_world: bool = False
    areas: tuple[Area, ...] = ()
    looks: Mapping[int, Look] = dataclasses.field(default_factory=dict)


def read(obj: Any, depsgraph: Any, wanted: WantedMesh) -> MeshReading:
    """The mesh of ``obj`` (a mesh object that ``check`` passed) as ``depsgraph`` evaluates it. Raises Problem
    when there is nothing to texture or the UV map doesn't exist."""
    reading = _read(obj, depsgraph, wanted)
    if not len(reading.triangles):
        what = f"The modifiers of '{obj.name}' leave none of the chosen faces"
        raise Problem(what, "Choose others, or apply the modifiers.")
    _check_extent(obj, reading)
    said = (*reading.warnings, *instances.left_out(obj, depsgraph))
    world = np.array(instances.place(obj, depsgraph), np.float64) if wanted.in_world else None
    return dataclasses.replace(reading, warnings=said, world=world)


def _read(obj: Any, depsgraph: Any, wanted: WantedMesh) -> MeshReading:
    base = obj.data
    with _evaluated(obj, depsgraph) as mesh:
        trial = try_out(obj, depsgraph.scene, _uv_share)
        if trial.hides_all:
            raise _hidden(obj, trial)
        if trial.carries and same_topology(mesh, base):
            return _seen(obj, _reading(obj, mesh, wanted), trial, mesh)
        if wanted.unwrap != "always":
            reading = _reading(obj, mesh, dataclasses.replace(wanted, unwrap="never"), on_base=False)
            if reading.uv_share > MUCH and (wanted.unwrap == "never" or _fits(reading)):
                return _seen(obj, reading, trial, mesh)
        if wanted.unwrap != "never" and trial.carries and len(base.polygons):
            return dataclasses.replace(_reading(obj, base, wanted), warnings=(MODIFIERS_LEFT_OUT,))
    if wanted.unwrap == "never" and trial.carries:
        raise Problem(f"'{obj.name}' has no UV map that has an area", "Use {unwrap}.", unwrap="auto")
    raise Problem(f"The modifiers of '{obj.name}' leave it no usable UV map", _APPLY)


def _uv_share(obj: Any, mesh: Any, uv_layer: str) -> float:
    return _reading(obj, mesh, WantedMesh(uv_layer)).uv_share


def _hidden(obj: Any, trial: Trial) -> Problem:
    return Problem(
        f"The modifiers of '{obj.name}' show {trial.instead} on it, whatever its slots have", _APPLY
    )


def _seen(obj: Any, reading: MeshReading, trial: Trial, mesh: Any) -> MeshReading:
    """``reading``, which is of ``mesh``, without the faces that show materials of the modifiers."""
    keep = trial.of(reading.polygons, len(mesh.polygons))
    if keep.all():
        return reading
    said = f"Faces of '{obj.name}' on which its modifiers show {trial.instead} are left out"
    return dataclasses.replace(reading.only(keep), warnings=(said,))


def _check_extent(obj: Any, reading: MeshReading) -> None:
    """Raise Problem where the chosen faces are all on one line or point, as those of an object of scale 0."""
    points = reading.placed[reading.loop_vertices[reading.triangles]].reshape(-1, 3)
    if np.sort(np.ptp(points, axis=0))[1] > 0 or not np.isfinite(points).all():
        return  # the engine has more to say of the latter
    if 0 in reading.scale:
        raise Problem(f"'{obj.name}' is scaled to nothing", "Check its scale, and that of its parents.")
    raise Problem(f"'{obj.name}' has no surface: its faces lie on a line", "Give them an area.")


def check(obj: Any) -> None:
    """Raise Problem when ``obj`` can't be textured. Cheap enough for drawing a panel."""
    if obj is None:
        raise Problem("No active object", "Select a mesh object.")
    if obj.type != "MESH":
        raise _no_mesh(obj)
    if obj.mode in {"EDIT", "SCULPT"} or obj.data.is_editmode:
        mode = "Sculpt" if obj.mode == "SCULPT" else "Edit"
        raise Problem(f"'{obj.name}' is in {mode} Mode", "Go back to Object Mode first.")
    if obj.library or obj.override_library or obj.data.library or obj.data.override_library:
        fix = "Make it local first (Object > Relations > Make Local)."
        raise Problem(f"'{obj.name}' is linked from a library", fix)


def _no_mesh(obj: Any) -> Problem:
    kind = words.with_article(obj.bl_rna.properties["type"].enum_items[obj.type].name.lower())
    if obj.type == "EMPTY" and obj.instance_type == "COLLECTION" and obj.instance_collection:
        what = f"'{obj.name}' is {kind} that shows the collection '{obj.instance_collection.name}'"
        fix = "Texture its objects, or make them real (Object > Apply > Make Instances Real)."
        return Problem(what, fix)
    fix = "Convert it (Object > Convert > Mesh)." if obj.type in _CONVERTIBLE else "Select a mesh."
    return Problem(f"'{obj.name}' is not a mesh but {kind}", fix)


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
    return bulk.corner_vertices(mesh), bulk.polygon_starts(mesh)


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
        raise instances.no_faces(obj, depsgraph)
    try:
        yield mesh
    finally:
        evaluated.to_mesh_clear()


def _layer(mesh: Any, base: Any, name: str) -> Any | None:
    """The UV map ``name`` of ``mesh``, or the active one for ""; None when the mesh has none."""
    named = {layer.name: layer for layer in mesh.uv_layers if not layer.name.startswith(".")}  # nodes' own
    if not name:
        # modifiers may add UV maps: the artist's active one is that of the base mesh, where it has any
        wanted = [one.name for one in (base.uv_layers.active, mesh.uv_layers.active) if one]
        return next((named[one] for one in (*wanted, *named) if one in named), None)
    if name not in named and base.uv_layers.get(name) is None:
        names = ", ".join(f"'{one}'" for one in named) or "none"
        raise Problem(f"There is no UV map '{name}'", f"The mesh has: {names}.")
    return named.get(name)


def _fits(reading: MeshReading) -> bool:
    """Whether the UVs are in the unit square, or where UDIM tiles are."""
    assert reading.loop_uvs is not None
    uvs = reading.loop_uvs if reading.selection is None else reading.loop_uvs[reading.triangles.ravel()]
    return bool(np.isfinite(uvs).all() and uvs.min() >= -1e-4 and uvs[:, 0].max() <= 10 + 1e-4)


def _reading(obj: Any, mesh: Any, wanted: WantedMesh, on_base: bool = True) -> MeshReading:
    """``mesh``, the evaluated or the base mesh of ``obj``, in bulk reads."""
    layer = _layer(mesh, obj.data, wanted.uv_layer)
    triangles, polygons = bulk.triangles(mesh)
    slots, others = polygon_slots(mesh, len(obj.material_slots))[polygons], None
    if wanted.faces is not None:
        own = (wanted.faces.polygons if on_base else wanted.faces.on(mesh))[polygons]
        others = beside.read(mesh, triangles[~own], slots[~own], wanted.looks)
        triangles, polygons, slots = triangles[own], polygons[own], slots[own]
    return MeshReading(
        points=bulk.points(mesh),
        loop_vertices=bulk.corner_vertices(mesh),
        loop_uvs=None if layer is None else bulk.uvs(layer),
        triangles=triangles,
        polygons=polygons,
        scale=scale(obj),
        uv_layer=None if layer is None else layer.name,
        unwrap=wanted.unwrap,
        topology=topology(obj.data),
        on_base=on_base,
        slots=slots,
        materials=tuple(target.artists_material_names(obj)),
        selection=wanted.faces,
        name=obj.name,
        areas=areas.read(obj, mesh, wanted.areas, alone=not wanted.in_world),
        beside=others,
    )
