"""Where triangles in a plane lie on one another, sampled with rays."""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SAMPLES = 512  # a side; the share of a layout that overlaps is measured to about 0.1 %
_BATCH = 256  # charts in one look
_TINY = 3  # faces joined by edges that face one way overlap only from this many on


def areas(uvs: Floats) -> NDArray[np.float64]:
    """(F,) signed areas of the triangles ``uvs`` (F, 3, 2), positive when anticlockwise."""
    a, b, c = (uvs[:, i].astype(np.float64) for i in range(3))
    first, second = b - a, c - a
    return np.asarray((first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2)


def share(uvs: Floats) -> float:
    """Share, 0 to 1, of what the triangles ``uvs`` (F, 3, 2) cover that several of them cover.

    Sampled over the triangles' bounding box, so small layouts count too.
    """
    low, high = uvs.min(axis=(0, 1)), uvs.max(axis=(0, 1))
    unit = ((uvs - low) / np.maximum(high - low, 1e-12)).astype(np.float32)
    top, bottom = _ends(unit, _SAMPLES)
    covered = int((top >= 0).sum())
    return float((top != bottom).sum() / covered) if covered else 0.0


def overlapping_charts(uvs: Floats, charts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which of the ``charts`` (F,), 0 to K - 1, have triangles ``uvs`` (F, 3, 2) that lie on one another.

    Looks at each chart with 64 x 64 samples; overlaps smaller than that go unseen.
    """
    order = np.argsort(charts, kind="stable")
    starts = np.searchsorted(charts[order], np.arange(charts.max(initial=-1) + 2))
    many = np.flatnonzero(np.diff(starts) >= _TINY)
    found = [np.zeros(0, np.int64)]
    for at in range(0, len(many), _BATCH):
        batch = many[at : at + _BATCH]
        members = np.concatenate([order[starts[k] : starts[k + 1]] for k in batch])
        cells = np.repeat(np.arange(len(batch)), np.diff(starts)[batch])
        found.append(batch[_crowded(uvs[members], cells)])
    return np.concatenate(found)


def _gridded(uvs: Floats, cells: NDArray[np.int64], side: int) -> Floats:
    """``uvs`` with the triangles of each cell, sorted by cell, stretched over that cell of a square grid of
    ``side`` cells a side."""
    firsts = np.flatnonzero(np.r_[True, np.diff(cells) > 0])
    low = np.minimum.reduceat(uvs.min(axis=1), firsts)[cells]
    high = np.maximum.reduceat(uvs.max(axis=1), firsts)[cells]
    local = (uvs - low[:, None]) / np.maximum(high - low, 1e-12)[:, None]
    corner = np.stack([cells % side, cells // side], axis=1)[:, None]
    return np.asarray((corner + local * 0.98) / side, np.float32)


def _crowded(uvs: Floats, cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The cells where samples from above and from below meet different triangles: some lie on others."""
    side = int(np.ceil(np.sqrt(cells[-1] + 1)))
    top, bottom = _ends(_gridded(uvs, cells, side), 64 * side)
    counts = np.bincount(cells[top[top != bottom]])
    return np.flatnonzero(counts >= 2)  # one alone may be a sample on an edge


def _ends(unit: Floats, samples: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The last and the first triangle of ``unit`` (F, 3, 2) in the unit square at each of samples^2 places,
    -1 for none: a ray from above and one from below, each triangle at a height of its own.

    One place at random in each cell of a grid: a regular grid would fall in step with regular layouts.
    """
    solid = np.zeros((len(unit), 3, 3), np.float32)
    solid[..., :2] = unit
    solid[..., 2] = np.linspace(0, 1, len(unit), dtype=np.float32)[:, None]
    scene = EmbreeScene()
    TriangleMesh(scene, solid)
    rng = np.random.default_rng(0)
    origins = np.zeros((samples, samples, 3), np.float32)
    origins[..., :2] = rng.random((samples, samples, 2), np.float32)
    origins[..., 0] += np.arange(samples)
    origins[..., 1] += np.arange(samples)[:, None]
    places = origins.reshape(-1, 3) / np.float32(samples)
    return _cast(scene, places, 2.0), _cast(scene, places, -1.0)


def _cast(scene: EmbreeScene, origins: Floats, height: float) -> NDArray[np.int32]:
    """The first triangle that a vertical ray from each of ``origins`` (n, 3), moved to ``height``, meets."""
    origins[:, 2] = height
    directions = np.zeros_like(origins)
    directions[:, 2] = -np.sign(height)
    return np.asarray(scene.run(origins, directions), np.int32)
