"""Where triangles in a plane lie on one another, sampled with rays."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_SAMPLES = 512  # a side; the share of a layout that overlaps is measured to about 0.1 %
_BATCH = 256  # charts in one look
_AT_ONCE = min(os.cpu_count() or 1, 8)  # looks: each takes some 100 MB
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


def overlapping_charts(
    uvs: Floats, charts: NDArray[np.int64], check: Callable[[], None] = lambda: None
) -> NDArray[np.int64]:
    """Which of the ``charts`` (F,), 0 to K - 1, have triangles ``uvs`` (F, 3, 2) that lie on one another.

    Looks at each chart with 64 x 64 samples; overlaps smaller than that go unseen. ``check`` is called
    before every look, from several threads, and may raise.
    """
    order = np.argsort(charts, kind="stable")
    starts = np.searchsorted(charts[order], np.arange(charts.max(initial=-1) + 2))
    many = np.flatnonzero(np.diff(starts) >= _TINY)

    def look(at: int) -> NDArray[np.int64]:
        check()
        batch = many[at : at + _BATCH]
        members = np.concatenate([order[starts[k] : starts[k + 1]] for k in batch])
        cells = np.repeat(np.arange(len(batch)), np.diff(starts)[batch])
        return np.asarray(batch[_crowded(uvs[members], cells)])

    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        return np.concatenate([np.zeros(0, np.int64), *pool.map(look, range(0, len(many), _BATCH))])


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


def occupied(uvs: Floats, samples: int) -> NDArray[np.bool_]:
    """(samples, samples) the cells of the unit square in which a sample, at random, meets one of the
    triangles ``uvs`` (F, 3, 2), row by row from below."""
    top, _ = _ends(uvs, samples)
    return np.asarray((top >= 0).reshape(samples, samples))


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
    places = _places(samples)
    top = _cast(scene, places, 2.0)
    bottom = np.full_like(top, -1)
    met = np.flatnonzero(top >= 0)  # what nothing lies on from above, nothing lies on from below
    bottom[met] = _cast(scene, places[met], -1.0)
    return top, bottom


@lru_cache(maxsize=2)
def _places(samples: int) -> Floats:
    """(samples^2, 2) the places that _ends looks at."""
    rng = np.random.default_rng(0)
    places = rng.random((samples, samples, 2), np.float32)
    places[..., 0] += np.arange(samples)
    places[..., 1] += np.arange(samples)[:, None]
    return np.asarray(places.reshape(-1, 2) / np.float32(samples))


def _cast(scene: EmbreeScene, places: Floats, height: float) -> NDArray[np.int32]:
    """The first triangle that a vertical ray meets from each of ``places`` (n, 2) at ``height``."""
    origins = np.full((len(places), 3), height, np.float32)
    origins[:, :2] = places
    directions = np.zeros_like(origins)
    directions[:, 2] = -np.sign(height)
    return np.asarray(scene.run(origins, directions), np.int32)
