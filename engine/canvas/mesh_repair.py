"""A part of a mesh's texture painted anew: which part, what the views know of the rest, and how the new meets
the old, in files that else stay to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from ..bake.existing_texture import OPAQUE, ExistingTexture, near_mesh, page_paths
from ..bake.fill import padded
from ..bake.membrane import Pairs, membrane
from ..bake.texel_graph import TexelGraph
from ..bake.texels import SurfaceTexels
from ..errors import UserError
from ..measure.borders import border_error
from ..mesh.sets import Layout
from ..options import areas
from ..options.choices import TEXTURE_DEPTHS
from ..options.request import OPTIONS
from ..pictures.original import Original
from ..pictures.pages import each, texel_centres
from ..pictures.read import straight
from ..pictures.resize import resized
from ..pictures.sampling import sample
from ..protocol import Request
from ..views.surface import Surface, View
from .mesh_areas import MeshArea

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

REACH = 1 / 64  # of the texture, how far into the area its colours are bent to those around
LEAST_SEEN = 1e-3  # of a view's pixels: one that shows less of the area isn't worth its time


@dataclass(frozen=True)
class MeshRepair:
    """originals: the texture of each page, as its file holds it, all of one depth. areas: what of them is
    painted anew."""

    originals: tuple[Original, ...]
    areas: tuple[MeshArea, ...]

    @classmethod
    def read(cls, request: Request, layout: Layout) -> Self:
        """Raises UserError for areas and files that can't be read or don't go together."""
        assert request.init_texture is not None, "checked"
        found = [MeshArea.read(areas.plain(one), layout, "repaint") for one in request.repaint]
        paths = page_paths(request.init_texture, layout.pages, "textures to repaint")
        return cls(_of_one_depth([Original.read(Path(path)) for path in paths]), tuple(found))

    @property
    def size(self) -> int:
        """Texels across the texture that is painted: no fewer than any of the files has."""
        return max(max(one.size) for one in self.originals)

    def request(self, request: Request) -> Request:
        """``request`` for a texture as large and as deep as the files."""
        return replace(request, texture_size=self.size, texture_depth=self.originals[0].depth)

    def notes(self, request: Request) -> list[str]:
        """What of ``request`` isn't as it was asked for: warnings."""
        asked, size = request.texture_size, self.size
        if asked in (OPTIONS["texture_size"].default, size):
            return []
        return [f"what is repainted keeps its size: the texture has {size} pixels a side, not {asked}"]

    def present(self) -> ExistingTexture:
        return ExistingTexture.of([straight(one.pixels) for one in self.originals])

    def of_texels(self, surface: Surface, texels: SurfaceTexels) -> Floats:
        """(n,) in [0, 1]: how much of each of the ``texels`` is painted anew."""
        return _any(self._parts(surface, texels))

    def _parts(self, surface: Surface, texels: SurfaceTexels) -> list[Floats]:
        """(n,) in [0, 1] for each area: how much of each of the ``texels`` is in it."""
        return [area.of_texels(surface, texels) for area in self.areas]

    def faces(self, surface: Surface) -> Bools:
        """(F,) the faces that are painted anew, in part or wholly."""
        texels = SurfaceTexels.build(surface, self.size)
        found = np.zeros(len(surface.corners), bool)
        found[texels.face[self.of_texels(surface, texels) > 0]] = True
        return found

    def seen(self, surface: Surface, shot: View) -> Floats:
        """(R, R) in [0, 1]: how much of what ``shot`` shows of the ``surface`` is painted anew."""
        return _any([area.seen(surface, shot) for area in self.areas])

    def seeing(self, surface: Surface, shots: Sequence[View]) -> list[View]:
        """Those of the ``shots`` that show what is painted anew. Raises UserError where none does."""
        found = [shot for shot in shots if self.seen(surface, shot).mean() > LEAST_SEEN]
        if not found:
            fix = "point a camera at it, or take more {views}"
            raise UserError("none of the views sees what is to be repainted", fix, views=None)
        return found

    def known(self, surface: Surface, shots: Sequence[View], old: ExistingTexture) -> Floats:
        """(N, R, R) in [0, 1]: how much of what the ``shots`` show of the ``old`` texture stays."""
        return np.stack([(1 - self.seen(surface, one)) * old.opacity(surface, one) for one in shots])

    def over(self, graph: TexelGraph, image: Floats, old: ExistingTexture) -> PaintedOver:
        """The files with the painted ``image`` (T, T, K), or of pages, over them, in colours that meet those
        of ``old``; the first of its columns are theirs."""
        texels, surface = graph.texels, graph.surface
        near = texels.near
        parts = self._parts(surface, texels)
        inside = _any(parts) > 0
        present, alpha = old.at(texel_centres(texels.index, texels.size, texels.pages))
        painted = image.reshape(len(near), -1)[texels.index, : present.shape[1]]
        every = np.arange(len(texels.index), dtype=np.int32)
        pairs = _but(graph.neighbours(every, surface.edges(), near), ~inside & (alpha < OPAQUE))
        painted[inside] += membrane(pairs, inside, present, painted, texels.size * REACH)
        painted[~inside] = present[~inside]
        colours = each(padded(texels.size, painted.clip(0, 1), near))
        shares = self._shares(parts, texels, near)
        files = [
            one.painted(_at_centres(page, *one.size), share)
            for one, page, share in zip(self.originals, colours, shares, strict=True)
        ]
        return PaintedOver(tuple(files), texels.size, border_error(painted, pairs, inside))

    def _shares(
        self, parts: Sequence[Floats], texels: SurfaceTexels, near: NDArray[np.int32]
    ) -> list[Floats]:
        """(H, W) in [0, 1] of each file: how much of its pixels is painted anew, where ``parts`` (n,) of the
        texels are in each area. Between charts that is what
        the nearest texel says, up to where anything is painted; masks say it of each pixel."""
        size, where = texels.size, near_mesh(texels)
        found = [np.zeros(one.size, np.float32) for one in self.originals]
        for area, part in zip(self.areas, parts, strict=True):
            of_texels = part[near].reshape(-1, size, size)
            for i, share in enumerate(found):
                own = _nearest(of_texels[i], *share.shape)
                if area.pages:
                    own = _at_centres(area.pages[i], *share.shape)[..., 0]
                np.maximum(share, own * _nearest(where[i], *share.shape), out=share)
        return found


