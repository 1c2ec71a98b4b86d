"""Texels as a graph on the surface: neighbours, blocks of them, and which are nearest in space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..mesh.edges import Edges
from ..pictures.pages import texel_of
from ..views.surface import Surface
from .texels import SurfaceTexels

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]  # (p,), (p,) numbers of texels

LIFT = 0.05  # off the surface; walls up to twice as thick have two sides
AT_ONCE = 1 << 20  # texels: numpy makes indices of 64 bits, which for a large texture are half a GB
FARTHEST = np.float32(4)  # two points of the unit sphere, lifted, are nearer to each other


@dataclass(frozen=True)
class Blocks:
    """Texels in groups. label: (n,) int32 the group of each of the n texels, -1 for none; first: (m,) one
    texel of each; count: (m,) float32 how many it has; side: of the squares that they are cut from."""

    label: NDArray[np.int32]
    first: Ints
    count: Floats
    side: int


@dataclass(frozen=True)
class TexelGraph:
    """The n ``texels`` on a ``surface``, and which of them lie beside which on it: in the texture, and across
    seams."""

    surface: Surface
    texels: SurfaceTexels

    @classmethod
    def build(cls, surface: Surface, size: int) -> TexelGraph:
        """Of a texture, or pages, of ``size``^2."""
        return cls(surface, SurfaceTexels.build(surface, size))

    @property
    def part(self) -> NDArray[np.int32]:
        """(n,) the part of the mesh that each texel is in."""
        return self.surface.parts[self.texels.face]

    @cached_property
    def number(self) -> NDArray[np.int32]:
        """(P T^2,) the number of each texel of the texture among the n, -1 off the mesh."""
        number = np.full(self.texels.pages * self.texels.size**2, -1, np.int32)
        number[self.texels.index] = np.arange(len(self.texels.index), dtype=np.int32)
        return number

    def chart(self, texel: NDArray[np.integer]) -> NDArray[np.int32]:
        charts: NDArray[np.int32] = self.surface.charts[self.texels.face[texel]]
        return charts

    def blocks(self, chosen: Ints, side: int) -> Blocks:
        """``chosen`` texels in squares of ``side``^2, each cut along charts."""
        label = np.full(len(self.texels.index), -1, np.int32)
        if side == 1:
            label[chosen] = np.arange(len(chosen), dtype=np.int32)
            return Blocks(label, np.arange(len(chosen)), np.ones(len(chosen), np.float32), side)
        across = -(-self.texels.size // side)
        row, column = np.divmod(self.texels.index[chosen] % self.texels.size**2, self.texels.size)
        key = (self.chart(chosen).astype(np.int64) * across + row // side) * across + column // side
        _, first, label[chosen], count = np.unique(
            key, return_index=True, return_inverse=True, return_counts=True
        )
        return Blocks(label, first, count.astype(np.float32), side)

    def seeds(self, known: Bools, inside: int | None = None) -> Ints:
        """Of the ``known`` (n,) texels those next to others, since the way along the surface to any of them
        leads past, and one in ``inside``^2 of those within, which may be nearest to another surface."""
        size = self.texels.size
        grid = np.zeros(self.texels.pages * size * size, bool)
        grid[self.texels.index[known]] = True
        square = grid.reshape(-1, size, size)
        inner = np.zeros_like(square)
        rows = square[:, :-2] & square[:, 1:-1] & square[:, 2:]
        inner[:, 1:-1, 1:-1] = rows[:, :, :-2] & rows[:, :, 1:-1] & rows[:, :, 2:]
        if inside:
            inner[:, ::inside, ::inside] = False
        return self.number[np.flatnonzero(square & ~inner)].astype(np.int64)

    def nearest(
        self, wanted: Ints, seeds: Ints, part: NDArray[np.int32] | None = None
    ) -> tuple[Ints, Floats]:
        """For ``wanted`` texels (m,) the nearest of the ``seeds``, at least one, and how far it is.
        part: (n,) numbers; texels whose numbers differ are farther apart than any others."""
        points = [self.lifted(texel) for texel in (seeds, wanted)]
        if part is not None:
            apart = [part[texel, None].astype(np.float32) * FARTHEST for texel in (seeds, wanted)]
            points = [np.concatenate(columns, axis=1) for columns in zip(points, apart, strict=True)]
        far, number = cKDTree(points[0]).query(points[1], workers=-1)
        return seeds[number], far.astype(np.float32)

    def lifted(self, texel: Ints) -> Floats:
        """(m, 3) the points of ``texel`` (m,), off the surface."""
        return self.texels.points(texel) + np.float32(LIFT) * self.texels.normals_of(texel)

    def neighbours(self, label: NDArray[np.int32], edges: Edges, near: NDArray[np.int32]) -> Pairs:
        """Pairs of texels next to each other on the surface, each once, where their ``label`` (n,) parts.
        near: as by nearest_of of all texels."""
        pairs = [self._beside(label, step) for step in (1, self.texels.size)]
        a, b = (np.concatenate(ends) for ends in zip(*pairs, self._across(edges, near), strict=True))
        apart = label[a] != label[b]
        return a[apart], b[apart]

    def _beside(self, label: NDArray[np.int32], step: int) -> Pairs:
        """Pairs ``step`` apart in the texture: 1, or its size."""
        starts = range(0, max(1, len(self.texels.index)), AT_ONCE)
        a, b = zip(*(self._beside_from(label, step, start) for start in starts), strict=True)
        return np.concatenate(a), np.concatenate(b)

    def _beside_from(self, label: NDArray[np.int32], step: int, start: int) -> Pairs:
        """Those whose first texels are AT_ONCE from number ``start`` on."""
        own, size = slice(start, start + AT_ONCE), self.texels.size
        index = self.texels.index[own]
        b = self.number.take(index + np.int32(step), mode="clip")
        room = index % size < size - 1 if step == 1 else index % size**2 < size * (size - 1)
        chosen = np.flatnonzero(room & (b >= 0) & (label[own] != label[b]))
        a, b = (chosen + start).astype(np.int32), b[chosen]
        same = self.chart(a) == self.chart(b)
        return a[same], b[same]

    def _across(self, edges: Edges, near: NDArray[np.int32]) -> Pairs:
        """Pairs of texels on the two sides of each seam, about one for every texel along it."""
        seams = edges.pick(edges.seams(self.surface.uvs))
        ends = [
            [self.surface.uvs[seams.face[:, k], at[:, k]] for at in (seams.start, seams.end)] for k in (0, 1)
        ]
        length = np.maximum(*(np.linalg.norm(b - a, axis=1) for a, b in ends)) * self.texels.size
        count = np.maximum(np.ceil(length), 1).astype(np.int64)
        edge = np.repeat(np.arange(len(count)), count)
        along = (np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[edge]
        share = along.astype(np.float32)[:, None]
        a, b = (
            near[texel_of(start[edge] * (1 - share) + end[edge] * share, self.texels.size)]
            for start, end in ends
        )
        # In a narrow gap the nearest texel may be another chart's.
        faces = seams.face[edge]
        good = (self.chart(a) == self.surface.charts[faces[:, 0]]) & (a != b)
        good &= self.chart(b) == self.surface.charts[faces[:, 1]]
        return a[good], b[good]
