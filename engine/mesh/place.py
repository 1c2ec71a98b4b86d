"""UVs for a few faces of a mesh that has a layout: in its free space, or on their neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, distance_transform_cdt

from . import frame, overlap, shelves, udim
from .mesh import Floats, Mesh
from .raw import Bools, Check
from .segment import planar_charts

_CELLS = 512  # a side, in which free space is looked for
_MARGIN = 3  # cells around what is taken
_LEAST = 0.25  # of the layout's texels per length, that the faces must get to be worth it


def in_free_space(mesh: Mesh, uvs: Floats, loose: Bools, check: Check) -> Floats | None:
    """``uvs`` (F, 3, 2), in tiles, with the ``loose`` (F,) faces of ``mesh`` side by side in the largest free
    square of the first tile; None where that is too small. The other faces stay as they are."""
    points, faces = _welded(mesh)
    tile = udim.tiles(uvs[~loose])
    assert tile is not None, "the rule has seen them"
    first = int(tile.min())
    corner, side = _free_square(udim.local(uvs[~loose][tile == first], tile[tile == first]))
    owner = np.arange(len(faces)) if mesh.polygons is None else mesh.polygons
    own = np.unique(owner[loose], return_inverse=True)[1].astype(np.int64)
    flat, charts = planar_charts(points, faces[loose], own, check)
    packed = shelves.pack(flat, np.unique(charts, return_inverse=True)[1].astype(np.int64), gap=4 / 1024)
    scale = _density(points, faces[~loose], uvs[~loose]) / max(_density(points, faces[loose], packed), 1e-12)
    if side < _LEAST * scale:
        return None
    placed = uvs.copy()
    placed[loose] = udim.spread(
        (corner + packed * min(side, scale)).astype(np.float32), np.full(len(packed), first, np.int32)
    )
    return placed


def on_neighbours(mesh: Mesh, uvs: Floats, loose: Bools) -> Floats:
    """``uvs`` (F, 3, 2) with each of the ``loose`` (F,) faces on the UV of some other face at one of its
    corners, of any where no other is there: it gets that one's colour."""
    points, faces = _welded(mesh)
    at_point = np.full(len(points), -1)
    kept = np.flatnonzero(np.repeat(~loose, 3))
    at_point[faces.reshape(-1)[kept[::-1]]] = kept[::-1]
    source = at_point[faces[loose]].max(axis=1)
    placed = uvs.copy()
    placed[loose] = uvs.reshape(-1, 2)[np.where(source < 0, kept[0], source)][:, None]
    return placed


def _welded(mesh: Mesh) -> tuple[Floats, NDArray[np.int32]]:
    """(P, 3) one point for each place, in the unit sphere, and the faces (F, 3) of these."""
    vertices, own, _, _ = frame.framed(mesh.vertices, mesh.faces)
    points, index = np.unique(vertices + np.float32(0), axis=0, return_inverse=True)  # + 0: -0 becomes 0
    return points, index.reshape(-1)[own].astype(np.int32)


def _free_square(uvs: Floats) -> tuple[Floats, float]:
    """Lower left corner (2,) and side of the largest square that none of ``uvs`` (F, 3, 2), in [0, 1],
    touch."""
    taken = binary_dilation(overlap.occupied(uvs, _CELLS), iterations=_MARGIN)
    reach = distance_transform_cdt(np.pad(~taken, 1), metric="chessboard")[1:-1, 1:-1]
    v, u = np.unravel_index(int(reach.argmax()), reach.shape)
    cells = int(reach[v, u])
    if cells < 1:
        return np.zeros(2, np.float32), 0.0
    corner = (np.array([u - cells + 1, v - cells + 1]) / _CELLS).astype(np.float32)
    return corner, (2 * cells - 1) / _CELLS


def _density(points: Floats, faces: NDArray[np.int32], uvs: Floats) -> float:
    """Length in UVs for a length in space, on the whole."""
    a, b, c = (points[faces[:, i]].astype(np.float64) for i in range(3))
    area: float = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    return float(np.sqrt(np.abs(overlap.areas(uvs)).sum() / max(area, 1e-300)))
