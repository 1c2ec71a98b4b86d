"""UVs for a mesh: the ones it has, where they can carry a texture, or new ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from ..errors import UserError
from . import udim, uvcheck
from .charts import fresh_uvs
from .mesh import Floats, Ints, Mesh


def ensure_uvs(
    mesh: Mesh, mode: str, texture_size: int, check: Callable[[], None]
) -> tuple[Mesh, bool, list[str]]:
    """``mesh`` with UVs in [0, 1] or in UDIM tiles, whether they are new, and what to tell the user.

    mode: "auto" keeps the mesh's UVs when they can carry a texture and says why when they can't; "always"
    unwraps; "never" keeps them whatever they are like. texture_size: texels a side, for the distance between
    charts. Faces and vertices stay as they are. ``check`` is called at least every 0.1 s while unwrapping and
    may raise to stop it. UserError for "never" without UVs, and for a mesh that can't be unwrapped.
    """
    if mode == "never":
        return _kept(mesh)
    if mode == "auto" and mesh.uvs is not None:
        problem = uvcheck.problem(mesh.vertices, mesh.faces, mesh.uvs)
        if problem is None:
            tile = udim.tiles(mesh.uvs)
            assert tile is not None, "the check has seen them"
            return dataclasses.replace(mesh, uvs=_clipped(mesh.uvs, tile)), False, []
        warnings = [f"the mesh's UVs {problem}, so it was unwrapped anew"]
    else:
        warnings = ["the mesh has no UVs, so it was unwrapped"] if mesh.uvs is None else []
    return dataclasses.replace(mesh, uvs=fresh_uvs(mesh, texture_size, check)), True, warnings


def own_uvs(mesh: Mesh, mode: str) -> tuple[Mesh, bool, list[str]]:
    """As :func:`ensure_uvs` for a mesh that comes with a texture, which fits its own UVs and no new ones.

    UserError where ``mode`` "auto" would unwrap; "never" keeps UVs whatever they are like.
    """
    if mesh.uvs is None:
        fix = "start without a texture, or give the mesh the UVs that it was made for"
        raise UserError("the mesh has no UVs, so no texture fits it", fix)
    problem = None if mode == "never" else uvcheck.problem(mesh.vertices, mesh.faces, mesh.uvs)
    if problem is not None:
        what = f"the mesh's UVs {problem}, and the texture to start from doesn't fit new ones"
        raise UserError(what, "use {unwrap} to keep the UVs", unwrap="never")
    return _kept(mesh)


def _kept(mesh: Mesh) -> tuple[Mesh, bool, list[str]]:
    """``mesh`` with its own UVs, brought into [0, 1] the way a repeating texture shows them, unless they lie
    in UDIM tiles."""
    if mesh.uvs is None:
        raise UserError(
            "the mesh has no UVs, and unwrapping is switched off", "unwrap it, or set unwrap to 'auto'"
        )
    problem = uvcheck.problem(mesh.vertices, mesh.faces, mesh.uvs)
    warnings = [f"the mesh's UVs {problem}; they were kept as asked"] if problem else []
    if (tile := udim.tiles(mesh.uvs)) is not None:
        return dataclasses.replace(mesh, uvs=_clipped(mesh.uvs, tile)), False, warnings
    corner = np.floor(mesh.uvs.mean(axis=1, keepdims=True))
    uvs = np.where(uvcheck.outside(mesh.uvs)[:, None, None], mesh.uvs - corner, mesh.uvs)
    return dataclasses.replace(mesh, uvs=np.clip(uvs, 0.0, 1.0).astype(np.float32)), False, warnings


def _clipped(uvs: Floats, tile: Ints) -> Floats:
    """``uvs`` (F, 3, 2) without what they leave their tiles (F,) by."""
    return udim.spread(udim.local(uvs, tile), tile)
