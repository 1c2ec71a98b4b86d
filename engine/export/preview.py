"""The texture while it is made: small pictures of it in the output folder, every few steps.

What is shown is the clean estimate of the moment, which gets its colours by denoise/linear_decoder.py and its
place by bake/quick_bake.py. The files are gone when the job ends, whichever way. A preview
changes nothing of the result, costs a few hundredths of the run, and where the disk refuses it there is none.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path

from torch import Tensor

from .. import protocol
from ..bake.quick_bake import QuickBake
from ..canvas.scene import Scene
from ..denoise.denoiser import Denoiser
from ..host import Clock, Host
from ..mesh.sets import Layout, Page
from ..options.channels import Channel
from ..pictures import png
from ..pictures.channels import ByChannel, as_colours, by_channel
from ..pictures.pages import each
from ..sync.sampler import Step
from . import save
from .files import page_file, textures

PREFIX = "preview."  # of the files' names
LEAST, MOST = 256, 512  # texels across one texture; several share MOST^2
ROUNDS = 12  # previews of a whole run, at most
SHARE = 0.015  # of the time so far that previews after the first may take


class Preview:
    """Shows a job's steps. Made before the scene is: ``layout`` alone says what files there will be."""

    def __init__(self, request: protocol.Request, layout: Layout, host: Host) -> None:
        self._request, self._layout, self._host = request, layout, host
        self._out = Path(request.out)
        self._bake: QuickBake | None = None
        self._uvs: list[str | None] = []
        self._channels: tuple[Channel, ...] = ()  # those of which there are files
        self._start, self._spent = time.perf_counter(), 0.0

    def show(self, step: Step, scene: Scene, denoiser: Denoiser, clock: Clock) -> None:
        """Show the estimate of ``step``, where its turn has come."""
        now = time.perf_counter()
        if not self._is_due(step, now):
            return
        first = self._bake is None
        with clock.part("preview"), contextlib.suppress(OSError):  # a full disk: the result will say so
            self._host.preview(self._written(self._painted(step.x0, scene, denoiser)))
        if not first:
            self._spent += time.perf_counter() - now

    def _is_due(self, step: Step, now: float) -> bool:
        if self._bake is None:
            return True
        if step.i % math.ceil(step.n / ROUNDS):
            return False
        return self._spent <= SHARE * (now - self._start)

    def _painted(self, x0: Tensor, scene: Scene, denoiser: Denoiser) -> ByChannel:
        """The texture, or its pages, of the estimates ``x0`` (N, C, h, w)."""
        pictures = denoiser.decode_linear(x0).permute(0, 2, 3, 1).contiguous().numpy()
        if self._bake is None:
            size = side(len(self._layout.pages), self._request.texture_size, pictures.shape[1])
            seen = scene.surface, scene.cameras, pictures.shape[1]
            self._bake = QuickBake.build(*seen, size, self._host.check)
        channels = by_channel(pictures, denoiser.channels)
        return {one: self._bake.paint(own, one.neutral) for one, own in channels.items()}

    def _written(self, images: ByChannel) -> protocol.Preview:
        if not self._uvs:
            self._uvs = self._write_uvs()
        self._channels = tuple(images)
        for channel, image in images.items():
            for page, picture in zip(self._layout.pages, each(image), strict=True):
                png.write(as_colours(picture), self._out / _file(page, channel), level=png.QUICK)
        return protocol.Preview(textures(self._layout.pages, images, self._out, _file), self._uvs)

    def _write_uvs(self) -> list[str | None]:
        """New UVs where they are wanted, as files, None for meshes that kept theirs."""
        paths: list[str | None] = []
        for i in range(len(self._request.meshes)):
            uvs = self._layout.new_uvs(i) if self._request.write_uvs else None
            path = None if uvs is None else str(self._out / f"{PREFIX}uvs.{i}.npy")
            if uvs is not None and path is not None:
                save.array(uvs, Path(path))
            paths.append(path)
        return paths

    def remove(self) -> None:
        """The files are of no use any more."""
        names = [_file(page, channel) for page in self._layout.pages for channel in self._channels]
        names += [f"{PREFIX}uvs.{i}.npy" for i in range(len(self._request.meshes))]
        for name in names:
            with contextlib.suppress(OSError):
                os.unlink(self._out / name)


def _file(page: Page, channel: Channel) -> str:
    return PREFIX + page_file(page, channel)


def side(count: int, texture_size: int, resolution: int) -> int:
    """Texels across each of ``count`` previews of textures of ``texture_size``^2, painted from pictures of
    ``resolution``^2."""
    one = min(MOST, max(LEAST, resolution), texture_size)
    return max(1, min(one, int(MOST / math.sqrt(count))))


@contextlib.contextmanager
def previews(request: protocol.Request, layout: Layout, host: Host) -> Iterator[Preview | None]:
    """A preview where the request wants it, whose files are gone at the end of the block."""
    if not request.preview:
        yield None
        return
    preview = Preview(request, layout, host)
    try:
        yield preview
    finally:
        preview.remove()
