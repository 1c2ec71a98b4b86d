"""The pixels of a view drawn by a graphics card that rasterises as nvdiffrast does, with Embree's results.

Only what a whole picture shows is drawn. Whether a camera sees a texel stays a matter of rays: a depth buffer
would answer at the resolution of its pixels.

nvdiffrast rounds corners to a sixteenth of a pixel before it decides whose pixel it is. So each pixel is
drawn as several smaller ones, of which only the middle one, whose centre is the pixel's own, is kept: what is
left of the rounding is that much less. On an edge, to within a hundredth or two of a pixel, the neighbouring
face can still win, or the background; of two faces in one place, either, as with rays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .cameras import Camera
from .raster import EmbreeRaster, Floats, Ints, interpolate

if TYPE_CHECKING:
    from torch import Tensor

MAX_SIDE = 2048  # pixels that nvdiffrast draws at once; releases before 0.3.3 draw no more
STEP = 8  # releases before 0.3.2 draw only multiples of this
MAX_FACES = 1 << 22  # drawn at once: face numbers up to 2^24 are exact as float32, and memory stays flat
# Nearer surfaces are cut off where something lies behind the camera; depth resolution falls with it.
NEAR = 0.005

# Positions (n, 4) float32 in clip space, faces (F, 3) int32 and the picture's side in pixels, to the picture
# (side, side, 4) float32: weights of the first and second corner, z / w, face + 1 or 0; the first row is at
# y = -1.
Draw = Callable[[Floats, Ints, int], "Tensor"]


@dataclass(frozen=True)
class Window:
    """The square of ``size`` pixels of a view that starts at row ``top``, column ``left``, drawn with
    ``fine`` samples a pixel, down and across: an odd number, so that one of them has the pixel's centre."""

    top: int
    left: int
    size: int
    fine: int

    @property
    def side(self) -> int:
        """Of the picture to draw, in samples: those of the window, and some to spare."""
        return -(-self.size * self.fine // STEP) * STEP

    @property
    def middle(self) -> slice:
        """The samples, down and across, at the centres of the window's pixels."""
        return slice(self.fine // 2, self.size * self.fine, self.fine)


def windows(resolution: int) -> Iterator[Window]:
    """The parts that a view of ``resolution``^2 pixels is drawn in: one, but for very large views."""
    fine = max(1, (MAX_SIDE // resolution - 1) | 1)
    for top in range(0, resolution, MAX_SIDE):
        for left in range(0, resolution, MAX_SIDE):
            yield Window(top, left, min(MAX_SIDE, resolution), fine)


def clip_positions(points: Floats, camera: Camera, resolution: int, window: Window) -> Floats:
    """World ``points`` (n, 3) in the clip space of ``window`` of a view of ``resolution``^2 pixels.

    Returns (n, 4) float32; w is the depth. y points down, so that the row that is drawn first is the top one.
    """
    offset = points.astype(np.float64) - camera.position
    right, up, depth = np.einsum("ij,nj->in", camera.axes.astype(np.float64), offset)
    scale, middle = resolution / (2 * camera.half_extent), depth * resolution / 2
    samples = 2 * window.fine / window.side  # a pixel's width in the picture, whose own is 2
    x = samples * (middle + right * scale - window.left * depth) - depth
    y = samples * (middle - up * scale - window.top * depth) - depth
    near = max(0.99 * depth.min(initial=np.inf), NEAR)
    far = 1.01 * max(depth.max(initial=0.0), near)
    z = ((far + near) * depth - 2 * far * near) / (far - near)
    return np.stack([x, y, z, depth], axis=1).astype(np.float32)


def drawn(picture: Floats) -> tuple[NDArray[np.bool_], Ints, Floats]:
    """What a drawn ``picture`` (h, w, 4) says: (hit (h, w) bool; of the n hits, row by row, face (n,) int32;
    barycentric weights (n, 3) float32 of its corners, which sum to 1)."""
    hit = picture[..., 3] > 0
    first, second, _, number = picture[hit].T
    bary = np.clip(np.stack([first, second, 1 - first - second], axis=1), 0, 1)
    bary /= bary.sum(axis=1, keepdims=True)  # a centre that is outside, for the rounding, goes to the border
    return hit, (np.rint(number) - 1).astype(np.int32), bary.astype(np.float32)


class CudaRaster(EmbreeRaster):
    """As EmbreeRaster, but ``draw`` says what the pixels of a view show."""

    name = "nvdiffrast"

    def __init__(self, vertices: Floats, faces: Ints, draw: Draw, beside: Floats | None = None) -> None:
        super().__init__(vertices, faces, beside)
        self._draw = draw
        self._drawn = self.corners if beside is None else np.concatenate([self.corners, beside])

    def _nearest(
        self, camera: Camera, resolution: int, directions: Floats
    ) -> tuple[Ints, Ints, Floats, Floats]:
        shape = (resolution, resolution)
        face, bary = np.full(shape, -1, np.int32), np.zeros((*shape, 3), np.float32)
        depth = np.full(shape, np.inf, np.float32)
        for window in windows(resolution):
            part = np.s_[window.top : window.top + window.size, window.left : window.left + window.size]
            for start in range(0, len(self._drawn), MAX_FACES):
                self._draw_part(camera, window, start, (face[part], bary[part], depth[part]), resolution)
        pixel = np.flatnonzero((face >= 0) & (face < len(self.corners))).astype(np.int32)
        return pixel, face.reshape(-1)[pixel], bary.reshape(-1, 3)[pixel], depth.reshape(-1)[pixel]

    def _draw_part(
        self,
        camera: Camera,
        window: Window,
        start: int,
        found: tuple[Ints, Floats, Floats],
        resolution: int,
    ) -> None:
        """Draw MAX_FACES faces from ``start`` on; where they are nearer, note them in ``found``: face, bary
        and depth of each pixel of the window."""
        corners = self._drawn[start : start + MAX_FACES]
        faces = np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3)
        positions = clip_positions(corners.reshape(-1, 3), camera, resolution, window)
        picture = self._draw(positions, faces, window.side)[window.middle, window.middle]
        height, width = found[0].shape  # the last windows of a very large view hang over its border
        hit, face, bary = drawn(picture[:height, :width].cpu().numpy())
        depth = np.asarray((interpolate(corners, face, bary) - camera.position) @ camera.axes[2])
        nearer = depth < found[2][hit]
        hit[hit] = nearer
        for kept, new in zip(found, (face + start, bary, depth), strict=True):
            kept[hit] = new[nearer]
