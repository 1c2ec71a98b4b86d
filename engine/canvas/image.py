"""Pictures without a mesh as canvases: a tile and a wide picture, seen through windows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ..bake.flat_relief import flat_normal_map
from ..controls import position
from ..denoise.denoiser import Denoiser
from ..errors import UserError
from ..export import room
from ..host import Clock, Host
from ..inputs import require_room
from ..options.channels import CHANNELS, RELIEF, Channel, main_channel, painted, ungiven, wanted
from ..options.choices import OF_PLACES
from ..outputs import REPORT
from ..pictures.channels import ByChannel, by_channel
from ..protocol import ImageRequest
from ..settings import Settings
from ..sync.spaces import Averaging, LinearSpace, Space
from .canvas import CanvasView, Painted, Prompt, Start
from .image_files import ImagePreview, PaintedImage, image_file
from .layout import Layout
from .windows import Windows

Floats = NDArray[np.float32]

BYTES_A_PIXEL = 160  # of a view, in f and g, and of what is told of its places
STRIDE = 1 / 2  # of a view's side, between windows: each place lies well inside one of them
# Published: 8 of 64 latents. A model that reads positions is shown the same square in every window, and then
# takes so small a stride for the period of its pattern: bricks come out as narrow as it.
WIDE_STRIDE = 1 / 8


def prepare(request: ImageRequest, host: Host, clock: Clock) -> PreparedImage:
    """The picture of ``request``; see canvas.Prepare."""
    return PreparedImage(request)


@dataclass(frozen=True)
class PreparedImage:
    """A picture that is to be painted."""

    request: ImageRequest
    warnings: Sequence[str] = ()

    @property
    def files(self) -> Sequence[str]:
        return [image_file(main_channel()), REPORT]

    def canvas(self, settings: Settings, denoiser: Denoiser) -> SurfaceCanvas:
        """Through windows of the model's size. Raises UserError for a size that can't be painted."""
        request, shown = self.request, denoiser.channels
        height, width, windows = _KINDS[request.kind](request, settings, denoiser.downscale)
        made, missing = wanted(request.channels, (*shown, *denoiser.estimated))
        notes = ungiven(missing)
        return SurfaceCanvas(request, settings, (height, width), windows, made, notes, shown=shown)


# Height and width as they were asked for, and windows on about as many pixels.
Laid = tuple[int, int, Windows]


def _tile(request: ImageRequest, settings: Settings, grid: int) -> Laid:
    side = settings.view_size
    height, width = request.height or 2 * side, request.width or 2 * side
    stride = _multiple(side * STRIDE, grid)
    return height, width, _held(Windows.torus(height, width, side, stride, grid))


def _wide(request: ImageRequest, settings: Settings, grid: int) -> Laid:
    side = settings.view_size
    height, width = request.height or side, request.width or 6 * side
    if min(height, width) < side:
        what = f"a wide picture of {width} x {height} pixels is smaller than a view of the model"
        fix = f"give {{width}} and {{height}} at least {side}, or make a tile"
        raise UserError(what, fix, width=None, height=None)
    share = STRIDE if settings.control in OF_PLACES else WIDE_STRIDE
    return height, width, strip(height, width, settings, grid, share)


def strip(height: int, width: int, settings: Settings, grid: int, share: float = STRIDE) -> Windows:
    """Windows of the model's size, that ``share`` of it apart, on a picture that is as large at least. Raises
    UserError for too many."""
    stride = _multiple(settings.view_size * share, grid)
    return _held(Windows.strip(height, width, settings.view_size, stride, grid))


def _held(windows: Windows) -> Windows:
    """``windows``; UserError where there isn't memory for so many."""
    pixels = windows.count * windows.side**2
    require_room(pixels * BYTES_A_PIXEL, f"a picture of {windows.width} x {windows.height} pixels")
    return windows


def _multiple(length: float, grid: int) -> int:
    return max(1, round(length / grid)) * grid


_KINDS: Mapping[str, Callable[[ImageRequest, Settings, int], Laid]] = {"tile": _tile, "wide": _wide}


Laying = TypeVar("Laying", bound=Layout)


