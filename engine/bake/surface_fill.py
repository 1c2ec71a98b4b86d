"""Colours for what no view painted, from the surface around it instead of from what is near in the texture.

Each unpainted texel begins with the colour of the nearest painted texel in space. Then colours spread along
the surface: neighbours in the texture pull at each other, and so do the two sides of a seam. So a fill begins
with its border's colours, has no edges of its own and is the same on both sides of a seam:

    (L + pull) x = border + pull * nearest

with L the graph Laplacian of the unpainted texels, the painted texels next to them as border, and so weak a
pull that the nearest colour wins only farther than SPREAD from any border. That is solved for blocks of
texels, whose result is the first guess for the texels: a few rounds of conjugate gradients do for each.

Nearest is measured between points lifted off the surface along its normals: a thin wall's two sides, which
lie close together, lift to different sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_erosion
from scipy.sparse import coo_matrix, csr_matrix
from scipy.spatial import cKDTree

from ..mesh.edges import Edges, places, shared_edges
from ..mesh.islands import island_of_face
from ..views.raster import EmbreeRaster, texel_of
from .bake import Atlas

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
Pairs = tuple[NDArray[np.int32], NDArray[np.int32]]  # (p,), (p,) numbers of texels

SPREAD = 0.2  # how far a border's colours reach, in units of the mesh's radius
LIFT = 0.05  # off the surface; walls up to twice as thick have two sides
ROUNDING = 1e-5  # of distances
NEXT_TO = 0.15  # rim texels this near to better ones are filled too: a few times the width of a rim
FARTHEST = np.float32(4)  # two points of the unit sphere, lifted, are nearer to each other
BLOCK = 4  # texels a side
SPARSE = 8  # texels from one to the next where not all are needed
FINEST = 2048  # texels a side of the largest texture whose every texel is solved for; views show less
COARSE_ROUNDS, ROUNDS = 150, 8


def surface_fill(
    texels: Texels, colours: Floats, clear: Bools, rim: Bools, near: NDArray[np.int32]
) -> Floats:
    """The colours (n, 3) of all of the atlas's texels.

    colours: (n, 3) in [0, 1], read where ``clear`` (n,) or ``rim`` (n,): texels painted well, or by pixels at
    an edge alone. The latter are painted over where a clear texel is NEXT_TO them. At least one texel must be
    painted. near: (P T^2,) the number of the atlas's texel nearest to each texel of the texture.
    """
    raster, atlas = texels.raster, texels.atlas
    step = _step(atlas)
    known = clear.copy()
    known[rim] = _stays(texels, clear, np.flatnonzero(rim), step * BLOCK)
    empty = np.flatnonzero(~known)
    if not len(empty):
        return colours
    blocks = texels.blocks(empty, step * BLOCK)
    source, _ = texels.nearest(empty[blocks.first], texels.seeds(known, inside=step * SPARSE))
    nearest = colours[source]
    pull = (_texel_side(raster, atlas) / SPREAD) ** 2 * _agreement(atlas, empty[blocks.first], source)
    nodes = texels.blocks(empty, step)
    pairs = texels.neighbours(nodes.label, shared_edges(raster.corners), near)
    x = _System.build(blocks, pairs, colours, nearest, pull).solve(nearest, COARSE_ROUNDS)
    inside = blocks.label[empty[nodes.first]]
    system = _System.build(nodes, pairs, colours, nearest[inside], pull[inside])
    out = colours.copy()
    out[empty] = system.solve(x[inside], ROUNDS).clip(0, 1)[nodes.label[empty]]
    return out


def unreached(texels: Texels, clear: Bools) -> Ints:
    """The texels, of those not ``clear`` (n,), whose rim surface_fill may keep: it paints over the others',
    whole blocks NEXT_TO clear ones, so that nobody needs to paint them before."""
    others, seeds = np.flatnonzero(~clear), texels.seeds(clear)
    if not len(seeds) or not len(others):
        return others
    blocks = texels.blocks(others, _step(texels.atlas) * BLOCK)
    first, label = others[blocks.first], blocks.label[others]
    _, far = texels.nearest(first, seeds, texels.part)
    off = texels.lifted(others) - texels.lifted(first)[label]
    radius = np.zeros(len(first), np.float32)
    np.maximum.at(radius, label, np.sqrt(np.einsum("nk,nk->n", off, off)))
    return others[(far + radius > NEXT_TO - ROUNDING)[label]]


def _step(atlas: Atlas) -> int:
    """Texels from one unknown of the fill to the next."""
    return -(-atlas.size // FINEST)


def _stays(texels: Texels, clear: Bools, rim: Ints, side: int) -> Bools:
    """(m,) which of the ``rim`` texels keep their colours: blocks far from the clear texels of their part of
    the mesh, or in a part without any. Other parts, however near, may look different."""
    seeds = texels.seeds(clear)
    if not len(rim) or not len(seeds):
        return np.ones(len(rim), bool)
    blocks = texels.blocks(rim, side)
    _, far = texels.nearest(rim[blocks.first], seeds, texels.part)
    stays: Bools = (far > NEXT_TO)[blocks.label[rim]]
    return stays


def _agreement(atlas: Atlas, one: Ints, other: Ints) -> Floats:
    """(m,) 1 where texels face the same way, 0 where opposite ones: another surface's colours."""
    cosine = np.einsum("nk,nk->n", atlas.normal[one], atlas.normal[other])
    return np.asarray((1 + cosine).clip(0, 2) / 2, np.float32)


