"""Meshes of polygons, as Blender hands them over: triangles that know their polygon."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.mesh.mesh import Mesh


def from_polygons(vertices: NDArray[np.floating], polygons: list[list[int]]) -> Mesh:
    """Each polygon cut into triangles by ears, seen along its own normal."""
    faces, owner = [], []
    for number, polygon in enumerate(polygons):
        for triangle in _ears(vertices[polygon]):
            faces.append([polygon[i] for i in triangle])
            owner.append(number)
    return Mesh(vertices.astype(np.float32), np.array(faces, np.int32), None, np.array(owner, np.int32))


def _ears(points: NDArray[np.floating]) -> list[tuple[int, int, int]]:
    """Triangles (as indices) of the polygon with corners ``points`` (n, 3)."""
    normal = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
    side = np.eye(3)[np.abs(normal).argmin()]
    right = np.cross(side, normal)
    flat = np.stack([points @ right, points @ np.cross(normal, right)], axis=1)
    left, triangles = list(range(len(points))), []
    while len(left) > 3:
        count = len(left)
        ears = [k for k in range(count) if _is_ear(flat, left, k)] or [0]
        k = ears[0]
        triangles.append((left[k - 1], left[k], left[(k + 1) % count]))
        del left[k]
    return [*triangles, (left[0], left[1], left[2])]


def _is_ear(flat: NDArray[np.floating], left: list[int], k: int) -> bool:
    a, b, c = flat[left[k - 1]], flat[left[k]], flat[left[(k + 1) % len(left)]]

    def turn(p: NDArray[np.floating], q: NDArray[np.floating], r: NDArray[np.floating]) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    if turn(a, b, c) <= 0:
        return False
    others = [flat[i] for n, i in enumerate(left) if n not in (k, (k - 1) % len(left), (k + 1) % len(left))]
    return not any(turn(a, b, p) >= 0 and turn(b, c, p) >= 0 and turn(c, a, p) >= 0 for p in others)


def cylinder(sides: int = 32) -> Mesh:
    """Quads around, one n-gon above and one below."""
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(sides)], axis=1)
    around = [[i, (i + 1) % sides, sides + (i + 1) % sides, sides + i] for i in range(sides)]
    caps = [list(range(sides))[::-1], list(range(sides, 2 * sides))]
    return from_polygons(np.concatenate([ring, ring + np.array([0, 0, 2])]), around + caps)


def quad_ball(n: int = 12) -> Mesh:
    """A cube of n x n quads a side, blown up to a sphere: no chart border follows its quads by itself."""
    steps = np.linspace(-1, 1, n + 1)
    places: dict[tuple[float, ...], int] = {}
    polygons = []
    for axis in range(3):
        for sign in (-1, 1):
            for i in range(n):
                for j in range(n):
                    corners = []
                    for a, b in ((i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)):
                        place = np.empty(3)
                        place[axis], place[(axis + 1) % 3], place[(axis + 2) % 3] = sign, steps[a], steps[b]
                        corners.append(places.setdefault(tuple(place), len(places)))
                    polygons.append(corners if sign > 0 else corners[::-1])
    vertices = np.array(list(places))
    return from_polygons(vertices / np.linalg.norm(vertices, axis=1, keepdims=True), polygons)


def star(points: int, depth: float, lift: float, seed: int = 0) -> Mesh:
    """One concave polygon with ``points`` teeth, bent out of its plane by ``lift``, and a quad beside it."""
    rng = np.random.default_rng(seed)
    angle = np.pi * np.arange(2 * points) / points
    radius = np.where(np.arange(2 * points) % 2, 1 - depth, 1.0)
    ring = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), lift * rng.normal(size=2 * points)], axis=1
    )
    square = np.array([[3, 0, 0], [4, 0, 0], [4, 1, 0], [3, 1, 0]])
    count = 2 * points
    return from_polygons(np.concatenate([ring, square]), [list(range(count)), list(range(count, count + 4))])


def terrain(n: int, roughness: float, seed: int) -> Mesh:
    """A height field whose quads, pairs of quads and L-shaped triples of quads are polygons, bent by
    ``roughness``."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0))
    vertices = np.stack([x, y, roughness * rng.normal(size=x.shape)], axis=-1).reshape(-1, 3)
    w = n + 1
    polygons = []
    for i in range(0, n - 1, 2):
        for j in range(0, n - 1, 2):
            at = i * w + j
            if rng.random() < 0.5:
                polygons.append(
                    [at, at + 1, at + 2, at + 2 + w, at + 1 + w, at + 1 + 2 * w, at + 2 * w, at + w]
                )
                polygons.append([at + 1 + w, at + 2 + w, at + 2 + 2 * w, at + 1 + 2 * w])
            else:
                polygons.append([at, at + 1, at + 2, at + 2 + w, at + 1 + w, at + w])
                polygons.append([at + w, at + 1 + w, at + 1 + 2 * w, at + 2 * w])
                polygons.append([at + 1 + w, at + 2 + w, at + 2 + 2 * w, at + 1 + 2 * w])
    return from_polygons(vertices, polygons)
