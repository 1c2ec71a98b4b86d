"""UVs for a mesh: the ones it has, where they can carry a texture, or new ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from ..errors import UserError
from . import overlap, place, udim, uvcheck
from .charts import fresh_uvs
from .mesh import Floats, Mesh
from .raw import Bools

FEW_TEXELS = 0.02  # of the texture: UVs that use less are worth a word

_OTHERS = "choose another UV map, or make room for a new one (Blender holds 8 of a mesh) and use {unwrap}"
New = Bools | bool  # whether the UVs of each face (F,), or of all, are new


def ensure_uvs(
    mesh: Mesh, mode: str, texture_size: int, check: Callable[[], None]
) -> tuple[Mesh, New, list[str]]:
    """``mesh`` with UVs in [0, 1] or in UDIM tiles, whether they are new, and what to tell the user.

    mode: "auto" keeps the mesh's UVs when they can carry a texture (see uvcheck.py) and says why when they
    can't; "keep" never makes new ones; "always" does; "never" keeps them whatever they are
    like. texture_size: texels a side, for the distance between charts. Faces and vertices stay as they are.
    ``check`` is called at least every 0.1 s while unwrapping and may raise to stop it. UserError for "never"
    without UVs, for "keep" without usable ones, and for a mesh that can't be unwrapped.
    """
    if mode == "never":
        mesh, warnings = _kept(mesh)
        return mesh, False, warnings
    if mode == "keep":
        mesh, warnings = _usable(mesh, "and no new ones are to be made", _OTHERS, "auto")
        return mesh, False, warnings
    if mode == "auto" and mesh.uvs is not None:
        found, warnings = _chosen(mesh)
        placed = None if found.problem else _placed(mesh, found, check)
        if placed is not None:
            uvs, new, said = placed
            warnings += [*said, *_few_texels(uvs, texture_size)]
            return dataclasses.replace(mesh, uvs=_clipped(uvs)), new, warnings
        why = found.problem or f"are missing for {found.missing:.0%} of the surface and leave no room for it"
        warnings = [f"the mesh's UVs {why}, so it was unwrapped anew"]
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
    if mode == "never":
        mesh, warnings = _kept(mesh)
        return mesh, False, warnings
    so = "and the texture to start from doesn't fit new ones"
    mesh, warnings = _usable(mesh, so, "use {unwrap} to keep the UVs", "never")
    return mesh, False, warnings


def _usable(mesh: Mesh, so: str, fix: str, mode: str) -> tuple[Mesh, list[str]]:
    """``mesh`` with its own UVs as the rule has them, and none new; UserError where it has no usable ones.
    so: what then is the matter with new ones; fix: how to mend it, {unwrap} for ``mode``."""
    if mesh.uvs is None:
        raise UserError(f"the mesh has no UVs, {so}", fix, unwrap=mode)
    found, warnings = _chosen(mesh)
    if found.problem is not None:
        raise UserError(f"the mesh's UVs {found.problem}, {so}", fix, unwrap=mode)
    uvs = found.uvs
    if found.loose is not None:
        uvs = place.on_neighbours(mesh, uvs, found.loose)
        warnings.append(_on_neighbours(found.loose))
    return dataclasses.replace(mesh, uvs=_clipped(uvs)), warnings


def _chosen(mesh: Mesh) -> tuple[uvcheck.Fit, list[str]]:
    """What the rule makes of the first of the mesh's UV sets that can carry a texture, and what to say of
    that; of the very first where none can."""
    assert mesh.uvs is not None
    first = uvcheck.fit(mesh.vertices, mesh.faces, mesh.uvs, mesh.bare)
    if first.problem is None:
        return first, []
    for other in mesh.others:
        found = uvcheck.fit(mesh.vertices, mesh.faces, other.uvs, other.bare)
        if found.problem is None:
            return found, [f"the mesh's UVs {first.problem}, so {other.name} took their place"]
    return first, []


def _placed(
    mesh: Mesh, found: uvcheck.Fit, check: Callable[[], None]
) -> tuple[Floats, New, list[str]] | None:
    """The UVs of all faces, which of them are new, and what to say of that; None where there is no room for
    more than a few."""
    if found.loose is None:
        return found.uvs, False, []
    count = int(found.loose.sum())
    uvs = place.in_free_space(mesh, found.uvs, found.loose, check)
    if uvs is None and found.missing > uvcheck.SHARE:
        return None
    if uvs is None:
        return place.on_neighbours(mesh, found.uvs, found.loose), False, [_on_neighbours(found.loose)]
    faces = f"{count:,} of {len(found.loose):,} faces"
    return uvs, found.loose, [f"{faces} had no usable UVs and got new ones beside the others"]


def _on_neighbours(loose: Bools) -> str:
    faces = f"{int(loose.sum()):,} of {len(loose):,} faces"
    return f"{faces} have no usable UVs: they take their neighbours' colour"


def _few_texels(uvs: Floats, texture_size: int) -> list[str]:
    """A warning where hardly any of a texture's texels lie on the mesh."""
    share = float(np.abs(overlap.areas(uvs)).sum())
    if share >= FEW_TEXELS:
        return []
    texels = round(share * texture_size**2)
    return [f"the UVs use {share:.2%} of the texture, about {texels:,} texels; new ones would use most of it"]


def _kept(mesh: Mesh) -> tuple[Mesh, list[str]]:
    """``mesh`` with its own UVs, brought into [0, 1] the way a repeating texture shows them, unless they lie
    in UDIM tiles."""
    if mesh.uvs is None:
        raise UserError(
            "the mesh has no UVs, and unwrapping is switched off", "unwrap it, or set unwrap to 'auto'"
        )
    if mesh.bare is not None:
        mesh = dataclasses.replace(mesh, uvs=place.on_neighbours(mesh, mesh.uvs, mesh.bare))
    assert mesh.uvs is not None
    found = uvcheck.fit(mesh.vertices, mesh.faces, mesh.uvs, mesh.bare)
    warnings = [f"the mesh's UVs {found.problem}; they were kept as asked"] if found.problem else []
    if mesh.bare is not None:
        warnings.append(_on_neighbours(mesh.bare))
    if udim.tiles(found.uvs) is not None:
        return dataclasses.replace(mesh, uvs=_clipped(found.uvs)), warnings
    corner = np.floor(mesh.uvs.mean(axis=1, keepdims=True))
    uvs = np.where(uvcheck.outside(mesh.uvs)[:, None, None], mesh.uvs - corner, mesh.uvs)
    return dataclasses.replace(mesh, uvs=np.clip(uvs, 0.0, 1.0).astype(np.float32)), warnings


def _clipped(uvs: Floats) -> Floats:
    """``uvs`` (F, 3, 2) without what they leave their tiles by."""
    tile = udim.tiles(uvs)
    assert tile is not None, "the rule has seen them"
    return udim.spread(udim.local(uvs, tile), tile)
