"""How visible the seams of a texture are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..mesh.edges import Edges
from ..pictures.sampling import sample
from ..views.raster import interpolate
from ..views.surface import Surface

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

POINTS = 20_000
SEED = 0  # of the measuring points: the same mesh is always measured at the same points
SHARPEST = 0.5  # folds whose sides lie closer together than this (29 degrees) are left out
INVISIBLE = 1e-4  # colour differences below this (a fortieth of an 8-bit step) count as this


def seam_error(surface: Surface, texture: Floats) -> float | None:
    """Mean colour difference across UV seams, over that across inner edges at the same 3D distance.

    Pairs of points one texel to either side of an edge that two faces share: edges where the UVs part against
    edges where they don't. 1.0: seams can't be seen. None when the mesh has no seam, or no inner edge, whose
    faces are large enough to compare.
    """
    edges = surface.edges()
    if not len(edges.face):
        return None
    is_seam = edges.seams(surface.uvs)
    texel = _texel_length(surface, texture.shape[-2])
    seam = _difference(surface, texture, edges.pick(is_seam), texel)
    inner = _difference(surface, texture, edges.pick(~is_seam), texel)
    if seam is None or inner is None:
        return None
    return max(seam, INVISIBLE) / max(inner, INVISIBLE)


def _texel_length(surface: Surface, size: int) -> float:
    """The side of a texel on the surface, averaged over the mesh."""
    edge = surface.corners[:, 1:] - surface.corners[:, :1]
    area = np.linalg.norm(np.cross(edge[:, 0], edge[:, 1]), axis=1).sum()
    flat = surface.uvs[:, 1:] - surface.uvs[:, :1]
    covered = np.abs(flat[:, 0, 0] * flat[:, 1, 1] - flat[:, 0, 1] * flat[:, 1, 0]).sum()
    return float(np.sqrt(area / max(covered, 1e-12)) / size)


def _difference(surface: Surface, texture: Floats, edges: Edges, offset: float) -> float | None:
    """Mean colour difference between points ``offset`` to either side of random places on ``edges``."""
    if not len(edges.face):
        return None
    rng = np.random.default_rng(SEED)
    corners = surface.corners[edges.face[:, 0]]
    rows = np.arange(len(corners))
    length = np.linalg.norm(corners[rows, edges.end[:, 0]] - corners[rows, edges.start[:, 0]], axis=1)
    if not length.sum() > 0:
        return None
    pick = rng.choice(len(length), size=POINTS, p=length.astype(np.float64) / length.sum(dtype=np.float64))
    along = rng.random(POINTS).astype(np.float32)
    sides = [_Side.build(surface, edges.pick(pick), side) for side in (0, 1)]
    # On a fold, points to either side are nearer to each other than on a plane: there they go farther out.
    apart = np.linalg.norm(sides[0].inward - sides[1].inward, axis=1)
    places = [side.points(along, 2 * offset / np.maximum(apart, SHARPEST)) for side in sides]
    good = places[0][1] & places[1][1] & (apart >= SHARPEST)
    if good.sum() < 10:
        return None
    colours = [
        sample(texture, interpolate(surface.uvs, side.face, bary))[good]
        for side, (bary, _) in zip(sides, places, strict=True)
    ]
    return float(np.abs(colours[0] - colours[1]).mean())


@dataclass(frozen=True)
class _Side:
    """One side of m edges: its face (m,), the corners that it starts and ends at (m,), where along it the
    third corner stands (m,), how high (m,), and the unit direction there (m, 3)."""

    face: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    foot: Floats
    height: Floats
    inward: Floats

    @classmethod
    def build(cls, surface: Surface, edges: Edges, side: int) -> _Side:
        face, start, end = edges.face[:, side], edges.start[:, side], edges.end[:, side]
        a, b, c = (surface.corners[face, k] for k in (start, end, 3 - start - end))
        edge = b - a
        foot = ((c - a) * edge).sum(axis=1) / np.maximum((edge**2).sum(axis=1), 1e-20)
        across = c - a - foot[:, None] * edge
        height = np.maximum(np.linalg.norm(across, axis=1), 1e-20)
        return cls(face, start, end, foot, height, across / height[:, None])

    def points(self, along: Floats, offset: Floats) -> tuple[Floats, Bools]:
        """Points ``offset`` (m,) inside the face, at the place ``along`` (m,), 0 to 1, of the edge.

        Returns (bary (m, 3), whether the point lies inside the face (m,))."""
        share = np.minimum(offset / self.height, 0.9)
        position = (along - share * self.foot) / (1 - share)
        rows = np.arange(len(self.face))
        bary = np.zeros((len(self.face), 3), np.float32)
        bary[rows, self.start] = (1 - share) * (1 - position)
        bary[rows, self.end] = (1 - share) * position
        bary[rows, 3 - self.start - self.end] = share
        return bary, (share < 0.9) & (position >= 0) & (position <= 1)
