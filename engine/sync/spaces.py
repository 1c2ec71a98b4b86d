"""The pair f (project) and g (unproject) between a canonical space and N instances ("views").

Both are fixed linear maps while a job runs, so each is a sparse matrix that is built once, and their
composition f(g(.)) is folded into one views-to-views matrix, unless that has more numbers than both: where
very many pixels read one element, it has the square of their number. Nothing here knows what the canonical
space is: a canvas builds the maps of a mesh's texture, tests those of 1-D toys.

Views are averaged by their confidence, to a power: how well each of them shows an element, in (0, 1]. Of a
mesh that is the cosine between the surface's normal and the direction to the camera.

Symbols: w (N, C, h, w) float32 instances; z (K, C) float32 canonical variable of K elements.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor


class Space(Protocol):
    """f and g of one canonical space with ``size`` = K elements."""

    @property
    def size(self) -> int: ...

    def project(self, z: Tensor, background: Tensor) -> Tensor:
        """f: (K, C) -> (N, C, h, w); ``background`` (N, C, h, w) where a view doesn't see the space."""

    def project_noise(self, z: Tensor, own: Tensor) -> Tensor:
        """f of unit noise ``z`` over ``own`` unit noise, as :meth:`project`: unit noise in every pixel."""

    def unproject(self, w: Tensor) -> Tensor:
        """g: (N, C, h, w) -> (K, C)."""

    def roundtrip(self, w: Tensor) -> Tensor:
        """f(g(w)) over the views' own background, (N, C, h, w)."""

    def weighted(self, exponent: float) -> Space:
        """The same space with views weighted by confidence^exponent."""

    @property
    def earlier(self) -> Callable[[Tensor], Tensor] | None:
        """h: each view as those before it show it, (N, C, h, w) to the same; None unless asked for."""


@dataclass(frozen=True)
class Averaging:
    """What is asked of a space. exponent: views are weighted by confidence^exponent. reweighted: whether
    other exponents are asked for later. earlier: whether it is asked what earlier views show."""

    exponent: float = 1.0
    reweighted: bool = False
    earlier: bool = False


class Agreement(Protocol):
    """f(g(.)) of clean estimates, wherever it is that they are averaged."""

    def __call__(self, x0: Tensor) -> Tensor: ...

    def weighted(self, exponent: float) -> Agreement:
        """The same with views weighted by confidence^exponent."""


def normalise(matrix: csr_matrix) -> csr_matrix:
    """``matrix`` with rows summing to 1, in place; empty rows stay empty."""
    total = np.asarray(matrix.sum(axis=1)).reshape(-1)
    scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    matrix.data *= np.repeat(scale, np.diff(matrix.indptr))
    return matrix


def to_torch(matrix: csr_matrix) -> Tensor:
    """A float32 CSR tensor of ``matrix``. Its indices stay int32 where scipy finds that enough: torch narrows
    int64 ones at every product, which then takes twice as long."""
    index = np.result_type(matrix.indptr, matrix.indices)
    with warnings.catch_warnings():  # torch calls its CSR tensors a beta
        warnings.simplefilter("ignore")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(index)),
            torch.from_numpy(matrix.indices.astype(index)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
        )


FOLDED_AT_MOST = 2  # numbers of f(g(.)) for each of f and g: about as many products as the two of them take


@dataclass(frozen=True)
class LinearMaps:
    """f as a lookup and g as an average, over the instances' pixels in (view, row, column) order.

    pixel: (P,) int64, the pixels that see the canonical space. element: (P,) int64, the canonical element
    that each of them reads. average: sparse (K, N h w) float64, rows sum to 1 or are empty. seen: (K,) bool,
    whether any view paints the element; the others borrow their neighbour's average. confidence: of every
    value of ``average``, what it was weighted by; None where that isn't kept.
    """

    pixel: NDArray[np.integer]
    element: NDArray[np.integer]
    average: csr_matrix
    seen: NDArray[np.bool_]
    confidence: NDArray[np.floating] | None = None

    @property
    def folds(self) -> bool:
        """Whether f(g(.)) as one matrix has hardly more numbers than f and g."""
        count = np.diff(self.average.indptr).astype(np.int64)
        return int(count[self.element].sum()) <= FOLDED_AT_MOST * (int(count.sum()) + len(self.pixel))