@dataclass(frozen=True)
class ImageCanvas(Generic[Laying]):
    """A picture of ``size``, height and width, that views make as ``layout`` says. channels: all that is
    made; the model paints it."""

    request: ImageRequest
    settings: Settings
    size: tuple[int, int]
    layout: Laying
    channels: tuple[Channel, ...]
    warnings: list[str] = field(default_factory=list)
    lighter: Sequence[str] = ("width", "height")

    @property
    def files(self) -> Sequence[str]:
        return [*map(image_file, self.channels), REPORT]

    @property
    def room(self) -> int:
        height, width = self.size
        deep = sum(one.deep for one in self.channels)
        usual = room.of_image(width, height, len(self.channels) - deep)
        return usual + room.of_image(width, height, deep, "16")

    @property
    def order(self) -> Sequence[int]:
        return self.layout.order

    @cached_property
    def views(self) -> Sequence[CanvasView]:
        side, layout = self.layout.side, self.layout
        everywhere = np.ones((side, side), bool)
        return [
            CanvasView(side, side, (prompt,), shown, everywhere, layout.neighbours(i))
            for i, (prompt, shown) in enumerate(zip(self.prompts(), self.controls(), strict=True))
        ]

    def prompts(self) -> Sequence[Prompt]:
        """What each view is to show: all the same."""
        return [Prompt(self.settings.prompt, self.settings.negative)] * self.layout.count

    def controls(self) -> Sequence[Mapping[str, Floats]]:
        """What ControlNets are shown of each view: one that reads positions the same flat square, with the
        noise of where the view lies, one that reads depth nothing."""
        layout, seed, kind = self.layout, self.settings.layout, self.settings.control
        if kind == "place":
            squares = layout.squares if isinstance(layout, Windows) else [((0.0, 0.0), None)] * layout.count
            told = [position.plane_place(layout.side, seed, *one) for one in squares]
            return [{kind: one, "position": one[:3]} for one in told]
        shown = {kind: position.plane(layout.side, seed)} if kind == "position" else {}
        return [shown] * layout.count

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> Space:
        maps = self.layout.at(self.layout.side // scale).maps(averaging)
        return LinearSpace.build(maps, device, self.order if averaging.earlier else ())

    def start(self) -> Start | None:
        return None

    def closer(self, pictures: Floats) -> None:
        return None

    def finish(self, pictures: Floats) -> Painted:
        images = by_channel(self.layout.joined(pictures, *self.size), self.channels)
        return PaintedImage(self.request, images, self.layout.measure)

    def preview(self) -> ImagePreview:
        return ImagePreview(self.request, self.layout, self.size, self.channels)

    def report(self, warnings: list[str]) -> dict[str, Any]:
        height, width = self.size
        found = {"width": width, "height": height, "warnings": warnings}
        return {"image": found, "view_size": self.layout.side, "views": self.layout.report()}


@dataclass(frozen=True)
class SurfaceCanvas(ImageCanvas[Windows]):
    """A tile or a wide picture: a flat surface, of which more may be told than the model paints. shown: what
    it does paint, which previews have."""

    shown: tuple[Channel, ...] = field(kw_only=True)

    def preview(self) -> ImagePreview:
        return ImagePreview(self.request, self.layout, self.size, self.shown)

    def finish(self, pictures: Floats) -> Painted:
        found = by_channel(self.layout.joined(pictures, *self.size), painted(self.channels))
        images = {one: self._made(one, found) for one in self.channels}
        relief = 2 * RELIEF / (self._pixel * self.layout.width) if CHANNELS["height"] in images else 0.0
        return PaintedImage(self.request, images, self.layout.measure, relief)

    @property
    def _pixel(self) -> float:
        """How far pixels of windows lie apart, each window being the square that position.plane shows."""
        return 2 * position.PLANE[0] / self.layout.side

    def _made(self, channel: Channel, found: ByChannel) -> Floats:
        """The picture of a ``channel``, or what is made of another one that is ``found``."""
        if not channel.made_from:
            return found[channel]
        windows, (height, width) = self.layout, self.size
        apart = self._pixel * windows.height / height, self._pixel * windows.width / width
        return flat_normal_map(found[CHANNELS[channel.made_from]], apart, windows.wraps)
