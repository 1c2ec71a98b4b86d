"""Textures of several pages: UDIM tiles, or a texture for each object or material, as one canonical space.

Each page is a square of its own. Where there are several, a UV names its page: (u, v, page) with u and v in
[0, 1], so that equal places on different pages are different UVs. Texels count page after page, each row by
row from the top, v = 1; a texture is (T, T, k), or (P, T, T, k) where UVs have three coordinates.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


def paged(uvs: Floats, page: Ints) -> Floats:
    """``uvs`` (F, 3, 2) of faces on the pages ``page`` (F,), as they are where all are on page 0, else
    (F, 3, 3)."""
    if not page.any():
        return uvs
    pages = np.broadcast_to(page[:, None, None], (*uvs.shape[:2], 1))
    return np.concatenate([uvs, pages], axis=2, dtype=np.float32)


def count(uvs: Floats) -> int:
    """How many pages the UVs (..., 2 or 3) are on."""
    return 1 if uvs.shape[-1] == 2 else round(float(uvs[..., 2].max(initial=0))) + 1


def page_of(uv: Floats) -> Ints:
    """(...) the page of each ``uv`` (..., 2 or 3), also of interpolated ones."""
    if uv.shape[-1] == 2:
        return np.zeros(uv.shape[:-1], np.int32)
    return np.rint(uv[..., 2]).astype(np.int32)


def texel_of(uv: Floats, size: int) -> Ints:
    """Flat index (n,) int32, row 0 at v = 1, of the texel that holds each ``uv`` (n, 2); clamped. UVs with
    pages, (n, 3), count on from page to page."""
    column = np.clip((uv[:, 0] * size).astype(np.int32), 0, size - 1)
    row = np.clip(((1 - uv[:, 1]) * size).astype(np.int32), 0, size - 1)
    index = row * size + column
    if uv.shape[1] == 3:
        index += page_of(uv) * np.int32(size**2)
    return index.astype(np.int32)


def texel_centres(index: NDArray[np.integer], size: int, pages: int = 1) -> Floats:
    """(n, 2) float32 UVs of the texels with the flat ``index`` (n,) of a ``size``^2 texture, (n, 3) where it
    has ``pages``."""
    page, place = np.divmod(index, size**2)
    row, column = np.divmod(place, size)
    uv = [(column + 0.5) / size, 1 - (row + 0.5) / size]
    return np.stack(uv if pages == 1 else [*uv, page], axis=1).astype(np.float32)


def shaped(texels: NDArray[Any], size: int) -> NDArray[Any]:
    """``texels`` (P * size^2, k) as a texture: (size, size, k), or (P, size, size, k) for P > 1."""
    pages = texels.reshape(-1, size, size, texels.shape[-1])
    return pages if len(pages) > 1 else pages[0]


def each(texture: NDArray[Any]) -> NDArray[Any]:
    """The pages (P, H, W, k) of a ``texture`` with one or several."""
    return texture if texture.ndim == 4 else texture[None]
