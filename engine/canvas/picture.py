"""A picture of one's own as a canvas: painted anew as a whole, or where a mask says, seen through windows.

Only what the mask covers is looked at, with what lies around it; that is known and stays, to the bit. Windows
see it in the model's own size, so a small one is magnified.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..bake.membrane import in_grid, membrane
from ..denoise.denoiser import Denoiser
from ..errors import UserError
from ..export import room, save
from ..host import Clock, Host
from ..measure.borders import border_error
from ..options.channels import main_channel
from ..options.values import cut
from ..outputs import REPORT
from ..pictures.channels import BACKGROUND, by_channel
from ..pictures.mask import BLACK, fitted, read_mask, stretched
from ..pictures.original import Original
from ..pictures.read import straight
from ..pictures.resize import resized
from ..protocol import ImageRequest, Result, Texture
from ..settings import Settings
from .canvas import Start
from .image import ImageCanvas, strip
from .image_files import image_file
from .windows import Windows

Floats = NDArray[np.float32]

CONTEXT = 1 / 4  # of a view's side, around what is painted
REACH = 1 / 16  # of a view's side, how far into the area its colours are bent to those around


def prepare(request: ImageRequest, host: Host, clock: Clock) -> PreparedPicture:
    """The picture of ``request``; see canvas.Prepare."""
    with clock.part("load"):
        return PreparedPicture.read(request)


@dataclass(frozen=True)
class Crop:
    """A part of a picture: ``height`` x ``width`` pixels from ``top``, ``left`` on."""

    top: int
    left: int
    height: int
    width: int

    def of(self, picture: NDArray[Any]) -> NDArray[Any]:
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]

    @classmethod
    def around(cls, area: Floats, side: int, grid: int) -> Self:
        """All of ``area`` (H, W) that isn't 0, with CONTEXT: at least ``side``^2 pixels where there are so
        many, and multiples of ``grid``."""
        rows, columns = (np.flatnonzero(area.any(axis=axis)) for axis in (1, 0))
        top, height = _span(int(rows[0]), int(rows[-1]) + 1, area.shape[0], side, grid)
        left, width = _span(int(columns[0]), int(columns[-1]) + 1, area.shape[1], side, grid)
        return cls(top, left, height, width)


def _span(first: int, end: int, length: int, side: int, grid: int) -> tuple[int, int]:
    """(start, length) of a crop's side, of a picture with ``length`` pixels there, that holds ``first`` to
    ``end``."""
    wanted = max(side, end - first + 2 * round(side * CONTEXT))
    wanted = min(length, -(-wanted // grid) * grid)
    start = min(max(0, (first + end - wanted) // 2), length - wanted)
    return start, wanted


@dataclass(frozen=True)
class PreparedPicture:
    """The picture that ``request`` names, and the ``area`` (H, W) of it that is painted, in [0, 1]."""

    request: ImageRequest
    original: Original
    area: Floats
    warnings: Sequence[str] = ()

    @classmethod
    def read(cls, request: ImageRequest) -> Self:
        """Raises UserError."""
        assert request.init_image is not None, "checked"
        original = Original.read(Path(request.init_image))
        if request.mask is None:
            return cls(request, original, np.ones(original.size, np.float32))
        mask = read_mask(Path(request.mask))
        if mask.max() < BLACK:
            what = f"the mask {cut(Path(request.mask).name)!r} is black or transparent everywhere"
            raise UserError(what, "paint white what is to be painted, or leave {mask} out", mask=None)
        return cls(request, original, fitted(mask, *original.size), stretched(mask, *original.size))

    @property
    def files(self) -> Sequence[str]:
        return [*image_files(self.original), REPORT]

    def canvas(self, settings: Settings, denoiser: Denoiser) -> PictureCanvas:
        """Through windows of the model's size."""
        side, grid = settings.view_size, denoiser.downscale
        crop = Crop.around(self.area, side, grid)
        factor = max(1.0, side / min(crop.height, crop.width))
        size = round(crop.height * factor), round(crop.width * factor)
        windows = strip(*size, settings, grid)
        return PictureCanvas(
            self.request, settings, size, windows, denoiser.channels, prepared=self, crop=crop
        )


