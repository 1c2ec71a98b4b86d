"""The pair f (project) and g (unproject) between a canonical space and N instances ("views").

Both are fixed linear maps while a job runs, so each is a sparse matrix that is built once, and their
composition f(g(.)) is folded into one views-to-views matrix. Nothing here knows what the canonical space is:
operators.py builds the maps of a mesh, tests build those of 1-D toys.

Symbols: w (N, C, h, w) float32 instances; z (K, C) float32 canonical variable of K elements.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
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

    def unproject(self, w: Tensor) -> Tensor:
        """g: (N, C, h, w) -> (K, C)."""

    def roundtrip(self, w: Tensor) -> Tensor:
        """f(g(w)) over the views' own background, (N, C, h, w)."""


def to_torch(matrix: csr_matrix) -> Tensor:
    """A float32 CSR tensor of ``matrix``."""
    with warnings.catch_warnings():  # torch calls its CSR tensors a beta
        warnings.simplefilter("ignore")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int64)),
            torch.from_numpy(matrix.indices.astype(np.int64)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
        )


@dataclass(frozen=True)
class LinearSpace:
    """f as a lookup and g as an average, over the instances' pixels in (view, row, column) order.

    pixel: (P,) int64, the pixels that see the canonical space. element: (P,) int64, the canonical element
    that each of them reads. average: sparse CSR (K, N h w), rows sum to 1. folded: sparse CSR (P, N h w), the
    rows of ``average`` that the pixels read: f(g(.)).
    """

    pixel: Tensor
    element: Tensor
    average: Tensor
    folded: Tensor

    @classmethod
    def build(
        cls,
        pixel: NDArray[np.integer],
        element: NDArray[np.integer],
        average: csr_matrix,
        device: torch.device | str = "cpu",
    ) -> LinearSpace:
        """Fold the maps and put them on ``device``."""
        return cls(
            torch.from_numpy(pixel.astype(np.int64)).to(device),
            torch.from_numpy(element.astype(np.int64)).to(device),
            to_torch(average).to(device),
            to_torch(average[element]).to(device),
        )

    @property
    def size(self) -> int:
        """K, the number of canonical elements."""
        return int(self.average.shape[0])

    def project(self, z: Tensor, background: Tensor) -> Tensor:
        """f: pixels that see the canonical space read their element, the others keep ``background``'s."""
        pixels = _pixels(background).index_copy(0, self.pixel, z[self.element])
        return _pictures(pixels, background.shape)

    def unproject(self, w: Tensor) -> Tensor:
        """g: every canonical element is the weighted average of the pixels that show it."""
        return self.average @ _pixels(w)

    def roundtrip(self, w: Tensor) -> Tensor:
        """f(g(w)) in one product, each view's own pixels as its background."""
        pixels = _pixels(w)
        return _pictures(pixels.index_copy(0, self.pixel, self.folded @ pixels), w.shape)


def _pixels(w: Tensor) -> Tensor:
    """(N, C, h, w) -> (N h w, C)."""
    return w.permute(0, 2, 3, 1).reshape(-1, w.shape[1])


def _pictures(pixels: Tensor, shape: torch.Size) -> Tensor:
    """(N h w, C) -> ``shape`` (N, C, h, w). Left as a view in channels-last order: the next round trip then
    needs no copy to get at its pixels."""
    count, channels, height, width = shape
    return pixels.reshape(count, height, width, channels).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class DecodedRoundtrip:
    """f(g(.)) of latents through another, decoded space: x0 + E(f(g(D(x0)))) - E(D(x0)).

    Only the difference that averaging makes is encoded, so the autoencoder's own error isn't added at every
    step. ``space``: the maps at the decoded resolution.
    """

    space: Space
    encode: Callable[[Tensor], Tensor]
    decode: Callable[[Tensor], Tensor]

    def __call__(self, x0: Tensor) -> Tensor:
        picture = self.decode(x0)
        return x0 + self.encode(self.space.roundtrip(picture)) - self.encode(picture)
