"""Solids for files to hold: polygons with UVs and names, the same however they are written."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Random = np.random.Generator
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])


@dataclass(frozen=True)
class Polygon:
    """points (n, 3); uvs (n, 2) or None; material and object: names, "" for none."""

    points: Points
    uvs: Points | None = None
    material: str = ""
    object: str = ""

    def moved(self, matrix: Points) -> Polygon:
        """By a (4, 4) ``matrix``; turned round where that mirrors."""
        points = self.points @ matrix[:3, :3].T + matrix[:3, 3]
        if np.linalg.det(matrix[:3, :3]) >= 0:
            return replace(self, points=points)
        return replace(self, points=points[::-1], uvs=None if self.uvs is None else self.uvs[::-1])


@dataclass(frozen=True)
class Case:
    """Files, the first one to open, and what they show. unread: why Blender can't be the judge, "" where it
    can; uvs, materials: whether it reads these."""

    files: dict[str, bytes]
    shown: list[Polygon]
    unread: str = ""
    uvs: bool = True
    materials: bool = True

    @property
    def name(self) -> str:
        """Of the file to open."""
        return next(iter(self.files))


def pierced(outline: Points, hole: Points) -> Points:
    """(n, 2) one outline with a bridge to its ``hole``, both around the origin."""
    i, j = int(np.argmax(outline[:, 0])), int(np.argmax(hole[:, 0]))
    ring = np.roll(hole[::-1], j + 1, axis=0)
    return np.concatenate([outline[: i + 1], ring, ring[:1], outline[i:]])


def has_hole(polygon: Polygon) -> bool:
    """Whether it comes to one place twice."""
    return len(np.unique(polygon.points, axis=0)) < len(polygon.points)


def star(rng: Random, corners: int, dented: bool) -> Points:
    """(n, 2) around the origin, anticlockwise; round, or ``dented`` so that no fan covers it."""
    angle = (np.arange(corners) + 0.3 * rng.random(corners)) * 2 * np.pi / corners
    radius = np.where(np.arange(corners) % 2, 0.35, 1.0) if dented else np.ones(corners)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def prism(rng: Random, outline: Points) -> list[Polygon]:
    """An ``outline`` (n, 2) drawn out; each side's UVs are a cell of a grid."""
    n = len(outline)
    low, high = (np.column_stack([outline, np.full(n, z)]) for z in (0.0, 0.7))
    ends = [(outline[i].tobytes(), outline[(i + 1) % n].tobytes()) for i in range(n)]
    walls = [i for i, (a, b) in enumerate(ends) if (b, a) not in ends]  # a bridge to a hole has none
    sides = [np.stack([low[i], low[(i + 1) % n], high[(i + 1) % n], high[i]]) for i in walls]
    faces = [low[::-1], high, *sides]
    side = int(np.ceil(np.sqrt(len(faces))))
    found = []
    for number, points in enumerate(faces):
        flat = (outline[::-1], outline)[number] if number < 2 else SQUARE
        flat = 0.1 + 0.8 * (flat - flat.min(axis=0)) / np.ptp(flat, axis=0)
        found.append(Polygon(points, (flat + np.array([number % side, number // side])) / side))
    return _turned(rng, found)


def ball(rng: Random, rings: int, sectors: int) -> list[Polygon]:
    """A sphere of quads, with triangles at its poles."""
    v, u = np.meshgrid(np.linspace(0, 1, rings + 1), np.linspace(0, 1, sectors + 1), indexing="ij")
    turn = 2 * np.pi * np.where(u == 1, 0, u)
    points = np.stack(
        [np.sin(np.pi * v) * np.cos(turn), np.cos(np.pi * v), -np.sin(np.pi * v) * np.sin(turn)], axis=-1
    )
    points[0], points[-1] = (0, 1, 0), (0, -1, 0)
    uvs = np.stack([u, 1 - v], axis=-1)
    found = []
    for i in range(rings):
        for j in range(sectors):
            ring = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            if i == 0:
                ring = ring[:3]
            elif i == rings - 1:
                ring = [ring[0], ring[1], ring[3]]
            rows = tuple(np.array(ring).T)
            found.append(Polygon(points[rows], uvs[rows]))
    return _turned(rng, found)


def _turned(rng: Random, polygons: list[Polygon]) -> list[Polygon]:
    """Somewhere in space, with positions that 32 bits hold exactly enough."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    if np.linalg.det(turn) < 0:
        turn[:, 0] *= -1
    place = rng.uniform(-3, 3, 3)
    return [replace(one, points=np.round(one.points @ turn.T + place, 6)) for one in polygons]


def any_solid(rng: Random, triangles: bool = False) -> list[Polygon]:
    """One of the kinds; ``triangles``: of triangles only."""
    kind = int(rng.integers(5))
    if triangles or kind == 0:
        found = ball(rng, int(rng.integers(3, 7)), int(rng.integers(4, 9)))
    elif kind == 1:
        found = prism(rng, star(rng, int(rng.integers(3, 9)), dented=False))
    elif kind == 2:
        found = prism(rng, star(rng, 2 * int(rng.integers(3, 6)), dented=True))
    elif kind == 3:
        found = prism(rng, np.array([[0, 0], [4, 0], [4, 4], [3, 4], [3, 1], [1, 1], [1, 4], [0, 4.0]]) / 4)
    else:
        outline = star(rng, int(rng.integers(5, 9)), dented=False)
        found = prism(rng, pierced(outline, star(rng, int(rng.integers(4, 7)), dented=False) * 0.4))
    return [piece for one in found for piece in (_fan(one) if triangles else [one])]


def _fan(polygon: Polygon) -> list[Polygon]:
    """Of a convex polygon."""
    rows = [[0, i, i + 1] for i in range(1, len(polygon.points) - 1)]
    uvs = polygon.uvs
    return [replace(polygon, points=polygon.points[r], uvs=None if uvs is None else uvs[r]) for r in rows]


def solids(rng: Random, triangles: bool = False) -> list[Polygon]:
    """One to three solids, with names of objects and materials or without."""
    found: list[Polygon] = []
    materials = ["", "wood", "old iron", "m.001"][: int(rng.integers(1, 5))]
    for number in range(int(rng.integers(1, 4))):
        for one in any_solid(rng, triangles):
            name = materials[int(rng.integers(len(materials)))]
            found.append(replace(one, object=f"thing {number}", material=name))
    return found
