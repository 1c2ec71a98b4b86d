"""A picture that shows something else when it is turned or rearranged, as a canvas: each of its views has a
prompt of its own, and all of them show one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..denoise.denoiser import Denoiser
from ..export import render, save
from ..host import Clock, Host
from ..inputs import require_room
from ..measure.agreement import agreement
from ..options.channels import main_channel
from ..outputs import REPORT
from ..pictures.channels import ByChannel, as_colours, by_channel
from ..protocol import ImageRequest, Result
from ..settings import Settings
from ..sync.layers import LayeredSpace
from ..sync.spaces import Averaging, Space
from .canvas import Prompt
from .image import ImageCanvas
from .image_files import PaintedImage, image_file
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
        require_room(looks.count * looks.side**2 * BYTES_A_PIXEL, f"a picture of {asked} x {asked} pixels")
        return AmbiguousCanvas(self.request, settings, (asked, asked), looks, denoiser.channels)


@dataclass(frozen=True)
class AmbiguousCanvas(ImageCanvas[Looks]):
    """A square picture, which its views look at in several ways, each to see something else."""

    @property
    def files(self) -> Sequence[str]:
        return [*super().files, *map(view_file, range(self.layout.count))]

    @property
    def room(self) -> int:
        return (1 + self.layout.count) * super().room

    def prompts(self) -> Sequence[Prompt]:
        prefix, negative = self.settings.prefix, self.settings.negative
        return [Prompt(prefix + prompt.strip(), negative) for prompt in self.request.prompts]

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> Space:
        """Of the picture, or of as many of which views see the mean."""
        one = super().space(scale, averaging, device)
        return one if self.request.layers == 1 else LayeredSpace(one, self.request.layers)

    def finish(self, pictures: Floats) -> PaintedAmbiguous:
        looks, side = self.layout, self.layout.side
        picture = looks.joined(pictures, side, side)
        shown = looks.shown(picture)
        found = agreement(shown, pictures)
        height, width = self.size
        whole, *seen = (resized(one, height, width, wraps=False) for one in (picture, *shown))
        image = PaintedImage(self.request, by_channel(whole, self.channels))
        return PaintedAmbiguous(image, by_channel(np.stack(seen), self.channels), found)

    def report(self, warnings: list[str]) -> dict[str, Any]:
        found = super().report(warnings)
        pairs = zip(found["views"], self.request.prompts, strict=True)
        return {**found, "views": [{**view, "prompt": prompt} for view, prompt in pairs]}


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
