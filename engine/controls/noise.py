"""The noise that irregular patterns are made of, at each place of the object: a model that reads positions
may read it too.

Where a brick goes follows from its position. Where a cobble lies or a zebra's stripe bends does not, unless
something fixed says so for every place alike: cells (Worley, A Cellular Texture Basis Function, 1996) and
gradient noise (Perlin, Improving Noise, 2002) that never change. All views of an object see the same of it
from the first step, and a network needs to learn only what to make of it.

The fields, in the order of ``at``: for both sizes of CELLS the distance to the nearest centre and the gap to
the second nearest, in cell sizes, and the cell's own tone in [0, 1]; two of smooth noise, two of medium noise
and one of upright grain, each of mean 0 and deviation 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

Floats = NDArray[np.float32]
Period = tuple[float, float] | None

CELLS = (0.14, 0.28)  # widths of cells, in radii of the object
SMOOTH, MEDIUM, GRAIN = 0, 1, 2
FIELDS = 3 * len(CELLS) + 5
REACH = 1.8  # of places that are told apart: the cube of the position map, whose corners lie at 1.73
_JITTER = 0.8  # of a cell's width: how far its centre may lie off
_DEVIATIONS = 5.0  # of noise between black and white
_UNIT = 0.19  # the deviation of one octave, with gradients of length 1


@dataclass(frozen=True)
class _Kind:
    """Octaves of gradient noise: ``spacing`` of the first's lattice along each axis, each next one half as
    wide and ``gain`` as strong."""

    spacing: tuple[float, float, float]
    octaves: int
    gain: float
    seeds: tuple[int, ...]


_KINDS = {
    SMOOTH: _Kind((0.48, 0.48, 0.48), 2, 0.35, (11, 12)),
    MEDIUM: _Kind((0.42, 0.42, 0.42), 3, 0.5, (21, 22)),
    GRAIN: _Kind((0.24, 0.96, 0.24), 3, 0.5, (31,)),
}


def at(points: Floats, period: Period = None) -> Floats:
    """(n, FIELDS) float32: the fields at ``points`` (n, 3) in the unit sphere, or the cube around it.

    period: of fields that repeat, along x and y, as those of a tile do; their features are a little larger or
    smaller, so that a whole number of them makes up a period. ``math.inf``: none, and points may lie
    anywhere.
    """
    columns = [cells(points, size, period) for size in CELLS]
    for kind, one in _KINDS.items():
        columns += [noise(points, kind, i, period)[:, None] for i in range(len(one.seeds))]
    return np.concatenate(columns, 1)


def picture(places: Floats, inside: NDArray[np.bool_], period: Period = None) -> Floats:
    """(FIELDS, R, R) float32 in [0, 1]: the fields where the surface lies, noise as 0.5 + n / 5, and 0 where
    there is none. 2x2 pixels are told what the first of them shows: nothing that a network makes of it is
    finer.

    places: (n, 3) float32, one for each true pixel of ``inside`` (R, R), row by row; R even. period: as of
    :func:`at`.
    """
    where = np.zeros((*inside.shape, 3), np.float32)
    where[inside] = np.clip(places, -1, 1) if period is None else places  # as the position picture shows them
    coarse = inside[::2, ::2]
    told = np.zeros((*coarse.shape, FIELDS), np.float32)
    found = at(where[::2, ::2][coarse], period)
    found[:, 3 * len(CELLS) :] = 0.5 + found[:, 3 * len(CELLS) :] / _DEVIATIONS
    told[coarse] = np.clip(found, 0.0, 1.0)
    return np.moveaxis(told, -1, 0).repeat(2, 1).repeat(2, 2)


def cells(points: Floats, size: float, period: Period = None) -> Floats:
    """(n, 3) float32: distance to the nearest centre of cells ``size`` wide, how much farther the next one
    is, and the cell's tone."""
    tree, tones = _centres(size) if period is None else _centres_around(points, size, period)
    distance, index = tree.query(points, k=2, workers=-1)
    nearest, second = distance.T / size
    return np.stack([nearest, second - nearest, tones[index[:, 0]]], 1).astype(np.float32)


def noise(points: Floats, kind: int, number: int, period: Period = None) -> Floats:
    """(n,) float32: the ``number``-th noise of ``kind``, of mean 0 and deviation 1."""
    one = _KINDS[kind]
    total, power = np.zeros(len(points), np.float32), 0.0
    for octave in range(one.octaves):
        spacing = np.array(one.spacing, np.float32) / 2**octave
        gain = one.gain**octave
        total += gain * _gradient_noise(points, spacing, 100 * one.seeds[number] + octave, period)
        power += gain**2
    return total / np.float32(_UNIT * power**0.5)


