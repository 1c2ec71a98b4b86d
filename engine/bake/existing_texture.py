"""A texture from before: read, seen from the cameras, and kept where no view paints anew.

Its transparent parts count as not painted: grey in the views, and filled like any other where none sees them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from ..errors import UserError
from ..mesh.frame import UDIM_FIRST
from ..mesh.sets import Page
from ..pictures.channels import BACKGROUND
from ..pictures.pages import texel_centres
from ..pictures.read import read
from ..pictures.resize import resized
from ..pictures.sampling import sample_pages
from ..views.surface import Surface, View
from .bake import Baked
from .texels import SurfaceTexels

Floats = NDArray[np.float32]

OPAQUE = 0.5  # alpha from which on a texel is painted
PADDING = 1 / 128  # of the texture: this near to charts their new colours stand, for mip-mapping
FINE = 1024  # samples across a small view
MOST_SAMPLES = 4  # across a pixel of a view


@dataclass(frozen=True)
class ExistingTexture:
    """pages: (H, W, 4) float32 in [0, 1] each, of any size: sRGB colours times alpha, and alpha. Row 0 is the
    top, v = 1."""

    pages: tuple[Floats, ...]

    @classmethod
    def read(cls, path: str | Path) -> ExistingTexture:
        """The picture in ``path``, of any size, with or without colour or alpha, 8 or 16 bits a channel, or
        OpenEXR in linear light.

        Raises UserError.
        """
        return cls.of([read(Path(path))])

    @classmethod
    def of(cls, pictures: Sequence[Floats]) -> ExistingTexture:
        """``pictures`` (H, W, 4), as :func:`read` has them, as the pages, which they become: no copies, as
        one of 8192 pixels a side takes a GB."""
        for one in pictures:
            one[..., :3] *= one[..., 3:]
        return cls(tuple(pictures))

    @classmethod
    def read_pages(cls, path: str, pages: Sequence[Page]) -> ExistingTexture:
        """The pictures of all ``pages``, which ``path`` names: with <SET> for the name of a set, with <UDIM>
        for the number of a tile. Raises UserError."""
        names = page_paths(path, pages, "textures to start from")
        return cls(tuple(page for name in names for page in cls.read(name).pages))

    def at(self, uv: Floats) -> tuple[Floats, Floats]:
        """(colours (n, 3), alpha (n,)) at ``uv`` (n, 2), or (n, 3) with pages, bilinear; grey where alpha is
        0."""
        values = sample_pages(self.pages, uv)
        alpha = values[:, 3]
        colours = np.full((len(uv), 3), BACKGROUND, np.float32)
        np.divide(values[:, :3], alpha[:, None], out=colours, where=alpha[:, None] > 0)
        return colours, alpha

    def fitted(self, size: int) -> ExistingTexture:
        """Shrunk, page by page, where it has more than ``size`` texels a side, without aliasing."""
        return ExistingTexture(tuple(_shrunk(page, size) for page in self.pages))

    def seen(
        self,
        surface: Surface,
        views: Sequence[View],
        check: Callable[[], None] = lambda: None,
        nearer: int = 1,
    ) -> Floats:
        """(N, 3, R, R) float32 in [0, 1]: what ``views`` of one resolution show of it on ``surface``, unlit,
        grey behind. Each pixel is the mean of several: a texture has more detail than a view. nearer: so many
        times as near as views of the whole are these."""
        resolution = views[0].resolution
        finer = samples(resolution)
        # A view shows about a third of the texture's width.
        fitted = self.fitted(4 * finer * resolution * nearer)
        pictures = []
        for view in views:
            check()
            picture = fitted._shown(surface, surface.seen(view.camera, finer * resolution))
            parts = picture.reshape(resolution, finer, resolution, finer, 3)
            pictures.append(parts.mean(axis=(1, 3)).transpose(2, 0, 1))
        return np.stack(pictures)

    def _shown(self, surface: Surface, view: View) -> Floats:
        values = sample_pages(self.pages, surface.uvs_of(view.fragments))
        return view.picture(values[:, :3] + BACKGROUND * (1 - values[:, 3:]), BACKGROUND)

    def opacity(self, surface: Surface, view: View) -> Floats:
        """(R, R) float32 in [0, 1]: how opaque it is in what ``view`` shows; 0 behind."""
        return view.picture(sample_pages(self.pages, surface.uvs_of(view.fragments))[:, 3])

    def under(self, texels: SurfaceTexels, baked: Baked, bare: Floats) -> Baked:
        """``baked`` with the old colours in the texels of the mesh that no view painted, in the first
        columns; those of other channels, of which nothing is known, become ``bare`` (K,)."""
        empty = np.flatnonzero(~(baked.trusted | baked.doubtful))
        old, alpha = self._at_texels(texels, texels.index[empty])
        kept = alpha >= OPAQUE
        colours, trusted = baked.colours.copy(), baked.trusted.copy()
        colours[empty[kept]] = bare
        colours[empty[kept], : old.shape[1]] = old[kept]
        trusted[empty[kept]] = True
        return Baked(colours, trusted, baked.doubtful)

    def _at_texels(self, texels: SurfaceTexels, index: NDArray[np.integer]) -> tuple[Floats, Floats]:
        """(colours (m, 3), alpha (m,)) at the centres of the texels with the flat ``index`` (m,)."""
        return self.fitted(texels.size).at(texel_centres(index, texels.size, texels.pages))

    def around(self, texels: SurfaceTexels, image: Floats) -> Floats:
        """``image`` (T, T, K), or of pages, with the old colours in its first columns where the mesh has no
        texels, nor any near: what lies there may be another object's."""
        far = np.flatnonzero(~near_mesh(texels))
        old, alpha = self._at_texels(texels, far)
        kept = alpha >= OPAQUE
        result = image.reshape(-1, image.shape[-1]).copy()
        result[far[kept], : old.shape[1]] = old[kept]
        return result.reshape(image.shape)


def samples(resolution: int) -> int:
    """How many of a texture a pixel of a view of ``resolution``^2 pixels is the mean of, across."""
    return max(1, min(MOST_SAMPLES, FINE // resolution))


def near_mesh(texels: SurfaceTexels) -> NDArray[np.bool_]:
    """(P, T, T): whether a texel is on the mesh, or so near to it that it takes its colour."""
    on_mesh = np.zeros(texels.pages * texels.size**2, np.uint8)
    on_mesh[texels.index] = 1
    width = 2 * max(2, round(PADDING * texels.size)) + 1
    square = on_mesh.reshape(-1, texels.size, texels.size)
    return np.asarray(maximum_filter(square, size=(1, width, width), mode="constant") > 0)


def page_paths(path: str, pages: Sequence[Page], what: str) -> list[str]:
    """The file of each of the ``pages``, which ``path`` names as above. Raises UserError where several have
    one; ``what`` they are, in words."""
    names = [
        path.replace("<SET>", page.name).replace("<UDIM>", str(page.tile or UDIM_FIRST)) for page in pages
    ]
    if len(set(names)) < len(names):
        said = f"there are {len(names)} {what}, but {Path(path).name!r} names fewer files"
        raise UserError(said, "put <SET> and <UDIM> where their names differ: old.<SET>.<UDIM>.png")
    return names


def _shrunk(texels: Floats, size: int) -> Floats:
    """``texels`` (H, W, 4) with at most ``size`` a side."""
    height, width = (min(side, size) for side in texels.shape[:2])
    return resized(texels, height, width)
