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

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix, csr_matrix

from .bake import Baked
from .texel_graph import Blocks, Bools, Floats, Ints, Pairs, TexelGraph
from .texels import SurfaceTexels

SPREAD = 0.2  # how far a border's colours reach, in units of the mesh's radius
ROUNDING = 1e-5  # of distances
NEXT_TO = 0.15  # doubtful texels this near to better ones are filled too: a few times as far as they reach
BLOCK = 4  # texels a side
SPARSE = 8  # texels from one to the next where not all are needed
FINEST = 2048  # texels a side of the largest texture whose every texel is solved for; views show less of all
COARSE_ROUNDS, ROUNDS = 150, 8


def harmonic_fill(
    graph: TexelGraph,
    baked: Baked,
    near: NDArray[np.int32],
    channels: Collection[slice] = (slice(None),),
) -> tuple[Ints, Floats]:
    """The numbers (m,) of the texels that need a colour, and their colours (m, K).

    baked: colours in [0, 1] of at least one texel. The doubtful ones are painted over where a trusted texel
    is NEXT_TO them. near: (P T^2,) the number of the texel nearest to each texel of the texture.
    channels: the columns of each, which is solved for by itself.
    """
    texels, colours, trusted = graph.texels, baked.colours, baked.trusted
    step = _step(texels)
    known = trusted.copy()
    known[baked.doubtful] = _stays(graph, trusted, np.flatnonzero(baked.doubtful), step * BLOCK)
    empty = np.flatnonzero(~known)
    if not len(empty):
        return empty, colours[:0]
    blocks = graph.blocks(empty, step * BLOCK)
    source, _ = graph.nearest(empty[blocks.first], graph.seeds(known, inside=step * SPARSE))
    nearest = colours[source]
    pull = (_texel_side(graph) / SPREAD) ** 2 * _agreement(texels, empty[blocks.first], source)
    nodes = graph.blocks(empty, step)
    pairs = graph.neighbours(nodes.label, graph.surface.edges(), near)
    x = _System.build(blocks, pairs, colours, nearest, pull).solve(nearest, COARSE_ROUNDS, channels)
    inside = blocks.label[empty[nodes.first]]
    system = _System.build(nodes, pairs, colours, nearest[inside], pull[inside])
    return empty, system.solve(x[inside], ROUNDS, channels).clip(0, 1)[nodes.label[empty]]


def kept_doubtful(graph: TexelGraph, trusted: Bools) -> Ints:
    """The texels, of those not ``trusted`` (n,), whose doubtful colours harmonic_fill may keep: it paints
    over the others', whole blocks NEXT_TO trusted ones, so that nobody needs to paint them before."""
    others, seeds = np.flatnonzero(~trusted), graph.seeds(trusted)
    if not len(seeds) or not len(others):
        return others
    blocks = graph.blocks(others, _step(graph.texels) * BLOCK)
    first, label = others[blocks.first], blocks.label[others]
    _, far = graph.nearest(first, seeds, graph.part)
    off = graph.lifted(others) - graph.lifted(first)[label]
    radius = np.zeros(len(first), np.float32)
    np.maximum.at(radius, label, np.sqrt(np.einsum("nk,nk->n", off, off)))
    return others[(far + radius > NEXT_TO - ROUNDING)[label]]


def _step(texels: SurfaceTexels) -> int:
    """Texels from one unknown of the fill to the next: pages together have no more than one texture has."""
    return math.ceil(texels.size * math.sqrt(texels.pages) / FINEST)


def _stays(graph: TexelGraph, trusted: Bools, doubtful: Ints, side: int) -> Bools:
    """(m,) which of the ``doubtful`` texels keep their colours: blocks far from the trusted texels of their
    part of the mesh, or in a part without any. Other parts, however near, may look different."""
    seeds = graph.seeds(trusted)
    if not len(doubtful) or not len(seeds):
        return np.ones(len(doubtful), bool)
    blocks = graph.blocks(doubtful, side)
    _, far = graph.nearest(doubtful[blocks.first], seeds, graph.part)
    stays: Bools = (far > NEXT_TO)[blocks.label[doubtful]]
    return stays


def _agreement(texels: SurfaceTexels, one: Ints, other: Ints) -> Floats:
    """(m,) 1 where texels face the same way, 0 where opposite ones: another surface's colours."""
    cosine = np.einsum("nk,nk->n", texels.normals_of(one), texels.normals_of(other))
    return np.asarray((1 + cosine).clip(0, 2) / 2, np.float32)


def _texel_side(graph: TexelGraph) -> np.float32:
    """On the surface, on average."""
    corners = graph.surface.corners
    edge = corners[:, 1:] - corners[:, :1]
    surface = 0.5 * np.linalg.norm(np.cross(edge[:, 0], edge[:, 1]), axis=1).sum(dtype=np.float64)
    return np.float32(np.sqrt(surface / len(graph.texels.index)))


@dataclass(frozen=True)
class _System:
    """diagonal (m, 1) * x - links @ x = right (m, K)."""

    links: csr_matrix
    diagonal: Floats
    right: Floats

    @classmethod
    def build(cls, blocks: Blocks, pairs: Pairs, colours: Floats, nearest: Floats, pull: Floats) -> _System:
        """Blocks joined by the ``pairs`` of texels that they are made of, bound to the ``colours`` (n, K) of
        texels in no block and to the ``nearest`` (m, K). A link is as weak as the way between the blocks'
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
        bound = np.stack([np.bincount(at, tied[:, k], size) for k in range(tied.shape[1])], axis=1)
        held = np.asarray(links.sum(axis=1)).reshape(-1) + tie * np.bincount(at, minlength=size)
        drag = pull * blocks.count
        right = (tie * bound).astype(np.float32) + drag[:, None] * nearest
        return cls(links, (held.astype(np.float32) + drag)[:, None], right)

    def solve(self, x: Floats, rounds: int, channels: Collection[slice]) -> Floats:
        """``x`` (m, K) after at most ``rounds`` of conjugate gradients for each of the ``channels``."""
        parts = [self._solved(x[:, own], self.right[:, own], rounds) for own in channels]
        return np.concatenate(parts, axis=1)

    def _solved(self, x: Floats, right: Floats, rounds: int) -> Floats:
        """``x`` (m, k), all of whose columns are one unknown."""
        x = np.array(x, np.float32, order="C")
        residual = right - self._times(x)
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
