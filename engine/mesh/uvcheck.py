"""The one rule for UVs that a mesh comes with: which are kept, which are moved, which can't carry a texture.

Each texel must belong to one place on the surface. So UVs stay as they are where they keep to the square from
0 to 1 or to UDIM tiles; faces that each keep to some tile are moved into the square where they don't lie on
one another there, as a repeating picture shows them; a few faces that fit nowhere are loose, the others stay.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import frame, overlap, udim
from .raw import Bools

Floats = NDArray[np.float32]

SHARE = 0.01  # of the surface or of the covered texture that may be unusable before we unwrap anew
MOST_BARE = 0.25  # of the surface that may be without UVs before we unwrap anew


@dataclass(frozen=True)
class Fit:
    """What the rule makes of UVs. problem: why they can't carry a texture, as the end of "the UVs ...", None
    when they can; uvs: (F, 3, 2) float32, moved by whole tiles where that was needed; loose: (F,) the faces
    that have none or that fit nowhere, None where there are none; missing: the share of the surface that
    these make up."""

    problem: str | None
    uvs: Floats
    loose: Bools | None = None
    missing: float = 0.0


def fit(vertices: Floats, faces: NDArray[np.int32], uvs: Floats, bare: Bools | None = None) -> Fit:
    """The rule for ``uvs`` (F, 3, 2). vertices (V, 3), faces (F, 3); bare (F,): faces without UVs.

    About 0.05 s, and a second per million faces.
    """
    if float(uvs.min()) == float(uvs.max()):
        return Fit("all lie on one point", uvs)
    area = _areas(vertices, faces)
    loose = np.zeros(len(faces), bool) if bare is None else bare
    if (missing := _share(area, loose)) > MOST_BARE:
        return Fit(f"are missing for {missing:.0%} of the surface", uvs)
    flat = _share(area, _flat(area, uvs) & ~loose)
    if flat > SHARE:
        return Fit(f"have no area for {flat:.0%} of the surface", uvs)
    if not loose.any() and udim.tiles(uvs) is not None:
        return Fit(_overlap(uvs), uvs)
    return _moved(area, uvs, loose)


def problem(vertices: Floats, faces: NDArray[np.int32], uvs: Floats, bare: Bools | None = None) -> str | None:
    """Why ``uvs`` can't carry a texture; None when they can."""
    return fit(vertices, faces, uvs, bare).problem


def outside(uvs: Floats) -> Bools:
    """(F,) which faces have a corner outside [0, 1] by more than rounding."""
    return np.asarray(((uvs < -udim.SLACK) | (uvs > 1 + udim.SLACK)).any(axis=(1, 2)))


def _moved(area: NDArray[np.float64], uvs: Floats, bare: Bools) -> Fit:
    """The rule where some faces have no UVs, or not all keep to the tiles that there are."""
    whole = np.floor(uvs.mean(axis=1, dtype=np.float64))
    inside = udim.inside(uvs, whole)
    solid = np.abs(overlap.areas(uvs)) > 0
    stray = solid & ~inside & ~bare
    if _share(area, stray) > SHARE:
        return Fit(f"leave the square from 0 to 1 in {int(outside(uvs).sum()):,} of {len(uvs):,} faces", uvs)
    loose = bare | stray
    tile = np.unique(whole, axis=0, return_inverse=True)[1].reshape(-1)
    most = int(np.bincount(tile[~loose], area[~loose]).argmax())
    elsewhere = tile != most
    if _share(area, elsewhere & ~bare) <= SHARE:  # they lie on others as well when they are moved
        loose = loose | elsewhere
    if udim.tiles(uvs[~loose]) is None:
        uvs = (uvs - whole[:, None]).astype(np.float32)
    return Fit(_overlap(uvs[~loose]), uvs, loose if loose.any() else None, _share(area, loose))


def _overlap(uvs: Floats) -> str | None:
    doubled = overlap.share(uvs)
    return f"overlap in {doubled:.0%} of what they cover" if doubled > SHARE else None


def _areas(vertices: Floats, faces: NDArray[np.int32]) -> NDArray[np.float64]:
    """(F,) twice the area of each face in space; stray ones count for nothing."""
    a, b, c = (vertices[faces[:, i]].astype(np.float64) for i in range(3))
    area = np.asarray(np.linalg.norm(np.cross(b - a, c - a), axis=1))
    stray = frame.stray_faces(vertices, faces)
    return area if stray is None else np.where(stray, 0.0, area)


def _flat(area: NDArray[np.float64], uvs: Floats) -> Bools:
    """(F,) the faces that have (almost) no area in ``uvs``, for the ``area`` (F,) that they have in space."""
    painted = np.abs(overlap.areas(uvs))
    mean = painted.sum() / max(area.sum(), 1e-300)  # UV area per surface area, on the whole
    return np.asarray(painted <= 1e-6 * mean * area)


def _share(area: NDArray[np.float64], which: Bools) -> float:
    """Of the surface, that faces ``which`` (F,) make up."""
    return float(area[which].sum() / max(area.sum(), 1e-300))
