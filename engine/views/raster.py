"""What each pixel of a view sees of the mesh: exact ray casts by Embree.

Every pixel centre casts one ray, so attributes are interpolated perspective-correctly by construction (the
published rasteriser interpolates affinely). Back faces are kept: a mesh with flipped normals, or an open
sheet seen from behind, is painted like any other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from numpy.typing import NDArray

from .cameras import Camera

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]

# Start of an occlusion ray above the surface, in units of the mesh's radius. Well above float32's error, and
# no more: a larger one lets rays out of plates that are thinner, and into neighbours across a crease.
OFFSET = 1e-4
BESIDE = 1e-3  # no deeper than that, a point's place in the picture can't be told
MANY_FACES = 4  # for each vertex; a closed surface has two
CHUNK = 1 << 20  # rays a call: keeps memory flat and lets a cancel through


@dataclass(frozen=True)
class Fragments:
    """The pixels of one view that show the mesh, n of them.

    pixel: (n,) int32 flat index, row by row from the top left.
    face: (n,) int32. bary: (n, 3) float32 barycentric weights of the face's corners, summing to 1.
    depth: (n,) float32 along the viewing axis. cosine: (n,) float32 in [0, 1] between the face's plane normal
    and the direction to the camera.
    """

    pixel: Ints
    face: Ints
    bary: Floats
    depth: Floats
    cosine: Floats


def unit_normals(vertices: Floats, faces: Ints) -> Floats:
    """(F, 3) float32 unit face normals; zero for faces without area."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    normals = np.cross(b - a, c - a)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    unit = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    return np.asarray(unit, np.float32)


def interpolate(corners: Floats, face: Ints, bary: Floats) -> Floats:
    """(n, k): the per-corner attribute ``corners`` (F, 3, k) at the points ``face`` (n,), ``bary`` (n, 3)."""
    values: Floats = np.einsum("nck,nc->nk", corners.take(face, axis=0), bary)
    return values


class EmbreeRaster:
    """Ray casts against one fixed mesh. ``vertices`` (V, 3) float32 normalised, ``faces`` (F, 3) int32.
    beside: (B, 3, 3) float32, the corners of faces that hide those of the mesh and aren't told of."""

    name = "embree"  # of choices.RASTERS

    def __init__(self, vertices: Floats, faces: Ints, beside: Floats | None = None) -> None:
        self.corners = np.ascontiguousarray(vertices[faces], np.float32)
        self.normals = unit_normals(vertices, faces)
        self._faces = _distinct(vertices, faces)
        own = self.corners if self._faces is None else self.corners[self._faces]
        self._own = len(own)  # of the scene's faces, the first
        self._scene = _scene_of(own if beside is None else np.concatenate([own, beside]))
        points = self.corners.reshape(-1, 3)
        self._box = np.stack([points.min(axis=0), points.max(axis=0)]) if len(points) else np.zeros((2, 3))

    def rasterise(self, camera: Camera, resolution: int) -> Fragments:
        """The pixels of a ``resolution`` x ``resolution`` view from ``camera`` that show the mesh."""
        directions = camera.rays(resolution)
        pixel, face, bary, depth = self._nearest(camera, resolution, directions)
        towards, normals = directions.take(pixel, axis=0), self.normals.take(face, axis=0)
        length = np.sqrt(np.einsum("nk,nk->n", towards, towards))
        cosine = np.abs(np.einsum("nk,nk->n", normals, towards)) / length
        return Fragments(pixel, face, bary, depth, np.clip(cosine, 0.0, 1.0))

    def _nearest(
        self, camera: Camera, resolution: int, directions: Floats
    ) -> tuple[Ints, Ints, Floats, Floats]:
        """What the pixels, which look in ``directions``, show: the first four of Fragments."""
        rows, columns = self._window(camera, resolution)
        chosen = np.arange(resolution**2, dtype=np.int32).reshape(resolution, -1)[rows, columns].reshape(-1)
        towards = directions.take(chosen, axis=0)
        origins = np.broadcast_to(camera.position, towards.shape)
        ray, face, bary, depth = _cast(self._scene, origins, towards)
        own = face < self._own
        if not own.all():
            ray, face, bary, depth = ray[own], face[own], bary[own], depth[own]
        return chosen[ray], face if self._faces is None else self._faces[face], bary, depth

    def _window(self, camera: Camera, resolution: int) -> tuple[slice, slice]:
        """The rows and columns of the view that the mesh's bounding box lies in, with a pixel to spare; all
        where none of it is in the frame, or some of it beside or behind the camera."""
        corners = np.stack(np.meshgrid(*self._box.T), axis=-1).reshape(-1, 3).astype(np.float32)
        pixel, depth = camera.project(corners, resolution)
        first = np.clip(np.floor(pixel.min(axis=0)) - 1, 0, resolution).astype(int)
        last = np.clip(np.ceil(pixel.max(axis=0)) + 1, 0, resolution).astype(int)
        if not depth.min() > BESIDE or (first >= last).any():
            return slice(None), slice(None)
        return slice(first[1], last[1]), slice(first[0], last[0])

    def visible(
        self, camera: Camera, points: Floats, normals: Floats, least: float = 0.0
    ) -> tuple[Bools, Floats]:
        """Which surface ``points`` (n, 3) with unit ``normals`` (n, 3) ``camera`` sees, and at what cosine.

        Returns (seen (n,) bool: inside the frame, unoccluded and at a cosine above ``least``; cosine (n,)
        float32 in [0, 1]).
        """
        place, up = (np.ascontiguousarray(rows.T) for rows in (points, normals))  # three long rows are fast
        to_camera: Floats = camera.position[:, None] - place
        distance = np.sqrt((to_camera**2).sum(axis=0))
        to_camera /= distance
        facing = (up * to_camera).sum(axis=0)
        cosine = np.abs(facing)
        pixel, depth = camera.project(place.T, 1)
        inside = (depth > 0) & (pixel >= 0).all(axis=1) & (pixel <= 1).all(axis=1)
        index = np.flatnonzero((cosine > least) & inside)
        # Start above the side that faces the camera: a grazing ray must not hit its own face or a neighbour.
        side = np.where(facing < 0, np.float32(-OFFSET), np.float32(OFFSET))
        above = (place + side * up).astype(np.float32, copy=False)
        origins, directions = above.take(index, axis=1).T, to_camera.take(index, axis=1).T
        seen = np.zeros(len(points), bool)
        seen[index] = ~_occluded(self._scene, origins, directions, distance[index])
        return seen, cosine