@dataclass(frozen=True)
class PaintedOver:
    """files: of each page, painted over. size: texels across the texture that they were painted in.
    border_error: as of measure/borders.py."""

    files: tuple[Original, ...]
    size: int
    border_error: float | None

    def image(self) -> Floats:
        """(T, T, 3) float32 in [0, 1], or of pages: the colours of the files."""
        pages = [resized(straight(one.pixels)[..., :3], self.size, self.size) for one in self.files]
        return pages[0] if len(pages) == 1 else np.stack(pages)


def _of_one_depth(files: Sequence[Original]) -> tuple[Original, ...]:
    """All as deep as the deepest. Raises UserError where some have floats, and others none."""
    depths = {one.depth for one in files}
    deepest = next(depth for depth in reversed(TEXTURE_DEPTHS) if depth in depths)
    if deepest in ("half", "float") and depths & {"8", "16"}:
        what = "some of the textures to repaint are OpenEXR, others are not"
        raise UserError(what, "save all of them in one format", init_texture=None)
    return tuple(one.at_depth(deepest) for one in files)


def _any(areas: Sequence[Floats]) -> Floats:
    found: Floats = np.maximum.reduce(areas)
    return found


def _but(pairs: Pairs, without: Bools) -> Pairs:
    """``pairs`` of which neither is ``without`` (n,)."""
    a, b = pairs
    kept = ~(without[a] | without[b])
    return a[kept], b[kept]


def _at_centres(page: Floats, height: int, width: int) -> Floats:
    """``page`` (h, w, k) at the centres of height x width pixels, bilinear."""
    if page.shape[:2] == (height, width):
        return page
    y, x = (np.arange(count, dtype=np.float32) + np.float32(0.5) for count in (height, width))
    uv = np.stack(np.broadcast_arrays(x[None] / width, 1 - y[:, None] / height), axis=2).reshape(-1, 2)
    return sample(page, uv.astype(np.float32)).reshape(height, width, -1)


def _nearest(page: NDArray[Any], height: int, width: int) -> NDArray[Any]:
    """``page`` (h, w) as (height, width), each pixel as the one that holds its centre."""
    rows, columns = (
        ((np.arange(new) + 0.5) * old / new).astype(np.intp)
        for new, old in zip((height, width), page.shape, strict=True)
    )
    found: NDArray[Any] = page[rows[:, None], columns[None]]
    return found