def image_files(original: Original) -> list[str]:
    """image.png, and where it has floats image.exr as well."""
    name = image_file(main_channel())
    return [name] if original.depth in ("8", "16") else [name, str(Path(name).with_suffix(".exr"))]


@dataclass(frozen=True)
class PictureCanvas(ImageCanvas[Windows]):
    """What lies in the ``crop`` of a ``prepared`` picture, magnified to ``size``."""

    prepared: PreparedPicture = field(kw_only=True)
    crop: Crop = field(kw_only=True)

    @property
    def files(self) -> Sequence[str]:
        return self.prepared.files

    @property
    def room(self) -> int:
        height, width = self.prepared.original.size
        return room.of_image(width, height, depth=self.prepared.original.depth)

    @cached_property
    def _area(self) -> Floats:
        """(h, w) of the crop."""
        return self.crop.of(self.prepared.area)

    @cached_property
    def _present(self) -> Floats:
        """(h, w, 3) float32 in [0, 1]: what the crop shows; grey where it is clear."""
        shown = straight(self.crop.of(self.prepared.original.pixels))
        return shown[..., :3] * shown[..., 3:] + BACKGROUND * (1 - shown[..., 3:])

    def start(self) -> Start:
        windows = self.layout
        pictures = resized(self._present, windows.height, windows.width)
        cut = np.stack([one.transpose(2, 0, 1) for one in self._cut(pictures)])
        if self._area.min() == 1:
            return Start(cut)
        return Start(cut, np.stack(self._cut(1 - fitted(self._area, windows.height, windows.width))))

    def _cut(self, picture: Floats) -> list[Floats]:
        """What each window shows of ``picture`` (H, W, ...)."""
        side = self.layout.side
        return [picture[top : top + side, left : left + side] for top, left in self.layout.places]

    def finish(self, pictures: Floats) -> PaintedPicture:
        """Painted where the area says, in colours that meet those around it."""
        whole = self.layout.joined(pictures, self.crop.height, self.crop.width)
        painted = by_channel(whole, self.channels)[main_channel()]
        inside = self._area > 0
        if not inside.all():
            reach = self.layout.side * REACH * self.crop.height / self.size[0]
            present, new = (one.reshape(-1, one.shape[-1]) for one in (self._present, painted))
            painted = painted.copy()
            painted[inside] += membrane(in_grid(*inside.shape), inside.reshape(-1), present, new, reach)
        original = self.prepared.original
        colours = np.zeros((*original.size, 3), np.float32)
        self.crop.of(colours)[:] = painted.clip(0, 1)
        return PaintedPicture(self.request, original.painted(colours, self.prepared.area), inside, self.crop)

    def report(self, warnings: list[str]) -> dict[str, Any]:
        height, width = self.prepared.original.size
        found = super().report(warnings)
        return {
            **found,
            "image": {**found["image"], "width": width, "height": height},
            "crop": vars(self.crop),
        }


@dataclass(frozen=True)
class PaintedPicture:
    """picture: the whole. inside: (h, w) bool, what of its ``crop`` was painted."""

    request: ImageRequest
    picture: Original
    inside: NDArray[np.bool_]
    crop: Crop
    warnings: Sequence[str] = ()

    def measure(self) -> dict[str, Any]:
        shown = straight(self.crop.of(self.picture.pixels))[..., :3].reshape(-1, 3)
        pairs = in_grid(*self.inside.shape)
        return {"border_error": border_error(shown, pairs, self.inside.reshape(-1))}

    def write(self, stage: Path) -> Result:
        eight, *deep = image_files(self.picture)
        if deep:
            save.png(self.picture.image(), stage / eight)
        result = [*deep, eight][0]
        self.picture.write(stage / result)
        out = Path(self.request.out)
        path = str(out / result)
        return Result(path, "", "", "", str(out / REPORT), textures=[Texture(path, mesh=None)])
