"""What places on a surface can read of one finished view: which of them it sees, and in which colours."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from ..pictures.sampling import taps
from ..views.cameras import Camera
from ..views.raster import BESIDE, EmbreeRaster
from ..views.surface import Surface, View
from ..views.surface_points import COSINE
from ..views.visibility import edge_trust

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
Index = NDArray[np.intp]

LEAST_COSINE = np.float32(0.1)  # the reach of a pixel grows no more beyond
FLAT = np.float32(0.02)  # of a pixel: so far off its plane a surface may curve; another is farther


@dataclass(frozen=True)
class Faces:
    """Of a surface's F faces. normal (3, F), height (F,): their planes, all x with normal . x = height.
    longest: (F,) the length of each one's longest edge."""

    raster: EmbreeRaster
    normal: Floats
    height: Floats
    longest: Floats

    @classmethod
    def build(cls, surface: Surface) -> Faces:
        normal = np.ascontiguousarray(surface.normals.T)
        height = np.einsum("fk,fk->f", surface.normals, surface.corners[:, 0])
        edges = surface.corners - np.roll(surface.corners, 1, axis=1)
        longest = np.sqrt(np.einsum("fck,fck->fc", edges, edges).max(axis=1))
        return cls(surface.raster, normal, height, longest)


@dataclass(frozen=True)
class Places:
    """Surface points (3, n) float32 on the faces ``face`` (n,): three long rows, which numpy is fast with."""

    face: Index
    point: Floats

    def pick(self, chosen: NDArray[np.int64]) -> Places:
        return Places(self.face.take(chosen), self.point.take(chosen, axis=1))


@dataclass(frozen=True)
class Seen:
    """What a view shows of n places. place: their numbers (m,); cosine: (m,) at which they are seen; colours:
    (K, m)."""

    place: NDArray[np.int64]
    cosine: Floats
    colours: Floats