def _distinct(vertices: Floats, faces: Ints) -> Ints | None:
    """The numbers of faces of which no two lie on the same three vertices; None where there are so many
    vertices that looking isn't worth it. A polygon that goes over a few vertices thousands of times is as
    many faces in one place, and a ray would ask each of them."""
    if len(faces) <= MANY_FACES * len(vertices):
        return None
    return np.sort(np.unique(np.sort(faces, axis=1), axis=0, return_index=True)[1]).astype(np.int32)


def _scene_of(corners: Floats) -> rtcore_scene.EmbreeScene:
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, corners)
    return scene


def _cast(
    scene: rtcore_scene.EmbreeScene, origins: Floats, directions: Floats
) -> tuple[Ints, Ints, Floats, Floats]:
    """Nearest hits: (ray index, face, barycentric, ray parameter), hits only."""
    found = []
    for start in range(0, len(origins), CHUNK):
        part = slice(start, start + CHUNK)
        hit = scene.run(
            np.ascontiguousarray(origins[part], np.float32),
            np.ascontiguousarray(directions[part], np.float32),
            output=1,
        )
        index = np.flatnonzero(hit["primID"] >= 0)
        u, v = hit["u"][index], hit["v"][index]
        bary = np.stack([1 - u - v, u, v], axis=1)
        found.append((index.astype(np.int32) + start, hit["primID"][index], bary, hit["tfar"][index]))
    ray, face, bary, parameter = (np.concatenate(column) for column in zip(*found, strict=True))
    return ray.astype(np.int32), face.astype(np.int32), bary.astype(np.float32), parameter.astype(np.float32)


def _occluded(scene: rtcore_scene.EmbreeScene, origins: Floats, directions: Floats, reach: Floats) -> Bools:
    """Whether anything lies on each ray nearer than ``reach`` (n,)."""
    blocked = np.zeros(len(origins), bool)
    for start in range(0, len(origins), CHUNK):
        part = slice(start, start + CHUNK)
        hit = scene.run(
            np.ascontiguousarray(origins[part], np.float32),
            np.ascontiguousarray(directions[part], np.float32),
            dists=np.ascontiguousarray(reach[part], np.float32),
            query="OCCLUDED",
        )
        blocked[part] = hit >= 0
    return blocked
