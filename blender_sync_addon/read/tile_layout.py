"""How a picture that tiles is laid out on an object: by its UV map, else by the place on the object, and how
large, so that its repetition shows and it is as long as wide on the surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..datablocks import render_uv_layer
from . import bulk

LEAST_UV = 1e-12  # of a triangle's area in UVs that says anything


@dataclass(frozen=True)
class TileLayout:
    """uv_layer: the UV map that it is laid out by; "" for the mesh's first; None: by the place in the
    object's bounding box, seen from six sides. scale: what those coordinates are multiplied by. width: of the
    picture on the object, in the world's lengths."""

    uv_layer: str | None
    scale: tuple[float, float, float]
    width: float


def of(obj: Any | None, repeat: float, aspect: float) -> TileLayout:
    """Of a picture ``aspect`` times as wide as high on the mesh object ``obj``, where it goes on
    ``repeat`` times along the longest side; where there is no object, so often across a UV map."""
    if obj is None:
        return TileLayout("", (repeat, repeat * aspect, 1.0), 1 / repeat)
    mesh = obj.data
    points = bulk.points(mesh).astype(np.float64) * np.abs(np.array(obj.matrix_world.to_scale()))
    size = np.ptp(points, axis=0) if len(points) else np.ones(3)
    longest = float(size.max()) or 1.0
    layer = render_uv_layer(mesh)
    across = _lengths(mesh, mesh.uv_layers[layer], points) if layer else None
    if across is None:
        x, y, z = (float(length) * repeat / longest for length in size)
        return TileLayout(None, (x, y, z * aspect), longest / repeat)
    u, v = across
    scale = u * repeat / longest, v * repeat / longest * aspect, 1.0
    return TileLayout(layer, scale, longest / repeat)


def _lengths(mesh: Any, layer: Any, points: NDArray[np.float64]) -> tuple[float, float] | None:
    """How long on the surface, with its vertices at ``points``, one unit of u and one of v are: the mean over
    the surface of |dP/du| and |dP/dv|. None where the UV map says nothing."""
    corners, _ = bulk.triangles(mesh)
    edges = np.diff(points[bulk.corner_vertices(mesh)[corners]], axis=1)  # (F, 2, 3), of two sides
    steps = np.diff(bulk.uvs(layer)[corners].astype(np.float64), axis=1)  # (F, 2, 2)
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    good = (np.abs(np.linalg.det(steps)) > LEAST_UV) & (area > 0) & np.isfinite(steps).all(axis=(1, 2))
    if not good.any():
        return None
    slopes = np.linalg.solve(steps[good], edges[good])  # (F, 2, 3): dP/du, dP/dv
    u, v = np.average(np.linalg.norm(slopes, axis=2), axis=0, weights=area[good])
    return float(u), float(v)