@dataclass(frozen=True)
class ViewReader:
    """What can be read of a view: colour (1, K, R, R) and, (R^2,) each, the face that a pixel shows, -1 for
    none, its depth, the depth of trusted pixels, and the nearest and farthest depth in the 3 x 3 pixels
    around. No depth is -inf, near nothing. worth: (F,) False for faces of which no place can be seen. least:
    the cosine that a place must be seen at."""

    faces: Faces
    camera: Camera
    resolution: int
    colour: torch.Tensor
    face: NDArray[np.int32]
    depth: Floats
    trusted: Floats
    nearest: Floats
    farthest: Floats
    worth: Bools
    least: float = 0.0

    @classmethod
    def build(cls, faces: Faces, view: View, picture: Floats) -> ViewReader:
        """picture: (R, R, K)."""
        resolution, shown = view.resolution, view.fragments
        depth = np.full(resolution**2, -np.inf, np.float32)
        face = np.full(resolution**2, -1, np.int32)
        depth[shown.pixel], face[shown.pixel] = shown.depth, shown.face
        trusted = depth.copy()
        trusted[shown.pixel[edge_trust(view) < 1]] = -np.inf
        square = depth.reshape(resolution, resolution)
        nearest = minimum_filter(np.where(np.isfinite(square), square, np.inf), size=3, mode="nearest")
        farthest = maximum_filter(square, size=3, mode="nearest")
        colour = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]
        worth = _worth(faces.raster.corners, view, farthest)
        around = nearest.reshape(-1), farthest.reshape(-1)
        return cls(faces, view.camera, resolution, colour, face, depth, trusted, *around, worth)

    def trusting(self) -> ViewReader:
        """The same without the pixels, and the angles, that can't be trusted."""
        farthest = np.where(np.isfinite(self.trusted), self.farthest, -np.inf)
        nearest = np.linalg.norm(self.faces.raster.corners[:, 0] - self.camera.position, axis=1)
        worth = self.worth & (np.abs(self._above) > COSINE * (nearest - self.faces.longest))
        return dataclasses.replace(self, depth=self.trusted, farthest=farthest, worth=worth, least=COSINE)

    @cached_property
    def _above(self) -> Floats:
        """(F,) how far in front of each face's plane the camera is, negative behind it."""
        above: Floats = self.camera.position @ self.faces.normal - self.faces.height
        return above

    def reach(self, depth: Floats, cosine: Floats | np.float32) -> Floats:
        """How much deeper or nearer (n,) the same surface may be two pixels on: a pixel's footprint along the
        view direction grows as the surface turns away."""
        return np.asarray(2 * _pixel(self) * depth / np.maximum(cosine, LEAST_COSINE), np.float32)

    def see(self, places: Places) -> Seen:
        """Which of the ``places`` it sees, in the colours of the pixels around that show the same surface."""
        place = np.flatnonzero(self.worth.take(places.face))
        places = places.pick(place)
        pixel, depth = self.camera.project(places.point.T, self.resolution)
        facing = self._facing(places)
        cosine = np.abs(facing)
        reach = self.reach(depth, cosine)
        (column, row), side = pixel.T, self.resolution
        inside = (column >= 0) & (column <= side) & (row >= 0) & (row <= side) & (depth > 0)
        may = inside & (cosine > self.least)
        index = self._index(pixel)
        # The far side of a thin plate has its near side's depth.
        seen = may & (facing > 0) & (np.abs(self.trusted.take(index) - depth) < reach / 2)
        self._other_surfaces(places, index, seen)
        unsure = np.flatnonzero(may & ~seen)  # what is plainly seen casts no ray
        unsure = unsure[self._near_any(index[unsure], depth[unsure], reach[unsure])]
        if len(unsure):
            rays = places.pick(unsure)
            normal = self.faces.normal.take(rays.face, axis=1)
            seen[unsure], _ = self.faces.raster.visible(self.camera, rays.point.T, normal.T)
        chosen = np.flatnonzero(seen)
        colours, found = self._colours(pixel.T.take(chosen, axis=1).T, depth[chosen], reach[chosen])
        chosen = chosen[found]
        return Seen(place[chosen], cosine[chosen], colours)

    def _facing(self, places: Places) -> Floats:
        """The cosine (n,) between the normal of each place and the direction to the camera, negative from
        behind."""
        towards = self.camera.position[:, None] - places.point
        towards *= towards
        facing: Floats = self._above.take(places.face) / np.sqrt(towards.sum(axis=0))
        return facing

    def _other_surfaces(self, places: Places, index: Index, seen: Bools) -> None:
        """Of the ``seen`` (n,) places, those become False whose pixel ``index`` (n,) shows another plane: it
        may be another surface close before them."""
        shown = self.face.take(index)
        doubted = np.flatnonzero(seen & (shown != places.face))
        shown, point = shown[doubted], places.point.take(doubted, axis=1)
        off = (self.faces.normal.take(shown, axis=1) * point).sum(axis=0) - self.faces.height.take(shown)
        seen[doubted] = np.abs(off) < FLAT * _pixel(self) * self.depth.take(index[doubted])

    def _near_any(self, index: Index, depth: Floats, reach: Floats) -> Bools:
        """(n,) whether any pixel around pixel ``index`` (n,) is within ``reach`` (n,) of ``depth`` (n,)."""
        may: Bools = (depth > self.nearest.take(index) - reach) & (depth < self.farthest.take(index) + reach)
        return may

    def _index(self, pixel: Floats) -> Index:
        column, row = np.clip(pixel.T.astype(np.intp), 0, self.resolution - 1)
        flat: Index = row * self.resolution + column
        return flat

    @cached_property
    def _quads(self) -> tuple[Floats, Floats]:
        """((R + 1)^2,) each: the least and the greatest depth of the four pixels around each of their
        corners; the border's own go on beyond it."""
        square = np.pad(self.depth.reshape(self.resolution, self.resolution), 1, mode="edge")
        rows = np.minimum(square[1:], square[:-1]), np.maximum(square[1:], square[:-1])
        low, high = np.minimum(rows[0][:, 1:], rows[0][:, :-1]), np.maximum(rows[1][:, 1:], rows[1][:, :-1])
        return low.reshape(-1), high.reshape(-1)

    def _colours(self, pixel: Floats, depth: Floats, reach: Floats) -> tuple[Floats, Bools]:
        """Colours (K, m) of those of ``pixel`` (n, 2) around which one of four pixels is within ``reach``
        (n,) of ``depth`` (n,), bilinear among these; and which they are (n,)."""
        column, row = np.floor(pixel.T + np.float32(0.5)).astype(np.intp)
        corner = np.clip(row, 0, self.resolution) * (self.resolution + 1) + np.clip(
            column, 0, self.resolution
        )
        low, high = (edge.take(corner) for edge in self._quads)
        whole = (low > depth - reach) & (high < depth + reach)
        grid = torch.from_numpy(pixel * np.float32(2 / self.resolution) - 1)
        shown = torch.nn.functional.grid_sample(
            self.colour, grid[None, None], mode="bilinear", padding_mode="border", align_corners=False
        )
        colours: Floats = shown[0, :, 0].numpy()
        found = np.ones(len(pixel), bool)
        some = np.flatnonzero(~whole)
        if not len(some):
            return colours, found
        total, weight = self._partly(pixel[some], depth[some], reach[some])
        colours[:, some] = np.divide(total, weight, out=total, where=weight > 0)
        found[some] = weight > 0
        return (colours, found) if found.all() else (colours[:, found], found)

    def _partly(self, pixel: Floats, depth: Floats, reach: Floats) -> tuple[Floats, Floats]:
        """Weighted colours (K, n) and weights (n,) of the four pixels around each ``pixel`` (n, 2) that are
        within ``reach`` (n,) of ``depth`` (n,); weight 0 where none is."""
        rows = self.colour[0].reshape(self.colour.shape[1], -1).numpy()
        colour = np.zeros((len(rows), len(pixel)), np.float32)
        weight = np.zeros(len(pixel), np.float32)
        for index, share in taps(pixel, self.resolution, self.resolution):
            tap = share * (np.abs(self.depth.take(index) - depth) < reach)
            colour += tap * rows.take(index, axis=1)
            weight += tap
        return colour, weight


