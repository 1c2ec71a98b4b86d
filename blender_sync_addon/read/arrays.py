"""What was read of an object, and the arrays that the engine takes. No bpy: any thread may use these."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...engine.mesh.frame import from_z_up
from .target import FaceSelection

if TYPE_CHECKING:  # without it, no bpy is needed here
    from .beside import BesideArrays, BesideReading


@dataclass(frozen=True)
class MeshArrays:
    """A triangle mesh in the engine's axes, as the engine's .npz wants it.

    vertices (V, 3) float32; faces (F, 3) int32; uvs (F, 3, 2) float32 per corner, origin bottom left, or
    None; polygons (F,) int32, the polygon of each triangle. corners (F, 3) int32: the mesh loop that each
    triangle corner belongs to. materials (F,) int32: numbers among ``material_names``. name: of the object.
    areas: (F, 3) float32, how much of each corner is in an area, by how options spell that. beside: what else
    of the object is seen, None for nothing.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int32]
    uvs: NDArray[np.float32] | None
    polygons: NDArray[np.int32]
    corners: NDArray[np.int32]
    materials: NDArray[np.int32]
    material_names: tuple[str, ...]
    name: str = ""
    areas: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    beside: BesideArrays | None = None

    def save(self, path: Path) -> None:
        """Write what the engine needs into the .npz ``path``, and pictures that it names. Raises OSError."""
        arrays = {"vertices": self.vertices, "faces": self.faces, "polygons": self.polygons}
        if self.uvs is not None:
            arrays["uvs"] = self.uvs
        if self.material_names:
            names = np.array(self.material_names)
            arrays |= {"materials": self.materials, "material_names": names}
        arrays["object_name"] = np.array([self.name])
        if self.areas:
            arrays["area_names"] = np.array(list(self.areas))
            arrays["area_weights"] = np.stack(list(self.areas.values()))
        if self.beside:
            self.beside.save(path.parent, path.stem)
            arrays |= self.beside.named(path.stem)
        np.savez(path, **arrays)  # type: ignore[arg-type]


@dataclass(frozen=True)
class MeshReading:
    """What was read from Blender, as it lies there: reading holds the main thread, so nothing is computed.

    points (V, 3) float32 unscaled; loop_vertices (L,) int32; loop_uvs (L, 2) float32 or None; triangles
    (F, 3) int32, the loops of each; polygons (F,) int32; scale: factors for x, y, z. uv_layer: name of the
    UV map that ``loop_uvs`` came from, None without. unwrap: what the engine may do, "auto", "always",
    "keep" or "never". topology: that of the base mesh, see ``topology``. on_base: whether loops are the base
    mesh's. slots (F,) int32: the material slot of each triangle; materials: the name of the material in each
    slot.
    name: of the object. areas: (L,) float32, how much of each loop is in an area, by how options spell that.
    world: (4, 4) instead of ``scale``, for several objects. selection: the faces that the triangles are of,
    None for all. beside: the others, None where they aren't seen.
    """

    points: NDArray[np.float32]
    loop_vertices: NDArray[np.int32]
    loop_uvs: NDArray[np.float32] | None
    triangles: NDArray[np.int32]
    polygons: NDArray[np.int32]
    scale: tuple[float, float, float]
    uv_layer: str | None
    unwrap: str
    topology: tuple[NDArray[np.int32], NDArray[np.int32]]
    on_base: bool
    slots: NDArray[np.int32]
    materials: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    world: NDArray[np.float64] | None = None
    selection: FaceSelection | None = None
    name: str = ""
    areas: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    beside: BesideReading | None = None

    @property
    def corners(self) -> NDArray[np.int32]:
        """The loop of each triangle corner (F, 3), turned round where the scale mirrors."""
        mirrors = math.prod(self.scale) < 0 if self.world is None else np.linalg.det(self.world[:3, :3]) < 0
        return self.triangles[:, ::-1] if mirrors else self.triangles

    @property
    def placed(self) -> NDArray[np.float32]:
        """The points (V, 3) where the engine is to see them, in Blender's axes."""
        if self.world is None:
            return self.points * np.asarray(self.scale, np.float32)
        return (self.points @ self.world[:3, :3].T + self.world[:3, 3]).astype(np.float32)

    @property
    def uv_share(self) -> float:
        """The share of the surface that has an area on the UV map, too; 0 without either."""
        if self.loop_uvs is None or not len(self.triangles):
            return 0.0
        area = np.linalg.norm(_crossed(self.placed[self.loop_vertices[self.triangles]]), axis=1)
        uvs = np.nan_to_num(self.loop_uvs[self.triangles].astype(np.float64), nan=0, posinf=0, neginf=0)
        flat = np.abs(_crossed(uvs))
        mean = flat.sum() / max(float(area.sum()), 1e-300)
        return float(area[flat > 1e-6 * mean * area].sum() / max(float(area.sum()), 1e-300))

    def only(self, keep: NDArray[np.bool_]) -> MeshReading:
        """Without the triangles that ``keep`` (F,) leaves out."""
        own = {name: getattr(self, name)[keep] for name in ("triangles", "polygons", "slots")}
        return dataclasses.replace(self, **own)

    def arrays(self) -> MeshArrays:
        """The mesh for the engine. No bpy: any thread may call it."""
        corners = self.corners
        names = tuple(dict.fromkeys(self.materials))
        numbers = np.array([names.index(name) for name in self.materials] or [0], np.int32)
        return MeshArrays(
            vertices=from_z_up(self.placed),
            faces=self.loop_vertices[corners],
            uvs=None if self.loop_uvs is None else self.loop_uvs[corners],
            polygons=self.polygons,
            corners=corners,
            materials=numbers[self.slots],
            material_names=names,
            name=self.name,
            areas={said: weights[corners] for said, weights in self.areas.items()},
            beside=None if self.beside is None else self.beside.arrays(self.loop_vertices),
        )


def _crossed(corners: NDArray[Any]) -> NDArray[Any]:
    """(F, 3) or (F,) the cross product of two sides of triangles (F, 3, 3) or (F, 3, 2)."""
    a, b = (corners[:, k] - corners[:, 0] for k in (1, 2))
    return np.cross(a, b) if corners.shape[2] == 3 else a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
