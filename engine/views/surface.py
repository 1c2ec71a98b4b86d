"""What is painted on: a mesh's surface with its UVs, and what cameras see of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..mesh.edges import Edges, places, shared_edges
from ..mesh.frame import framed, turned, with_beside
from ..mesh.islands import island_of_face
from ..mesh.shading import corner_normals
from .backends import make_raster
from .cameras import Camera
from .raster import EmbreeRaster, Fragments, interpolate

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class View:
    """What ``camera`` sees in a picture of ``resolution``^2 pixels: the ``fragments`` that show the surface.

    controls: what ControlNets are shown of it, (C, R, R) float32 in [0, 1] by the kinds of pictures; empty
    where no model is to paint the view. crop: its frame cuts the surface off, and others go on beyond it.
    """

    camera: Camera
    fragments: Fragments
    resolution: int
    controls: Mapping[str, Floats] = field(default_factory=dict)
    crop: bool = False

    @property
    def mask(self) -> Bools:
        """(R, R) bool: where the picture shows the surface."""
        inside = np.zeros(self.resolution**2, bool)
        inside[self.fragments.pixel] = True
        return inside.reshape(self.resolution, self.resolution)

    def inwards(self, points: Floats) -> Floats:
        """(n,) float32 in [0, 1]: how far from the frame's border ``points`` (n, 3) lie in a crop, 1 in its
        middle; 1 everywhere in a view of the whole."""
        if not self.crop:
            return np.ones(len(points), np.float32)
        pixel, _ = self.camera.project(points, 1)
        found: Floats = (1 - 2 * np.abs(pixel - np.float32(0.5)).max(axis=1)).clip(0, 1)
        return found

    def picture(self, values: Floats, behind: float = 0.0) -> Floats:
        """(R, R) or (R, R, k) float32: ``values`` (n,) or (n, k) of the fragments, ``behind`` where there are
        none."""
        found = np.full((self.resolution**2, *values.shape[1:]), behind, np.float32)
        found[self.fragments.pixel] = values
        return found.reshape(self.resolution, self.resolution, *values.shape[1:])


def masks(views: Sequence[View]) -> Bools:
    """(N, R, R) bool: the masks of ``views`` of one resolution, at least one."""
    return np.stack([view.mask for view in views])


@dataclass(frozen=True)
class Surface:
    """A mesh in normalised space and its UVs.

    raster: casts rays against it and holds its faces' corners and normals. uvs: (F, 3, 2) float32 in [0, 1]
    for each corner, origin at the bottom left, or (F, 3, 3) with pages (pictures/pages.py). radius: of the
    unit sphere, in the mesh's own units. What is found out about the faces is kept: on a million of them it
    takes seconds.

    beside: (B, 3, 3) float32, the corners of what else of the object is seen; None where nothing is. centre
    (3,), scale: where the unit sphere lies in that of the whole object, and how large it is there.
    """

    raster: EmbreeRaster
    uvs: Floats
    radius: float = 1.0
    beside: Floats | None = None
    centre: Floats = field(default_factory=lambda: np.zeros(3, np.float32))
    scale: float = 1.0

    @classmethod
    def build(
        cls,
        vertices: Floats,
        faces: Ints,
        uvs: Floats,
        backend: str = "embree",
        front: float = 0.0,
        beside: Floats | None = None,
    ) -> Surface:
        """Of ``vertices`` (V, 3) in any units and ``faces`` (F, 3), framed and turned so that what faces the
        azimuth ``front`` faces the front. backend: one that views/backends.py chose. beside: (B, 3, 3), in
        the same units."""
        points, own, centre, radius = framed(vertices, faces, beside)
        if beside is None:
            return cls(make_raster(backend, turned(points, front), own), uvs, radius)
        around = turned(((beside - centre) / radius).astype(np.float32), front)
        _, _, middle, whole = framed(*with_beside(vertices, faces, beside))
        inside = turned(((centre - middle) / whole).astype(np.float32), front)
        raster = make_raster(backend, turned(points, front), own, around)
        return cls(raster, uvs, radius, around, inside, radius / whole)

    @cached_property
    def whole(self) -> Surface:
        """With what stands beside, behind its own faces, all of it as if it were painted; without UVs."""
        if self.beside is None:
            return self
        corners = np.concatenate([self.corners, self.beside])
        number = np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)
        raster = make_raster(self.raster.name, corners.reshape(-1, 3), number)
        nowhere = np.zeros((len(corners), 3, 2), np.float32)
        return replace(self, raster=raster, uvs=nowhere, beside=None)

    @property
    def corners(self) -> Floats:
        """(F, 3, 3) float32, in the unit sphere."""
        return self.raster.corners

    @property
    def normals(self) -> Floats:
        """(F, 3) float32: the faces' unit normals."""
        return self.raster.normals

    @cached_property
    def _places(self) -> Ints:
        """(F, 3) equal numbers where corners lie in one place: meshes of loose triangles have charts too."""
        return places(self.corners).astype(np.int32)

    @cached_property
    def charts(self) -> Ints:
        """(F,) the number of each face's chart: faces are of one where they meet in space and in the UVs."""
        return island_of_face(self._places, self.uvs)

    @cached_property
    def parts(self) -> Ints:
        """(F,) the number of each face's part of the mesh: faces are of one where they meet in space."""
        return island_of_face(self._places, np.zeros((*self._places.shape, 2), np.float32))

    @cached_property
    def _corner_normals(self) -> Floats:
        """(F, 3, 3) float32: those that the mesh is shaded with."""
        return corner_normals(self.corners, self.normals)

    def edges(self) -> Edges:
        """Those that two faces share."""
        return shared_edges(self.corners)

    def points(self, fragments: Fragments) -> Floats:
        """(n, 3) float32: the places that ``fragments`` show."""
        return interpolate(self.corners, fragments.face, fragments.bary)

    def places_in_object(self, fragments: Fragments) -> Floats:
        """(n, 3) float32: the same in the unit sphere of the whole object."""
        return np.asarray(self.points(fragments) * np.float32(self.scale) + self.centre, np.float32)

    def smooth_normals(self, fragments: Fragments) -> Floats:
        """(n, 3) float32: the unit normals that ``fragments`` are shaded with."""
        found = interpolate(self._corner_normals, fragments.face, fragments.bary)
        length = np.linalg.norm(found, axis=1, keepdims=True)
        unit = np.divide(found, length, out=self.normals[fragments.face], where=length > 1e-6)
        return np.asarray(unit, np.float32)

    def uvs_of(self, fragments: Fragments) -> Floats:
        """(n, 2 or 3) float32: the UVs of ``fragments``."""
        return interpolate(self.uvs, fragments.face, fragments.bary)

    def seen(self, camera: Camera, resolution: int) -> View:
        """What ``camera`` sees of it in ``resolution``^2 pixels."""
        return View(camera, self.raster.rasterise(camera, resolution), resolution)

    def seen_by(self, cameras: Iterable[Camera], resolution: int) -> list[View]:
        """What each of ``cameras`` sees, see :meth:`seen`."""
        return [self.seen(camera, resolution) for camera in cameras]
