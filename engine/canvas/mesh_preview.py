"""The texture while it is made: small pictures of it in the output folder, painted by bake/quick_bake.py."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import protocol
from ..bake.quick_bake import QuickBake
from ..export import save
from ..export.files import page_file, textures
from ..mesh.sets import Page
from ..options.channels import Channel
from ..pictures import png
from ..pictures.channels import as_colours, by_channel, neutral
from ..pictures.pages import each
from ..views.cameras import Camera
from ..views.surface import Surface
from .mesh_job import MeshJob

Floats = NDArray[np.float32]

PREFIX = "preview."  # of the files' names
SMALLEST, LARGEST = 256, 512  # texels across one texture; several share LARGEST^2


class MeshPreview:
    """The previews of one job's ``channels``, from what ``cameras`` see of a ``surface``."""

    def __init__(
        self, job: MeshJob, surface: Surface, cameras: Sequence[Camera], channels: Sequence[Channel]
    ) -> None:
        self._job, self._surface, self._cameras, self._channels = job, surface, cameras, channels
        self._out = Path(job.request.out)
        self._bake: QuickBake | None = None
        self._uvs: list[str | None] = []

    @property
    def files(self) -> Sequence[str]:
        pages, meshes = self._job.layout.pages, range(len(self._job.request.meshes))
        names = [_file(page, channel) for page in pages for channel in self._channels]
        return [*names, *map(_uv_file, meshes)]

    def show(self, pictures: Floats) -> protocol.Preview:
        """Write the textures that views make, ``pictures`` (N, h, h, K) float32 in [0, 1]; raises OSError."""
        if self._bake is None:
            self._bake = self._prepared(pictures.shape[1])
        if not self._uvs:
            self._uvs = self._write_uvs()
        pages = self._job.layout.pages
        for channel, own in by_channel(pictures, self._channels).items():
            image = self._bake.paint(own, neutral([channel]))
            for page, picture in zip(pages, each(image), strict=True):
                png.write(as_colours(picture), self._out / _file(page, channel), level=png.QUICK)
        return protocol.Preview(textures(pages, self._channels, self._out, _file), self._uvs)

    def _prepared(self, resolution: int) -> QuickBake:
        size = side(len(self._job.layout.pages), self._job.request.texture_size, resolution)
        return QuickBake.build(self._surface, self._cameras, resolution, size, self._job.host.check)

    def _write_uvs(self) -> list[str | None]:
        """New UVs where they are wanted, as files, None for meshes that kept theirs."""
        paths: list[str | None] = []
        for i, uvs in enumerate(self._job.new_uvs()):
            path = None if uvs is None else str(self._out / _uv_file(i))
            if uvs is not None and path is not None:
                save.array(uvs, Path(path))
            paths.append(path)
        return paths

    def remove(self) -> None:
        """The files are of no use any more."""
        for name in self.files:
            with contextlib.suppress(OSError):
                os.unlink(self._out / name)


def _file(page: Page, channel: Channel) -> str:
    return PREFIX + page_file(page, channel)


def _uv_file(mesh: int) -> str:
    return f"{PREFIX}uvs.{mesh}.npy"


def side(count: int, texture_size: int, resolution: int) -> int:
    """Texels across each of ``count`` previews of textures of ``texture_size``^2, painted from pictures of
    ``resolution``^2."""
    one = min(LARGEST, max(SMALLEST, resolution), texture_size)
    return max(1, min(one, int(LARGEST / math.sqrt(count))))
