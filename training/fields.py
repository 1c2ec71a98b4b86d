"""Noise that fills space: periodic volumes sampled at surface points, so that views of one object agree.

One small set of volumes serves every material; each sample reads them at its own random offset.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy.spatial import cKDTree
from torch import Tensor

from engine.controls import noise

NOISE_GRID = 128  # voxels along a period of noise
CELL_GRID = 160
TOLD_GRID = 193  # points along a side of the cube
CELLS = 12  # Voronoi cells along a period

ROUGH, MEDIUM, SMOOTH = 0, 1, 2  # kinds of noise: the spectrum falls with this many powers of the frequency
_SLOPES = (1.9, 2.5, 3.0)
FINER = 16  # times as fine is what close-ups see in a voxel


class Fields:
    """``noise`` (1, 3, n, n, n): standardised fractal noise. ``cells`` (1, 3, n, n, n): distances to the
    nearest and second nearest cell centre (in cell sizes) and the nearest cell's random tone in [0, 1].
    The last plane of each axis repeats the first. ``told`` (1, FIELDS, n, n, n): what models of positions are
    told of the cube from -1 to 1 (engine/controls/noise.py), which is quicker to look up than to reckon."""

    def __init__(self, noise: Tensor, cells: Tensor, told: Tensor) -> None:
        self.noise, self.cells, self.told = noise, cells, told

    def to(self, device: str) -> Fields:
        """The same volumes on ``device``: what reads them paints there."""
        return Fields(self.noise.to(device), self.cells.to(device), self.told.to(device))

    @classmethod
    def cached(cls, path: Path, seed: int = 0) -> Fields:
        """The volumes in ``path`` (.npz), made first if need be (a minute)."""
        found: dict[str, np.ndarray] = {}
        if path.exists():
            with np.load(path, allow_pickle=False) as file:
                found = {name: file[name] for name in file.files}
        if not {"noise", "cells", "told"} <= found.keys():  # an earlier run's has no ``told``
            rng = np.random.default_rng(seed)
            fractal = np.stack([_fractal(rng, slope) for slope in _SLOPES])
            path.parent.mkdir(parents=True, exist_ok=True)
            volumes = {"noise": fractal, "cells": _voronoi(rng), "told": _told()}
            found = {name: volume.astype(np.float16) for name, volume in volumes.items()}
            np.savez(path, **found)
        noise, cells, told = (
            torch.from_numpy(found[name].astype(np.float32)) for name in ("noise", "cells", "told")
        )
        return cls(_wrapped(noise), _wrapped(cells), told[None])


def _fractal(rng: np.random.Generator, slope: float) -> np.ndarray:
    n = NOISE_GRID
    axes = np.meshgrid(*[np.fft.fftfreq(n) * n] * 2, np.fft.rfftfreq(n) * n, indexing="ij")
    frequency = np.sqrt(sum(axis**2 for axis in axes))
    gain = np.maximum(frequency, 2.0) ** -slope
    gain[0, 0, 0] = 0
    value = np.fft.irfftn(np.fft.rfftn(rng.standard_normal((n, n, n))) * gain, s=(n, n, n), axes=(0, 1, 2))
    return np.asarray((value - value.mean()) / value.std())


def _voronoi(rng: np.random.Generator) -> np.ndarray:
    lattice = np.stack(np.meshgrid(*[np.arange(CELLS)] * 3, indexing="ij"), -1).reshape(-1, 3)
    centres = (lattice + 0.5 + 0.8 * (rng.random(lattice.shape) - 0.5)) / CELLS % 1
    tree = cKDTree(centres, boxsize=1.0)
    steps = np.arange(CELL_GRID) / CELL_GRID
    voxels = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    distance, index = tree.query(voxels, k=2, workers=2)
    tone = rng.random(len(centres))[index[:, 0]]
    return np.stack([*(distance * CELLS).T, tone]).reshape(3, *[CELL_GRID] * 3)


def _told() -> np.ndarray:
    """(FIELDS, n, n, n), the last axis being x, as grid_sample has it."""
    line = np.linspace(-1, 1, TOLD_GRID, dtype=np.float32)
    planes = []
    for z in line:
        x, y = (part.ravel() for part in np.meshgrid(line, line))
        planes.append(noise.at(np.stack([x, y, np.full_like(x, z)], 1)))
    return np.moveaxis(np.stack(planes).reshape(*[TOLD_GRID] * 3, -1), -1, 0)


def _wrapped(volume: Tensor) -> Tensor:
    for axis in (1, 2, 3):
        volume = torch.cat([volume, volume.narrow(axis, 0, 1)], axis)
    return volume[None].contiguous()


def sample(volume: Tensor, points: Tensor, nearest: bool = False) -> Tensor:
    """``volume`` (1, C, n, n, n) read at ``points`` (k, 3) in periods -> (C, k)."""
    return look_up(volume, (points % 1.0) * 2 - 1, nearest)


def look_up(volume: Tensor, points: Tensor, nearest: bool = False) -> Tensor:
    """``volume`` (1, C, n, n, n) of the cube from -1 to 1 read at ``points`` (k, 3) -> (C, k)."""
    mode = "nearest" if nearest else "bilinear"
    return F.grid_sample(volume, points[None, None, None], mode=mode, align_corners=True)[0, :, 0, 0]


def finer(volume: Tensor, points: Tensor, kind: int) -> Tensor:
    """(k,): what noise of ``kind`` goes on with below the voxels of its ``volume``: the same spectrum, FINER
    times as fine, whose octaves have so much less power in three dimensions."""
    return FINER ** (1.5 - _SLOPES[kind]) * sample(volume, FINER * points)[0]
