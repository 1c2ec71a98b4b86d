"""A picture that shows something else when it is turned or rearranged, as a canvas: each of its views has a
prompt of its own, and all of them show one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..controls import position
from ..denoise.denoiser import Denoiser
from ..export import render, room, save
from ..host import Clock, Host
from ..inputs import require_room
from ..measure.agreement import agreement
from ..options.channels import Channel, main_channel
from ..outputs import REPORT
from ..pictures.channels import ByChannel, as_colours, by_channel
from ..protocol import ImageRequest, Result
from ..settings import Settings
from ..sync.layers import LayeredSpace
from ..sync.spaces import Averaging, LinearSpace, Space
from .canvas import CanvasView, Prompt
from .image_files import ImagePreview, PaintedImage, image_file
from .looks import PATCHES, Looks
from .windows import resized

Floats = NDArray[np.float32]

BYTES_A_PIXEL = 100  # of a view, in f and g


def view_file(number: int) -> str:
    """What the view of that ``number``, the first is 0, shows."""
    return f"view_{number + 1}.png"


def prepare(request: ImageRequest, host: Host, clock: Clock) -> PreparedAmbiguous:
    """The picture of ``request``; see canvas.Prepare."""
    return PreparedAmbiguous(request)


@dataclass(frozen=True)
class PreparedAmbiguous:
    """A picture that is to be painted."""

    request: ImageRequest
    warnings: Sequence[str] = ()

    @property
    def files(self) -> Sequence[str]:
        return [image_file(main_channel()), *map(view_file, range(len(self.request.prompts))), REPORT]

    def canvas(self, settings: Settings, denoiser: Denoiser) -> AmbiguousCanvas:
        """On a square of the model's size, or of the one that was asked for, if pieces can have it."""
        asked = self.request.width or self.request.height or settings.view_size
        grid = denoiser.downscale * PATCHES
        looks = Looks(-(-asked // grid) * grid, self.request.looks)
        pixels = len(looks.names) * looks.side**2
        require_room(pixels * BYTES_A_PIXEL, f"a picture of {asked} x {asked} pixels")
        return AmbiguousCanvas(self.request, settings, asked, looks, denoiser.channels)


@dataclass(frozen=True)
class AmbiguousCanvas:
    """A picture ``size`` wide and high, which ``looks`` look at. channels: what the model paints."""

    request: ImageRequest
    settings: Settings
    size: int
    looks: Looks
    channels: tuple[Channel, ...]
    warnings: list[str] = field(default_factory=list)
    lighter: Sequence[str] = ("width",)

    @property
    def files(self) -> Sequence[str]:
        views = map(view_file, range(len(self.looks.names)))
        return [*map(image_file, self.channels), *views, REPORT]

    @property
    def room(self) -> int:
        return (1 + len(self.looks.names)) * room.of_image(self.size, self.size, len(self.channels))

    @property
    def order(self) -> Sequence[int]:
        return range(len(self.looks.names))

    @cached_property
    def views(self) -> Sequence[CanvasView]:
        """A model that reads positions is shown the same upright square in each, one that reads depth
        nothing. None has neighbours: it shows something else."""
        side, prefix, negative = self.looks.side, self.settings.prefix, self.settings.negative
        controls = {"position": position.plane(side)} if self.settings.control == "position" else {}
        everywhere = np.ones((side, side), bool)
        asked = (Prompt(prefix + prompt.strip(), negative) for prompt in self.request.prompts)
        return [CanvasView(side, side, (prompt,), controls, everywhere) for prompt in asked]

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> Space:
        maps = self.looks.at(self.looks.side // scale).maps(averaging)
        one = LinearSpace.build(maps, device, self.order if averaging.earlier else ())
        return one if self.request.layers == 1 else LayeredSpace(one, self.request.layers)

    def start(self) -> None:
        return None

    def finish(self, pictures: Floats) -> PaintedAmbiguous:
        side = self.looks.side
        picture = self.looks.joined(pictures, side, side)
        found = agreement(self.looks.shown(picture), pictures)
        whole = resized(picture, self.size, self.size, wraps=False)
        image = PaintedImage(self.request, by_channel(whole, self.channels))
        seen = [resized(one, self.size, self.size, wraps=False) for one in self.looks.shown(picture)]
        return PaintedAmbiguous(image, by_channel(np.stack(seen), self.channels), found)

    def preview(self) -> ImagePreview:
        return ImagePreview(self.request, self.looks, (self.size, self.size), self.channels)

    def report(self, warnings: list[str]) -> dict[str, Any]:
        pairs = zip(self.looks.names, self.request.prompts, strict=True)
        views = [{"view": name, "prompt": prompt} for name, prompt in pairs]
        found = {"width": self.size, "height": self.size, "warnings": warnings}
        return {"image": found, "view_size": self.looks.side, "views": views}


@dataclass(frozen=True)
class PaintedAmbiguous:
    """image: the picture. seen: what its views show of each channel, (N, H, W, k). agreement: of each, how
    like that is to what the model had painted there."""

    image: PaintedImage
    seen: ByChannel
    agreement: Sequence[float]
    warnings: Sequence[str] = ()

    def measure(self) -> dict[str, Any]:
        return {"agreement": list(self.agreement)}

    def write(self, stage: Path) -> Result:
        for number, picture in enumerate(self.seen[main_channel()]):
            save.png(render.to_image(as_colours(picture)), stage / view_file(number))
        return self.image.write(stage)
