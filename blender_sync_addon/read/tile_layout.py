"""How a picture that tiles is laid out on an object: by its UV map, else by the place on the object, and how
large, so that its repetition shows and it is as long as wide on the surface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_UV = 1e-12  # of a triangle's area in UVs that says anything


@dataclass(frozen=True)
class TileLayout:
    """uv_layer: the UV map that it is laid out by; "" for the mesh's first; None: by the place in the
    object's bounding box, seen from six sides. scale: what those coordinates are multiplied by."""

    uv_layer: str | None
    scale: tuple[float, float, float]


def of(obj: Any | None, repeat: float, aspect: float) -> TileLayout:
    """Of a picture ``aspect`` times as wide as high on the mesh object ``obj``, where it goes on
    ``repeat`` times along the longest side; where there is no object, so often across a UV map."""
    if obj is None:
        return TileLayout("", (repeat, repeat * aspect, 1.0))
    mesh = obj.data
    points = _points(mesh) * np.abs(np.array(obj.matrix_world.to_scale()))
    size = np.ptp(points, axis=0) if len(points) else np.ones(3)
    longest = float(size.max()) or 1.0
    layer = next((one for one in mesh.uv_layers if one.active_render), None)
    across = None if layer is None else _lengths(mesh, layer, points)
    if layer is None or across is None:
        x, y, z = (float(length) * repeat / longest for length in size)
        return TileLayout(None, (x, y, z * aspect))
    u, v = across
    return TileLayout(layer.name, (u * repeat / longest, v * repeat / longest * aspect, 1.0))


def _points(mesh: Any) -> NDArray[np.float64]:
    found = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", found.ravel())
    return found.astype(np.float64)


def _lengths(mesh: Any, layer: Any, points: NDArray[np.float64]) -> tuple[float, float] | None:
    """How long on the surface, with its vertices at ``points``, one unit of u and one of v are: the mean over
    the surface of |dP/du| and |dP/dv|. None where the UV map says nothing."""
    mesh.calc_loop_triangles()
    corners = np.empty((len(mesh.loop_triangles), 3), np.int32)
    mesh.loop_triangles.foreach_get("loops", corners.ravel())
    vertices = np.empty_like(corners)
    mesh.loop_triangles.foreach_get("vertices", vertices.ravel())
    uvs = np.empty((len(layer.uv), 2), np.float32)
    layer.uv.foreach_get("vector", uvs.ravel())
    edges = np.diff(points[vertices], axis=1)  # (F, 2, 3), of two sides
    steps = np.diff(uvs[corners].astype(np.float64), axis=1)  # (F, 2, 2)
    area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1)
    good = (np.abs(np.linalg.det(steps)) > LEAST_UV) & (area > 0) & np.isfinite(steps).all(axis=(1, 2))
    if not good.any():
        return None
    slopes = np.linalg.solve(steps[good], edges[good])  # (F, 2, 3): dP/du, dP/dv
    u, v = np.average(np.linalg.norm(slopes, axis=2), axis=0, weights=area[good])
    return float(u), float(v)
