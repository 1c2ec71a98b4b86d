"""A panorama as a canvas: all directions from one place, with what stands there or without."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..denoise.denoiser import Denoiser
from ..host import Clock, Host
from ..inputs import require_room
from ..options.channels import main_channel
from ..options.choices import OF_PLACES
from ..outputs import REPORT
from ..pictures import depth_file
from ..protocol import ImageRequest
from ..settings import Settings
from ..views import sphere
from ..views.depth_surface import DepthSurface
from .image import ImageCanvas
from .image_files import image_file
from .mesh_views import take_views
from .sphere import Sphere

Floats = NDArray[np.float32]

BYTES_A_PIXEL = 400  # of a view, while f and g are built: measured
WIDTH = 4  # views: with 512 pixels each the published 2048; as fine as a view in its middle
ROWS = 2  # of vertices, for each pixel of a view's side: about as fine as its pixels


def prepare(request: ImageRequest, host: Host, clock: Clock) -> PreparedPanorama:
    """The panorama of ``request``; see canvas.Prepare. Raises UserError for a depth picture that is none."""
    with clock.part("load"):
        depth = depth_file.read(request.depth) if request.depth else None
    return PreparedPanorama(request, host, depth)


@dataclass(frozen=True)
class PreparedPanorama:
    """A panorama that is to be painted. depth: (H, 2 H) as depth_file.read has it; None where it isn't known
    what stands around."""

    request: ImageRequest
    host: Host
    depth: Floats | None
    warnings: Sequence[str] = ()

    @property
    def files(self) -> Sequence[str]:
        return [image_file(main_channel()), REPORT]

    def canvas(self, settings: Settings, denoiser: Denoiser) -> PanoramaCanvas:
        """By views of the model's size in all directions."""
        size, layout = _size(self.request, settings.view_size), Sphere(sphere.rig(), settings.view_size)
        pixels = layout.count * layout.side**2
        require_room(pixels * BYTES_A_PIXEL, f"a panorama by {layout.count} views of {layout.side} pixels")
        shown = self.shown(layout, denoiser.kinds, settings.layout)
        return PanoramaCanvas(
            self.request, settings, size, layout, denoiser.channels, shown=shown, depth=self.depth
        )

    def shown(self, layout: Sphere, kinds: Sequence[str], seed: int = 0) -> list[Mapping[str, Floats]]:
        """What each view is shown of what stands around. Where that isn't known, models that read positions
        are shown a sphere, others nothing: every place on it is as far away. seed: of where it lies."""
        depth, host = self.depth, self.host
        if depth is None:
            kinds = [kind for kind in kinds if kind in OF_PLACES]  # others say nothing there
            depth = np.ones((ROWS * layout.side, 2 * ROWS * layout.side), np.float32)
        if not kinds:
            return [{}] * layout.count
        around = DepthSurface.build(depth, ROWS * layout.side)
        cameras = around.cameras(layout.cameras)
        views = take_views(around.surface, cameras, layout.side, kinds, host, layout=seed)
        return [view.controls for view in views]


def _size(request: ImageRequest, side: int) -> tuple[int, int]:
    """Height and width; ``side``: of a view."""
    width = request.width or 2 * (request.height or WIDTH * side // 2)
    return width // 2, width


def _said(depth: Floats) -> dict[str, Any]:
    """What the report says of ``depth``."""
    there = np.isfinite(depth)
    return {
        "nearest": float(depth[there].min()),
        "farthest": float(depth[there].max()),
        "share": float(there.mean()),
    }


@dataclass(frozen=True)
class PanoramaCanvas(ImageCanvas[Sphere]):
    """shown: what ControlNets are shown of each view. depth: as of PreparedPanorama."""

    shown: Sequence[Mapping[str, Floats]] = field(kw_only=True)
    depth: Floats | None = field(kw_only=True)

    def controls(self) -> Sequence[Mapping[str, Floats]]:
        return self.shown

    def report(self, warnings: list[str]) -> dict[str, Any]:
        found = super().report(warnings)
        depth = None if self.depth is None else _said(self.depth)
        return {**found, "image": {**found["image"], "depth": depth}}