def _pixel(of: View | ViewReader) -> np.float32:
    """The side of a pixel at depth 1."""
    return np.float32(2 * of.camera.half_extent / of.resolution)


def _worth(corners: Floats, view: View, farthest: Floats) -> Bools:
    """(F,) False for faces with ``corners`` (F, 3, 3) that lie outside the frame or, however they are turned,
    behind all that the ``view`` shows around them: most of a closed mesh's far side. farthest: (R, R) as in
    ViewReader."""
    pixel, depth = view.camera.project(corners.reshape(-1, 3), view.resolution)
    a, b, c = (pixel[k::3] for k in range(3))
    low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
    near = np.minimum(np.minimum(depth[::3], depth[1::3]), depth[2::3])
    worth: Bools = (high.min(axis=1) >= 0) & (low.max(axis=1) <= view.resolution)
    reach = 2 * _pixel(view) / LEAST_COSINE  # of the depth; see ViewReader.reach
    if reach < 1:  # else what is deeper may reach nearer
        worth &= near * (1 - reach) < _farthest_in(farthest, low, high)
    worth |= near <= BESIDE
    return worth


def _farthest_in(square: Floats, low: Floats, high: Floats) -> Floats:
    """(F,) no less than the greatest of ``square`` (R, R) from ``low`` to ``high`` (F, 2), column and row:
    that of four squares whose side is a power of two."""
    first, last = (np.clip(edge, 0, len(square) - 1).astype(np.int32) for edge in (low, high))
    level = np.frexp((last - first).max(axis=1).astype(np.float32))[1]
    found = np.empty(len(level), np.float32)
    for number in range(int(level.max(initial=0)) + 1):
        own = np.flatnonzero(level == number)
        (left, top), (right, bottom) = (first[own] >> number).T, (last[own] >> number).T
        rows = np.maximum(square[top, left], square[top, right])
        found[own] = np.maximum.reduce([rows, square[bottom, left], square[bottom, right]])
        square = _halved(square)
    return found


def _halved(square: Floats) -> Floats:
    """(R, R) to half of that, rounded up: the greatest of four."""
    side = len(square)
    even = np.pad(square, (0, side % 2), constant_values=-np.inf)
    rows = np.maximum(even[::2], even[1::2])
    return np.maximum(rows[:, ::2], rows[:, 1::2])
