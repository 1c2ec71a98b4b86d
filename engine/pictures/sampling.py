"""Reading pictures between their pixels: the one bilinear filter.

Pixel centres lie at half-integers, the first one at (0.5, 0.5) from the top left. Beyond the outermost
centres the border's own colour goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .pages import page_of

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


def taps(place: Floats, width: int, height: int) -> Iterator[tuple[Indices, Floats]]:
    """The four pixels around each ``place`` (n, 2), column and row, of a picture (height, width): the flat
    index (n,) and the weight (n,) of each in turn. A reader of its own may leave some of them out."""
    corner = np.floor(place - 0.5)
    right, down = (place - 0.5 - corner).T
    column, row = corner.T.astype(np.intp)
    for x in (0, 1):
        for y in (0, 1):
            index = np.clip(row + y, 0, height - 1) * width + np.clip(column + x, 0, width - 1)
            yield index, (right if x else 1 - right) * (down if y else 1 - down)


def sample(texture: Floats, uv: Floats) -> Floats:
    """(n, k) float32: ``texture`` (H, W, k), row 0 at v = 1, at ``uv`` (n, 2); or of pages (P, H, W, k) at
    (n, 3). The same weights as :func:`taps`, row by row, since all four pixels count."""
    height, width, channels = texture.shape[-3:]
    x = np.clip(uv[:, 0] * width - 0.5, 0, width - 1)
    y = np.clip((1 - uv[:, 1]) * height - 0.5, 0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    a, b = x - left.astype(np.float32), y - top.astype(np.float32)
    texels = texture.reshape(-1, channels)
    first = page_of(uv).astype(np.intp) * (height * width) if texture.ndim == 4 else 0

    def at(row: Indices, column: Indices) -> Floats:
        index = first + row * width + column
        return np.ascontiguousarray(texels.take(index, axis=0).T)  # a few long rows are fast

    upper = at(top, left) * (1 - a) + at(top, right) * a
    lower = at(bottom, left) * (1 - a) + at(bottom, right) * a
    colours: Floats = (upper * (1 - b) + lower * b).T
    return colours


def sample_pages(pages: Sequence[Floats], uv: Floats) -> Floats:
    """:func:`sample` of ``pages`` (H, W, k), each of a size of its own, at ``uv`` (n, 2), or (n, 3) where
    there are several."""
    if len(pages) == 1:
        return sample(pages[0], uv)
    page = page_of(uv)
    order = np.argsort(page, kind="stable")
    ends = np.searchsorted(page[order], np.arange(len(pages) - 1), side="right")
    values = np.empty((len(uv), pages[0].shape[2]), np.float32)
    for texels, own in zip(pages, np.split(order, ends), strict=True):
        values[own] = sample(texels, uv[own, :2])
    return values