def _gradient_noise(points: Floats, spacing: Floats, seed: int, period: Period) -> Floats:
    """One octave. Its lattice is shifted by its seed, so that the zeros of octaves don't fall together."""
    gradients = _gradients(tuple(spacing.tolist()), seed)
    shape = gradients.shape[:3]
    counts, widths = _whole(spacing, period)
    there = (points + _shift(spacing, seed)) / widths - _lowest(spacing)
    corner = np.floor(there).astype(np.int32)
    within = np.ascontiguousarray((there - corner).T, np.float32)
    fades = within**3 * (within * (within * 6 - 15) + 10)
    rows = [[_wrapped(corner[:, a] + step, counts[a]) % shape[a] for step in (0, 1)] for a in range(3)]
    vectors, total = gradients.reshape(-1, 3), np.zeros(len(points), np.float32)
    for i, j, k in np.ndindex(2, 2, 2):
        x, y, z = vectors[(rows[0][i] * shape[1] + rows[1][j]) * shape[2] + rows[2][k]].T
        slope = x * (within[0] - i) + y * (within[1] - j) + z * (within[2] - k)
        for fade, step in zip(fades, (i, j, k), strict=True):
            slope *= fade if step else 1 - fade
        total += slope
    return total


def _whole(spacing: Floats, period: Period) -> tuple[list[int], Floats]:
    """How many points of a lattice a period has along each axis, 0 without one, and their distances then."""
    counts, widths = [0] * 3, spacing.copy()
    for axis, length in enumerate(period or ()):
        if np.isfinite(length):
            counts[axis] = max(1, round(length / float(spacing[axis])))
            widths[axis] = length / counts[axis]
    return counts, widths


def _wrapped(index: NDArray[Any], count: int) -> NDArray[Any]:
    return index % count if count else index


def _lowest(spacing: Floats) -> NDArray[np.int64]:
    lowest: NDArray[np.int64] = np.floor(-REACH / spacing).astype(np.int64)
    return lowest


def _shift(spacing: Floats, seed: int) -> Floats:
    return (_hashed(np.arange(3), seed) * spacing).astype(np.float32)


@cache
def _gradients(spacing: tuple[float, float, float], seed: int) -> Floats:
    """(X, Y, Z, 3) float32: unit vectors at the points of the lattice within REACH."""
    widths = np.array(spacing, np.float32)
    low, high = _lowest(widths), np.ceil((REACH + 1) / widths).astype(np.int64) + 1
    shape = tuple(int(n) for n in high - low + 1)
    number = np.arange(int(np.prod(shape)))
    tilt, turn = 2 * _hashed(number, 2 * seed) - 1, 2 * np.pi * _hashed(number, 2 * seed + 1)
    flat = np.sqrt(1 - tilt**2)
    vectors = np.stack([flat * np.cos(turn), flat * np.sin(turn), tilt], 1)
    return vectors.reshape(*shape, 3).astype(np.float32)


def _centres_around(points: Floats, size: float, period: Period) -> tuple[cKDTree, Floats]:
    """The centres within two cells of ``points`` (n, 3), in a lattice that has ``period``, and their
    tones."""
    counts, widths = _whole(np.full(3, size, np.float32), period)
    low, high = (
        np.floor(edge / widths).astype(np.int64)
        for edge in (points.min(0) - 2 * size, points.max(0) + 2 * size)
    )
    axes = [np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    most = _most(size)
    x, y, z = ((_wrapped(lattice[:, a], counts[a]) + most) % (2 * most) for a in range(3))
    return _grown(lattice, (x * 2 * most + y) * 2 * most + z, size, widths)


def _most(size: float) -> int:
    return int(np.ceil(REACH / size)) + 1


def _grown(
    lattice: NDArray[np.int64], number: NDArray[np.int64], size: float, widths: Floats | float
) -> tuple[cKDTree, Floats]:
    """The centres of cells ``size`` wide in the cubes of a ``lattice`` (n, 3) as wide as ``widths``, each by
    its ``number`` (n,), and their tones."""
    from scipy.spatial import cKDTree  # takes a while, and those who ask for FIELDS alone have no use for it

    seed = round(1000 * size)
    jitter = np.stack([_hashed(number, 4 * seed + axis) for axis in range(3)], 1)
    centres = (lattice + 0.5 + _JITTER * (jitter - 0.5)) * widths
    return cKDTree(centres), _hashed(number, 4 * seed + 3).astype(np.float32)


@cache
def _centres(size: float) -> tuple[cKDTree, Floats]:
    """The centres of cells within REACH, one in each cube of a lattice, and their tones."""
    most = _most(size)
    lattice = np.stack(np.meshgrid(*[np.arange(-most, most)] * 3, indexing="ij"), -1).reshape(-1, 3)
    return _grown(lattice, np.arange(len(lattice)), size, size)


def _hashed(number: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Fixed pseudo-random values in [0, 1) of whole numbers, the same on every machine: the finaliser of
    MurmurHash3."""
    x = (number.astype(np.uint64) + np.uint64(seed * 0x9E3779B1)) & np.uint64(0xFFFFFFFF)
    x = x.astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = (x ^ (x >> np.uint32(shift))) * np.uint32(factor)
    x ^= x >> np.uint32(16)
    return x / 2.0**32
