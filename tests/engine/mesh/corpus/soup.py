"""Triangles and polygons as numbers that don't depend on their order, to tell where two readings differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.engine.mesh.corpus.solids import Polygon

Doubles = NDArray[np.float64]


@dataclass
class Soup:
    """points (T, 3, 3) and uvs (T, 3, 2), zero where there are none, of triangles; materials (T,): names."""

    points: Doubles
    uvs: Doubles
    materials: Sequence[str]


@dataclass
class Digest:
    """count: triangles that have an area. measures: by what is measured. corners: (n, 5) each place with each
    of its UVs once, in ascending order."""

    count: int
    measures: dict[str, float] = field(default_factory=dict)
    corners: Doubles = field(default_factory=lambda: np.zeros((0, 5)))


def of_polygons(polygons: Iterable[Polygon], uvs: bool = True, materials: bool = True) -> Digest:
    """Of planar polygons, which may be concave."""
    found, rows = Digest(0), []
    for one in polygons:
        own = np.zeros((len(one.points), 2)) if one.uvs is None or not uvs else one.uvs
        found.count += len(one.points) - 2 if len(one.points) > 3 else int(_solid(one.points[None]).sum())
        _add(found, one.points[None], own[None], one.material if materials else "")
        rows.append(np.concatenate([one.points, own], axis=1))
    found.corners = _ordered(np.concatenate(rows))
    return found


def of_triangles(soup: Soup, uvs: bool = True, materials: bool = True) -> Digest:
    """Of a reading."""
    own = soup.uvs if uvs else np.zeros_like(soup.uvs)
    found = Digest(int(_solid(soup.points).sum()))
    names = np.array(soup.materials if materials else [""] * len(soup.points))
    for name in np.unique(names):
        _add(found, soup.points[names == name], own[names == name], str(name))
    corners = np.concatenate([soup.points, own], axis=2)
    found.corners = _ordered(corners.reshape(-1, 5))
    return found


def _solid(points: Doubles) -> NDArray[np.bool_]:
    """(T,) which triangles (T, 3, 3) have an area."""
    cross = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    longest = np.linalg.norm(points - np.roll(points, 1, axis=1), axis=2).max(axis=1, initial=0)
    return np.asarray(np.linalg.norm(cross, axis=1) > 1e-5 * longest**2)


def _add(found: Digest, points: Doubles, uvs: Doubles, material: str) -> None:
    """Measure (T, n, 3) and (T, n, 2): area by material, volume and area of the UVs."""
    fan = [
        np.cross(points[:, i] - points[:, 0], points[:, i + 1] - points[:, 0])
        for i in range(1, points.shape[1] - 1)
    ]
    normals = np.sum(fan, axis=0) / 2
    x, y = uvs[..., 0], uvs[..., 1]
    flat = (x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1) / 2
    for name, value in (
        (f"area of {material!r}", np.linalg.norm(normals, axis=1).sum()),
        ("volume", (points[:, 0] * normals).sum() / 3),
        ("UVs", np.abs(flat).sum()),
    ):
        found.measures[name] = found.measures.get(name, 0.0) + float(value)


def _ordered(corners: Doubles) -> Doubles:
    """(n, 5) the different rows, rounded."""
    return np.unique(np.round(corners, 4) + 0.0, axis=0)


def differences(a: Digest, b: Digest, tolerance: float = 2e-3) -> list[str]:
    """What two readings don't agree on, as words; [] when they do."""
    found = [] if a.count == b.count else [f"{a.count} and {b.count} triangles"]
    for name in sorted(a.measures.keys() | b.measures.keys()):
        one, other = a.measures.get(name, 0.0), b.measures.get(name, 0.0)
        if abs(one - other) > tolerance * max(1.0, abs(one), abs(other)):
            found.append(f"{name}: {one:.4f} and {other:.4f}")
    if (apart := max(_apart(a.corners, b.corners), _apart(b.corners, a.corners))) > tolerance:
        found.append(f"corners up to {apart:.4f} apart")
    return found


def _apart(a: Doubles, b: Doubles) -> float:
    """The largest distance from one of the rows ``a`` to the nearest of ``b``."""
    from scipy.spatial import cKDTree

    return float(cKDTree(b).query(a)[0].max()) if len(a) and len(b) else float(len(a) != len(b))
