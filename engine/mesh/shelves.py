"""Packing of very many charts: rows of rectangles, in a fraction of a second for a million."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]


def pack(uvs: Floats, charts: Indices, gap: float) -> Floats:
    """``uvs`` (F, 3, 2) with the charts (F,), 0 to K - 1, side by side in [0, 1], all scaled alike and
    ``gap`` apart (less where that would leave them no room)."""
    low, size = _boxes(uvs, charts)
    turned = size[:, 0] < size[:, 1]
    local = uvs - low[charts][:, None]
    rows = turned[charts]
    local[rows] = np.stack([local[rows, :, 1], size[charts[rows], 0][:, None] - local[rows, :, 0]], axis=2)
    size[turned] = size[turned][:, ::-1]
    gap = min(gap, 0.25 / max(1.0, np.sqrt(len(size))))
    scale = _largest_scale(size, gap)
    corners, _ = _rows(size * scale + gap)
    placed = corners[charts][:, None] + local * scale + gap / 2
    return np.asarray(np.clip(placed, 0.0, 1.0), np.float32)


def _boxes(uvs: Floats, charts: Indices) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lower corner and size (K, 2) of each chart's bounding box."""
    order = np.argsort(charts, kind="stable")
    firsts = np.flatnonzero(np.r_[True, np.diff(charts[order]) > 0])
    low = np.minimum.reduceat(uvs.min(axis=1)[order], firsts).astype(np.float64)
    high = np.maximum.reduceat(uvs.max(axis=1)[order], firsts).astype(np.float64)
    return low, high - low


def _largest_scale(size: NDArray[np.float64], gap: float) -> float:
    """The scale, to a per cent, at which boxes of ``size`` (K, 2) with ``gap`` around fit into [0, 1]."""
    high: float = min(1 / max(np.sqrt(size.prod(axis=1).sum()), 1e-12), (1 - gap) / max(size.max(), 1e-12))
    low = 0.0
    if _fits(size, high, gap):
        return float(high)
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if _fits(size, middle, gap) else (low, middle)
    return low


def _fits(size: NDArray[np.float64], scale: float, gap: float) -> bool:
    return bool(_rows(size * scale + gap)[1] <= 1.0)


def _rows(size: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Lower left corners (K, 2) of boxes of ``size`` laid in rows of width 1, tallest first, and the height
    of all rows."""
    order = np.argsort(-size[:, 1], kind="stable")
    ends = np.cumsum(size[order, 0])
    corners = np.zeros_like(size)
    at, height = 0, 0.0
    while at < len(order):
        start = ends[at] - size[order[at], 0]
        stop = max(at + 1, int(np.searchsorted(ends, start + 1 + 1e-9, side="right")))
        row = order[at:stop]
        corners[row, 0] = ends[at:stop] - size[row, 0] - start
        corners[row, 1] = height
        height += float(size[order[at], 1])
        at = stop
    return corners, height
