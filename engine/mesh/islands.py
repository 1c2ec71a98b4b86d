"""Which faces hang together in UV space."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def island_of_face(faces: NDArray[np.int32], uvs: NDArray[np.float32]) -> NDArray[np.int32]:
    """(F,) int32 chart number per face: faces are of one chart when they share a vertex at the same UV.

    faces: (F, 3) int32; uvs: (F, 3, 2) float32 per corner, compared to within 1e-6 of the unit square.
    """
    grid = np.round(uvs.reshape(-1, 2).astype(np.float64) * 1e6).astype(np.int64)
    key = np.column_stack([faces.reshape(-1), grid])
    _, corner = np.unique(key, axis=0, return_inverse=True)
    count = len(faces)
    face = np.repeat(np.arange(count), 3)
    size = count + int(corner.max()) + 1
    graph = coo_matrix((np.ones(len(face), np.int8), (face, corner.reshape(-1) + count)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][:count]
    return np.asarray(labels, np.int32)
