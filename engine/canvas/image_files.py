"""The files of a picture without a mesh: those of the result, and those that show it while it is painted."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .. import protocol
from ..export import render, save
from ..options.channels import Channel, main_channel
from ..outputs import REPORT
from ..pictures import png
from ..pictures.channels import ByChannel, as_colours, by_channel
from ..protocol import ImageRequest, Result

Floats = NDArray[np.float32]

PREVIEW = "preview."  # of the files' names
LARGEST_PREVIEW = 512  # pixels of its longer side


def image_file(channel: Channel) -> str:
    """image.png; of other channels roughness.png and the like."""
    return f"{channel.stem or 'image'}.png"


def listed(channels: Sequence[Channel], folder: Path, prefix: str = "") -> protocol.Texture:
    """The picture's files in ``folder``, as messages list them."""
    first, *others = ((one.name, str(folder / (prefix + image_file(one)))) for one in channels)
    return protocol.Texture(first[1], mesh=None, others=dict(others))


@dataclass(frozen=True)
class PaintedImage:
    """images: the picture (H, W, k) of each channel. measures: how good the main one is, as report.json has
    it. relief: as of a Result, for images of heights."""

    request: ImageRequest
    images: ByChannel
    measures: Callable[[Floats], dict[str, Any]] = lambda picture: {}
    relief: float = 0.0

    @property
    def warnings(self) -> Sequence[str]:
        return ()

    def measure(self) -> dict[str, Any]:
        return self.measures(self.images[main_channel()])

    def write(self, stage: Path) -> Result:
        for channel, picture in self.images.items():
            path = stage / image_file(channel)
            if channel.deep:
                png.write(as_colours(picture), path, bits=16)
            else:
                save.png(render.to_image(as_colours(picture)), path)
        out = Path(self.request.out)
        image = listed(list(self.images), out)
        return Result(image.path, "", "", "", str(out / REPORT), textures=[image], relief=self.relief)


class Joins(Protocol):
    """How views lie on a picture."""

    def joined(self, pictures: Floats, height: int, width: int) -> Floats:
        """(height, width, K) float32: the picture that views (N, h, h, K) make together."""


@dataclass(frozen=True)
class ImagePreview:
    """Small pictures of a picture of ``size``, height and width, in the request's folder."""

    request: ImageRequest
    windows: Joins
    size: tuple[int, int]
    channels: Sequence[Channel]

    @property
    def files(self) -> Sequence[str]:
        return [PREVIEW + image_file(channel) for channel in self.channels]

    def show(self, pictures: Floats) -> protocol.Preview:
        """Write what the views ``pictures`` (N, h, h, K) make; raises OSError."""
        folder, shrink = Path(self.request.out), min(1.0, LARGEST_PREVIEW / max(self.size))
        height, width = (max(1, round(length * shrink)) for length in self.size)
        image = self.windows.joined(pictures, height, width)
        for channel, picture in by_channel(image, self.channels).items():
            png.write(as_colours(picture), folder / (PREVIEW + image_file(channel)), level=png.QUICK)
        return protocol.Preview([listed(self.channels, folder, PREVIEW)], [])

    def remove(self) -> None:
        for name in self.files:
            with contextlib.suppress(OSError):
                os.unlink(Path(self.request.out) / name)
