"""How far a normal map's seams show: what both sides of a border between charts say of one place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.bake.relief import normal_map
from engine.bake.texels import SurfaceTexels
from engine.options.channels import RELIEF
from engine.pictures.sampling import sample
from engine.views.surface import Surface
from tests.engine.mikktspace import seen, tangents

Floats = NDArray[np.float64]

DEPTH, WAVES = 0.03, 14.0  # of a relief that is the same function of the place everywhere: radii, per radius
FOLD = 0.5  # degrees that the shaded surface itself is bent by: more is no seam
TURN = np.array([0.3, 0.5, 0.81])


@dataclass(frozen=True)
class Borders:
    """Degrees. seams: between what both sides of borders of charts say of one place; beside: between places
    inside charts that lie a texel apart; wrong: from the true normal, at borders and inside. tilts: of the
    relief, inside."""

    seams: Floats
    beside: Floats
    wrong_at_borders: Floats
    wrong_inside: Floats
    tilts: Floats

    def line(self) -> tuple[str, ...]:
        """Medians and 95th percentiles."""
        each = self.seams, self.beside, self.wrong_at_borders, self.wrong_inside, self.tilts
        return tuple(f"{np.median(one):.2f} / {np.percentile(one, 95):.2f}" for one in each)


def waves(points: Floats) -> tuple[Floats, Floats]:
    """Height (n,) in radii and its gradient (n, 3) at ``points`` (n, 3) in the unit sphere."""
    phases = WAVES * points + TURN
    return DEPTH * np.sin(phases).sum(axis=1) / 3, DEPTH * WAVES * np.cos(phases) / 3


def borders(surface: Surface, size: int, smooth: bool, count: int = 4000) -> Borders:
    """Of the normal map that the engine makes of ``waves`` on a ``surface`` with a texture of ``size``^2,
    which is shaded smooth, or flat. MikkTSpace is the judge."""
    texels = SurfaceTexels.build(surface, size)
    heights = np.full((size * size, 1), 0.5, np.float32)
    heights[texels.index, 0] = 0.5 + waves(texels.point.astype(float))[0] / (2 * RELIEF)
    heights = heights[texels.index][texels.near].reshape(size, size, 1)
    shader = _Shader.build(surface, normal_map(heights, texels), smooth)
    rng = np.random.default_rng(0)
    edges = surface.edges()
    parted = edges.pick(edges.seams(surface.uvs))
    pick = rng.integers(len(parted.face), size=count)
    along = rng.uniform(0.05, 0.95, count)
    sides = []
    for side in (0, 1):
        bary = np.zeros((count, 3))
        bary[np.arange(count), parted.start[pick, side]] = 1 - along
        bary[np.arange(count), parted.end[pick, side]] = along
        sides.append(shader.at(parted.face[pick, side], bary))
    here, beside = shader.beside(texels, rng.integers(len(texels.index), size=count), size)
    whole = _angle(sides[0].true, sides[1].true) < FOLD
    return Borders(
        _angle(sides[0].found, sides[1].found)[whole],
        _angle(here.found, beside.found),
        np.concatenate([_angle(one.found, one.true) for one in sides]),
        _angle(here.found, here.true),
        _angle(here.true, here.normal),
    )


@dataclass(frozen=True)
class _Places:
    found: Floats
    true: Floats
    normal: Floats


@dataclass(frozen=True)
class _Shader:
    """What shaders make of a normal ``map`` (T, T, 3). corners: points, normals, tangents (F, 3, 3)."""

    surface: Surface
    map: NDArray[np.float32]
    points: Floats
    normals: Floats
    tangents: Floats
    sign: Floats

    @classmethod
    def build(cls, surface: Surface, image: NDArray[np.float32], smooth: bool) -> _Shader:
        points = surface.corners.astype(float)
        flat = np.repeat(surface.normals[:, None], 3, axis=1).astype(float)
        normals = surface._corner_normals.astype(float) if smooth else flat
        tangent, sign = tangents(points, normals, surface.uvs.astype(float))
        return cls(surface, image, points, normals, tangent, sign)

    def at(self, face: NDArray[np.integer], bary: Floats) -> _Places:
        """At the place ``bary`` (n, 3) of each ``face`` (n,)."""

        def between(corners: Floats) -> Floats:
            return np.asarray((corners[face] * bary[..., None]).sum(axis=1))

        normal, uv = between(self.normals), between(self.surface.uvs.astype(float))
        stored = sample(self.map, uv.astype(np.float32)).astype(float)
        found = seen(normal, between(self.tangents), self.sign[face], stored)
        normal /= np.linalg.norm(normal, axis=1, keepdims=True)
        gradient = waves(between(self.points))[1]
        true = normal - gradient + (gradient * normal).sum(axis=1, keepdims=True) * normal
        return _Places(found, true / np.linalg.norm(true, axis=1, keepdims=True), normal)

    def beside(self, texels: SurfaceTexels, pick: NDArray[np.int64], size: int) -> tuple[_Places, _Places]:
        """At random texels ``pick`` and at those to their right that are of the same face."""
        there = texels.near[np.minimum(texels.index[pick] + 1, size * size - 1)]
        same = texels.face[there] == texels.face[pick]
        first, second = (self._bary(texels, one[same], size) for one in (pick, there))
        return self.at(*first), self.at(*second)

    def _bary(
        self, texels: SurfaceTexels, number: NDArray[np.integer], size: int
    ) -> tuple[NDArray[np.int32], Floats]:
        face, index = texels.face[number], texels.index[number]
        uv = np.stack([(index % size + 0.5) / size, 1 - (index // size + 0.5) / size], axis=1)
        corner = self.surface.uvs[face].astype(float)
        share = np.linalg.solve(
            np.swapaxes(corner[:, 1:] - corner[:, :1], 1, 2), (uv - corner[:, 0])[..., None]
        )[..., 0]
        return face, np.column_stack([1 - share.sum(axis=1), share])


def _angle(a: Floats, b: Floats) -> Floats:
    """Degrees between unit vectors (n, 3)."""
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=1), -1, 1)))
