"""Areas of a mesh (options/areas.py) on its surface: how much of a texel, or of a view's pixel, is in one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bake.existing_texture import page_paths
from ..bake.texels import SurfaceTexels
from ..errors import UserError
from ..mesh.sets import Layout
from ..options.areas import Area, refused
from ..options.values import cut
from ..pictures.mask import BLACK, read_mask
from ..pictures.pages import texel_centres
from ..pictures.sampling import sample_pages
from ..views.raster import interpolate
from ..views.scanlines import TexelPlanes
from ..views.surface import Surface, View

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MeshArea:
    """An area of a laid out mesh. corners: (F, 3) float32 in [0, 1], how much of each face's corner is in it,
    linear between; or instead pages: a mask for each of the textures, (H, W, 1) float32 of any sizes."""

    corners: Floats | None = None
    pages: tuple[Floats, ...] = ()

    @classmethod
    def read(cls, area: Area, layout: Layout, option: str) -> MeshArea:
        """The ``area`` that a value of ``option`` names. Raises UserError where there is none, where it is
        empty, and for a mask on UVs that are new."""
        if area.kind != "mask":
            return cls(corners=_some(layout.mesh.areas.of(area, option), area, option))
        return cls(pages=_masks(area, layout, option))

    def seen(self, surface: Surface, view: View) -> Floats:
        """(R, R) float32 in [0, 1]: how much of what each pixel of ``view`` shows of ``surface`` is in it; 0
        behind."""
        shown = view.fragments
        if self.corners is None:
            return view.picture(sample_pages(self.pages, surface.uvs_of(shown))[:, 0])
        return view.picture(interpolate(self.corners[..., None], shown.face, shown.bary)[:, 0])

    def of_texels(self, surface: Surface, texels: SurfaceTexels) -> Floats:
        """(n,) float32 in [0, 1]: how much of each of the ``texels`` of ``surface`` is in it."""
        if self.corners is None:
            centres = texel_centres(texels.index, texels.size, texels.pages)
            return sample_pages(self.pages, centres)[:, 0]
        corners = np.repeat(self.corners[..., None], 3, axis=2)
        planes = TexelPlanes.build(corners, surface.uvs, texels.size)  # as if weights were places
        found = planes.places(texels.face, texels.index, texels.size)[0]
        low, high = self.corners.min(axis=1)[texels.face], self.corners.max(axis=1)[texels.face]
        inside = np.clip(found, low, high)  # a texel's centre may lie beyond its face's edge
        return np.asarray(inside, np.float32)


def _some(corners: Floats, area: Area, option: str) -> Floats:
    """``corners``; UserError where nothing is in the area."""
    if corners.max(initial=0) < BLACK:
        raise refused(option, f"nothing is in {cut(str(area))!r}", "choose an area that has faces")
    return corners


def _masks(area: Area, layout: Layout, option: str) -> tuple[Floats, ...]:
    """The masks of all pages; of those for which a pattern names no file, nothing is in the area."""
    names = page_paths(area.name, layout.pages, "textures")
    there = [os.path.exists(name) for name in names]
    masked = there if any(there) else [True] * len(there)  # which reading refuses
    if np.array(masked)[layout.page[layout.unwrapped]].any():
        what = f"{cut(str(area))!r} was made for UVs that the mesh hasn't, since it gets new ones"
        fix = "use {unwrap} to keep its own, or name a material or an object"
        raise UserError(f"{{{option}}}: {what}", fix, **{option: None, "unwrap": "never"})
    empty = np.zeros((1, 1, 1), np.float32)
    pairs = zip(names, masked, strict=True)
    found = [read_mask(Path(name))[..., None] if known else empty for name, known in pairs]
    if max(float(page.max()) for page in found) < BLACK:
        what = f"the mask {cut(Path(area.name).name)!r} is black or transparent everywhere"
        raise refused(option, what, "paint white where the area is")
    return tuple(found)
