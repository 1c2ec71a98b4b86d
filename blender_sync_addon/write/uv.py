"""New UVs as a new UV map of the mesh.

The map lives on the mesh, so other objects that share the mesh get it too; it is added beside what is
there and, unless it is the first one, is neither active nor the render map: nobody's look changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...engine import protocol
from ..datablocks import MAX_UV_MAPS, OUR_UV_MAP, render_uv_layer
from ..problem import Problem


def per_loop(
    uvs: NDArray[np.float32], corners: NDArray[np.int32], loops: int, tolerance: float = 1e-5
) -> NDArray[np.float32]:
    """UVs of triangle corners (F, 3, 2) as UVs of ``loops`` mesh loops (loops, 2).

    corners (F, 3): the loop of each corner. The triangles of one polygon share loops, so they must agree
    about the UV there; raises Problem when they don't, or when shapes don't fit.
    """
    if uvs.shape != (*corners.shape, 2):
        raise Problem(f"The engine's UVs have the shape {uvs.shape}, not {(*corners.shape, 2)}", code=_BUG)
    result = np.zeros((loops, 2), np.float32)
    result[corners] = uvs
    if not np.allclose(result[corners], uvs, atol=tolerance):
        raise Problem("The engine's UVs tear a polygon apart", code=_BUG)
    return result


def write(mesh: Any, uvs: NDArray[np.float32]) -> str:
    """Store ``uvs`` (loops, 2) as a UV map of ``mesh``; returns its name.

    A map of ours that holds the very same UVs is used again. Active and render map stay as they are.
    Raises Problem when the mesh has no room for another map; call ``check_room`` before making anything.
    """
    if (same := _same(mesh, uvs)) is not None:
        return same
    check_room(mesh, uvs)
    layers = mesh.uv_layers
    active = layers.active_index if len(layers) else 0
    render = render_uv_layer(mesh)
    name = str(layers.new(name=OUR_UV_MAP, do_init=False).name)
    layers[name].uv.foreach_set("vector", np.ascontiguousarray(uvs).ravel())
    layers.active_index = active
    layers[render or name].active_render = True
    mesh.update_tag()
    return name


def check_room(mesh: Any, uvs: NDArray[np.float32]) -> None:
    """Raise Problem when ``uvs`` need a new UV map and ``mesh`` has as many as Blender allows."""
    if len(mesh.uv_layers) >= MAX_UV_MAPS and _same(mesh, uvs) is None:
        what = f"The mesh has {MAX_UV_MAPS} UV maps already, and the texture needs a new one"
        raise Problem(what, "Remove one, or choose a usable one under Advanced > UV Map.")


def _same(mesh: Any, uvs: NDArray[np.float32]) -> str | None:
    """Name of a UV map made by us that holds ``uvs``, None without."""
    stored = np.empty_like(uvs)
    for layer in mesh.uv_layers:
        if layer.name.startswith(OUR_UV_MAP):
            layer.uv.foreach_get("vector", stored.ravel())
            if np.array_equal(stored, uvs):
                return str(layer.name)
    return None


_BUG = protocol.EXIT_BUG