def _texel_side(raster: EmbreeRaster, atlas: Atlas) -> np.float32:
    """On the surface, on average."""
    edge = raster.corners[:, 1:] - raster.corners[:, :1]
    surface = 0.5 * np.linalg.norm(np.cross(edge[:, 0], edge[:, 1]), axis=1).sum(dtype=np.float64)
    return np.float32(np.sqrt(surface / len(atlas.index)))


@dataclass(frozen=True)
class _Blocks:
    """Texels in groups. label: (n,) int32 the group of each texel of the atlas, -1 for none; first: (m,) one
    texel of each; count: (m,) float32 how many it has; side: of the squares that they are cut from."""

    label: NDArray[np.int32]
    first: Ints
    count: Floats
    side: int


@dataclass(frozen=True)
class Texels:
    """An atlas's n texels on the mesh of ``raster``. uvs: (F, 3, 2) per corner, or with pages.

    What is found out about them is kept: it takes seconds on a million faces, and two ask for it."""

    raster: EmbreeRaster
    uvs: Floats
    atlas: Atlas

    @cached_property
    def _place(self) -> NDArray[np.int32]:
        return places(self.raster.corners).astype(np.int32)

    @cached_property
    def chart_of_face(self) -> NDArray[np.int32]:
        """(F,)"""
        return island_of_face(self._place, self.uvs)

    @cached_property
    def part(self) -> NDArray[np.int32]:
        """(n,) the part of the mesh that each texel is in: where no UVs part, faces join."""
        return island_of_face(self._place, np.zeros((*self._place.shape, 2), np.float32))[self.atlas.face]

    @cached_property
    def number(self) -> NDArray[np.int32]:
        """(P T^2,) the number of each texel of the texture among the atlas's, -1 off the mesh."""
        number = np.full(self.atlas.pages * self.atlas.size**2, -1, np.int32)
        number[self.atlas.index] = np.arange(len(self.atlas.index), dtype=np.int32)
        return number

    def chart(self, texel: NDArray[np.integer]) -> NDArray[np.int32]:
        charts: NDArray[np.int32] = self.chart_of_face[self.atlas.face[texel]]
        return charts

    def blocks(self, chosen: Ints, side: int) -> _Blocks:
        """``chosen`` texels in squares of ``side``^2, each cut along charts."""
        label = np.full(len(self.atlas.index), -1, np.int32)
        if side == 1:
            label[chosen] = np.arange(len(chosen), dtype=np.int32)
            return _Blocks(label, np.arange(len(chosen)), np.ones(len(chosen), np.float32), side)
        across = -(-self.atlas.size // side)
        row, column = np.divmod(self.atlas.index[chosen] % self.atlas.size**2, self.atlas.size)
        key = (self.chart(chosen).astype(np.int64) * across + row // side) * across + column // side
        _, first, label[chosen], count = np.unique(
            key, return_index=True, return_inverse=True, return_counts=True
        )
        return _Blocks(label, first, count.astype(np.float32), side)

    def seeds(self, known: Bools, inside: int | None = None) -> Ints:
        """Of the ``known`` (n,) texels those next to others, since the way along the surface to any of them
        leads past, and one in ``inside``^2 of those within, which may be nearest to another surface."""
        size = self.atlas.size
        grid = np.zeros(self.atlas.pages * size * size, bool)
        grid[self.atlas.index[known]] = True
        square = grid.reshape(-1, size, size)
        inner = binary_erosion(square, np.ones((1, 3, 3), bool))
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
        return self.atlas.point[texel] + np.float32(LIFT) * self.atlas.normal[texel]

    def neighbours(self, label: NDArray[np.int32], edges: Edges, near: NDArray[np.int32]) -> Pairs:
        """Pairs of texels next to each other on the surface, each once, where their ``label`` (n,) parts.
        near: as in surface_fill."""
        pairs = [self._beside(label, step) for step in (1, self.atlas.size)]
        a, b = (np.concatenate(ends) for ends in zip(*pairs, self._across(edges, near), strict=True))
        apart = label[a] != label[b]
        return a[apart], b[apart]

    def _beside(self, label: NDArray[np.int32], step: int) -> Pairs:
        """Pairs ``step`` apart in the texture: 1, or its size."""
        index, size = self.atlas.index, self.atlas.size
        b = self.number.take(index + np.int32(step), mode="clip")
        room = index % size < size - 1 if step == 1 else index % size**2 < size * (size - 1)
        a = np.flatnonzero(room & (b >= 0) & (label != label[b])).astype(np.int32)
        b = b[a]
        same = self.chart(a) == self.chart(b)
        return a[same], b[same]

    def _across(self, edges: Edges, near: NDArray[np.int32]) -> Pairs:
        """Pairs of texels on the two sides of each seam, about one for every texel along it."""
        seams = edges.pick(edges.seams(self.uvs))
        ends = [[self.uvs[seams.face[:, k], at[:, k]] for at in (seams.start, seams.end)] for k in (0, 1)]
        length = np.maximum(*(np.linalg.norm(b - a, axis=1) for a, b in ends)) * self.atlas.size
        count = np.maximum(np.ceil(length), 1).astype(np.int64)
        edge = np.repeat(np.arange(len(count)), count)
        along = (np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count) + 0.5) / count[edge]
        share = along.astype(np.float32)[:, None]
        a, b = (
            near[texel_of(start[edge] * (1 - share) + end[edge] * share, self.atlas.size)]
            for start, end in ends
        )
        # In a narrow gap the nearest texel may be another chart's.
        faces = seams.face[edge]
        good = (self.chart(a) == self.chart_of_face[faces[:, 0]]) & (a != b)
        good &= self.chart(b) == self.chart_of_face[faces[:, 1]]
        return a[good], b[good]


@dataclass(frozen=True)
class _System:
    """diagonal (m, 1) * x - links @ x = right (m, 3)."""

    links: csr_matrix
    diagonal: Floats
    right: Floats

    @classmethod
    def build(cls, blocks: _Blocks, pairs: Pairs, colours: Floats, nearest: Floats, pull: Floats) -> _System:
        """Blocks joined by the ``pairs`` of texels that they are made of, bound to the ``colours`` (n, 3) of
        texels in no block and to the ``nearest`` (m, 3). A link is as weak as the way between the blocks'
        middles is long."""
        a, b = (np.concatenate([one, other]) for one, other in (pairs, pairs[::-1]))
        node, other = blocks.label[a], blocks.label[b]
        inner = (node >= 0) & (other >= 0) & (node != other)
        border = (node >= 0) & (other < 0)
        size = len(blocks.first)
        weight = np.full(int(inner.sum()), 1 / blocks.side, np.float32)
        links = coo_matrix((weight, (node[inner], other[inner])), shape=(size, size)).tocsr()
        tie = 2 / (blocks.side + 1)
        at, tied = node[border], colours[b[border]]
        bound = np.stack([np.bincount(at, tied[:, k], size) for k in range(3)], axis=1)
        held = np.asarray(links.sum(axis=1)).reshape(-1) + tie * np.bincount(at, minlength=size)
        drag = pull * blocks.count
        right = (tie * bound).astype(np.float32) + drag[:, None] * nearest
        return cls(links, (held.astype(np.float32) + drag)[:, None], right)

    def solve(self, x: Floats, rounds: int) -> Floats:
        """``x`` (m, 3) after at most ``rounds`` of conjugate gradients, the three channels as one unknown."""
        x = x.astype(np.float32)
        residual = self.right - self._times(x)
        way = residual.copy()
        square = goal = float(np.vdot(residual, residual))
        for _ in range(rounds):
            if square <= goal * 1e-6 or square < 1e-12:
                break
            step = self._times(way)
            length = np.float32(square / float(np.vdot(way, step)))
            x += length * way
            residual -= length * step
            before, square = square, float(np.vdot(residual, residual))
            way *= np.float32(square / before)
            way += residual
        return x

    def _times(self, x: Floats) -> Floats:
        product: Floats = self.diagonal * x
        product -= self.links @ x
        return product