@dataclass(frozen=True)
class LinearSpace:
    """:class:`LinearMaps` as tensors on one device.

    pixel, element: (P,) int64; average: sparse CSR (K, N h w). folded: sparse CSR (P, N h w), the rows of
    ``average`` that the pixels read: f(g(.)); None where that is too large. confidences: of every value of
    ``average`` and of ``folded``; None where they can't be weighted anew. earlier: as in :class:`Space`.
    """

    pixel: Tensor
    element: Tensor
    average: Tensor
    folded: Tensor | None
    confidences: tuple[Tensor, Tensor | None] | None = None
    earlier: EarlierViews | None = None

    @classmethod
    def build(
        cls, maps: LinearMaps, device: torch.device | str = "cpu", order: Sequence[int] = ()
    ) -> LinearSpace:
        """Fold the ``maps`` and put them on ``device``. order: all views, those that others follow first,
        where it is to be asked what the earlier ones show."""
        average, element, folds = maps.average, maps.element, maps.folds
        confidences = None
        if maps.confidence is not None:
            of_average = csr_matrix((maps.confidence, average.indices, average.indptr), average.shape)
            confidences = (
                to_torch(of_average).values().to(device),
                to_torch(of_average[element]).values().to(device) if folds else None,
            )
        return cls(
            torch.from_numpy(maps.pixel.astype(np.int64)).to(device),
            torch.from_numpy(element.astype(np.int64)).to(device),
            to_torch(average).to(device),
            to_torch(average[element]).to(device) if folds else None,
            confidences,
            EarlierViews.build(maps, order, device) if len(order) else None,
        )

    @property
    def size(self) -> int:
        """K, the number of canonical elements."""
        return int(self.average.shape[0])

    def project(self, z: Tensor, background: Tensor) -> Tensor:
        """f: pixels that see the canonical space read their element, the others keep ``background``'s."""
        pixels = pixels_of(background).index_copy(0, self.pixel, z[self.element])
        return pictures_of(pixels, background.shape)

    def project_noise(self, z: Tensor, own: Tensor) -> Tensor:
        """f: a lookup keeps the variance."""
        return self.project(z, own)

    def unproject(self, w: Tensor) -> Tensor:
        """g: every canonical element is the weighted average of the pixels that show it."""
        return self.average @ pixels_of(w)

    def roundtrip(self, w: Tensor) -> Tensor:
        """f(g(w)), in one product where it is folded, each view's own pixels as its background."""
        if self.folded is None:
            return self.project(self.unproject(w), w)
        pixels = pixels_of(w)
        return pictures_of(pixels.index_copy(0, self.pixel, self.folded @ pixels), w.shape)

    def weighted(self, exponent: float) -> LinearSpace:
        """The same maps, weighted by confidence^exponent instead of by the confidence itself."""
        if exponent == 1:
            return self
        assert self.confidences is not None, "built without confidences"
        average, folded = (
            None
            if matrix is None or confidence is None
            else _reweighted(matrix, confidence ** (exponent - 1))
            for matrix, confidence in zip((self.average, self.folded), self.confidences, strict=True)
        )
        assert average is not None
        return replace(self, average=average, folded=folded)


def _reweighted(matrix: Tensor, factor: Tensor) -> Tensor:
    """The CSR ``matrix`` with each value times its ``factor``, rows summing to 1 again."""
    rows, columns, values = matrix.crow_indices(), matrix.col_indices(), matrix.values() * factor
    raw = torch.sparse_csr_tensor(rows, columns, values, matrix.shape)
    # A product rather than index_add, whose order and so whose last bits are chance on CUDA.
    total = (raw @ torch.ones(matrix.shape[1], 1, device=values.device)).reshape(-1)
    return torch.sparse_csr_tensor(rows, columns, values / total.repeat_interleave(rows.diff()), matrix.shape)


def pixels_of(w: Tensor) -> Tensor:
    """(N, C, h, w) -> (N h w, C)."""
    return w.permute(0, 2, 3, 1).reshape(-1, w.shape[1])


def pictures_of(pixels: Tensor, shape: torch.Size) -> Tensor:
    """(N h w, C) -> ``shape`` (N, C, h, w). Left as a view in channels-last order: the next round trip then
    needs no copy to get at its pixels."""
    count, channels, height, width = shape
    return pixels.reshape(count, height, width, channels).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class DecodedRoundtrip:
    """f(g(.)) of latents through another, decoded space: x0 + E(f(g(D(x0)))) - E(D(x0)).

    Only the difference that averaging makes is encoded, so the autoencoder's own error isn't added at every
    step. ``space``: the maps at the decoded resolution. difference: E(a) - E(b) of pictures a and b.
    """

    space: Space
    difference: Callable[[Tensor, Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]

    def __call__(self, x0: Tensor) -> Tensor:
        picture = self.decode(x0)
        return x0 + self.difference(self.space.roundtrip(picture), picture)

    def weighted(self, exponent: float) -> DecodedRoundtrip:
        """The same with views weighted by confidence^exponent."""
        return replace(self, space=self.space.weighted(exponent))


@dataclass(frozen=True)
class EarlierViews:
    """h: each view as the views before it in a given order show it.

    pixel: (Q,) int64, the pixels that show an element which an earlier view paints; row: (Q,) int64, the row
    of the matrix that each reads. matrix: sparse CSR (M, N h w), the average of the earlier views there, one
    for each view and element, rows sum to 1. The first view has no such pixel.
    """

    pixel: Tensor
    row: Tensor
    matrix: Tensor

    @classmethod
    def build(
        cls, maps: LinearMaps, order: Sequence[int], device: torch.device | str = "cpu"
    ) -> EarlierViews:
        """order: the views, first to last."""
        rank = np.empty(len(order), np.int64)
        rank[list(order)] = np.arange(len(order))
        per_view = maps.average.shape[1] // len(order)
        shown = maps.element.astype(np.int64) * len(order) + rank[maps.pixel // per_view]
        cases, row = np.unique(shown, return_inverse=True)  # of an element and a view that shows it
        element, view = np.divmod(cases, len(order))
        rows = maps.average[element].tocoo()
        chosen = (rank[rows.col // per_view] < view[rows.row]) & maps.seen[element[rows.row]]
        place = (rows.row[chosen], rows.col[chosen])
        matrix = normalise(csr_matrix((rows.data[chosen], place), shape=rows.shape))
        filled = np.diff(matrix.indptr) > 0
        reads = np.flatnonzero(filled[row])
        number = (np.cumsum(filled) - 1)[row[reads]]
        return cls(
            torch.from_numpy(maps.pixel[reads].astype(np.int64)).to(device),
            torch.from_numpy(number).to(device),
            to_torch(matrix[np.flatnonzero(filled)]).to(device),
        )

    def __call__(self, w: Tensor) -> Tensor:
        """h(w), (N, C, h, w): pixels that no earlier view fills are as they were."""
        pixels = pixels_of(w)
        return pictures_of(pixels.index_copy(0, self.pixel, (self.matrix @ pixels)[self.row]), w.shape)
