"""f as any sparse matrix of weights, and g as the least squares that undo it: for canonical spaces of which a
pixel shows many elements, and an element no pixel wholly, such as splats.

f blends: a pixel shows W z, where W's rows sum to its coverage a <= 1, and (1 - a) of its background. That is
to leave a view's pixel w as it is with itself as its background: W z = a w. With r how much pixels count, D
the sums of W^T r a and m = D^-1 W^T r a w the average of the pixels that show an element,

    g(w) = argmin_z  sum r (W z - a w)^2 + DAMPING sum D (z - m)^2.

The rows of D^-1 W^T r W sum to 1, so a picture of one colour gives that colour, and the conjugate gradients
that are run, with D as their preconditioner and m as their start, need few steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from .spaces import Averaging, pictures_of, pixels_of, to_torch

STEPS = 6  # measured: with more nothing changes any more
DAMPING = 0.1  # measured: less follows the noise of views that disagree, more blurs
LEAST = 1e-30  # of a sum that is divided by: confidences to the thirtieth power are small


@dataclass(frozen=True)
class SolvedSpace:
    """The matrix W of P pixels and K elements on one device.

    pixel: (P,) int64, the pixels that show the canonical space. matrix: sparse CSR (P, K), W; transposed: the
    same (K, P). coverage: (P, 1). confidence: (P, 1) in (0, 1]. trust: (P, 1), r, a power of it. total: (K,
    1), D. order: all views, those that others follow first, where it is asked what the earlier ones show.
    """

    pixel: Tensor
    matrix: Tensor
    transposed: Tensor
    coverage: Tensor
    confidence: Tensor
    trust: Tensor
    total: Tensor
    order: tuple[int, ...] = ()

    @classmethod
    def build(
        cls,
        weights: csr_matrix,
        confidence: NDArray[np.float32],
        averaging: Averaging,
        device: torch.device | str = "cpu",
        order: Sequence[int] = (),
    ) -> SolvedSpace:
        """Of ``weights`` (N h w, K), pixels in (view, row, column) order, and the pixels' ``confidence``."""
        pixel = np.flatnonzero(np.diff(weights.indptr))
        shown = weights[pixel]
        covered = np.asarray(shown.sum(axis=1), np.float32).reshape(-1, 1)
        matrix, transposed = (to_torch(one).to(device) for one in (shown, shown.T.tocsr()))
        coverage, sure = (torch.from_numpy(one).to(device) for one in (covered, confidence[pixel, None]))
        number, earlier = torch.from_numpy(pixel).to(device), tuple(order) if averaging.earlier else ()
        empty = torch.zeros(weights.shape[1], 1, device=device)
        space = cls(number, matrix, transposed, coverage, sure, coverage, empty, earlier)
        return space.weighted(averaging.exponent)

    @property
    def size(self) -> int:
        """K, the number of canonical elements."""
        return int(self.matrix.shape[1])

    def weighted(self, exponent: float) -> SolvedSpace:
        """The same space, pixels counting by confidence^exponent."""
        return replace(self, trust=self.confidence**exponent).weighed()

    def weighed(self) -> SolvedSpace:
        """The same space with the total of its ``trust``."""
        return replace(self, total=self.transposed @ (self.trust * self.coverage))

    def project(self, z: Tensor, background: Tensor) -> Tensor:
        """f: pixels show elements over their ``background``."""
        behind = pixels_of(background)
        shown = self.matrix @ z + (1 - self.coverage) * behind[self.pixel]
        return pictures_of(behind.index_copy(0, self.pixel, shown), background.shape)

    def project_noise(self, z: Tensor, own: Tensor) -> Tensor:
        """f of unit noise: by the roots of the weights, which leave it unit noise."""
        rows, columns = self.matrix.crow_indices(), self.matrix.col_indices()
        roots = torch.sparse_csr_tensor(rows, columns, self.matrix.values().sqrt(), self.matrix.shape)
        behind = pixels_of(own)
        shown = roots @ z + (1 - self.coverage).clamp(min=0).sqrt() * behind[self.pixel]
        return pictures_of(behind.index_copy(0, self.pixel, shown), own.shape)

    def unproject(self, w: Tensor) -> Tensor:
        """g: elements that no pixel shows are 0."""
        wanted = self._back(self.coverage * pixels_of(w)[self.pixel]) * (1 + DAMPING)
        total = self.total.clamp(min=LEAST)
        z = wanted / (1 + DAMPING) / total
        rest = wanted - self._normal(z)
        step = eased = rest / total
        slope = (rest * eased).sum(dim=0)
        for _ in range(STEPS):
            bent = self._normal(step)
            length = slope / (step * bent).sum(dim=0).clamp(min=LEAST)
            z, rest = z + length * step, rest - length * bent
            eased, before = rest / total, slope
            slope = (rest * eased).sum(dim=0)
            step = eased + slope / before.clamp(min=LEAST) * step
        return z

    def _normal(self, z: Tensor) -> Tensor:
        """The left side of the normal equations."""
        return self._back(self.matrix @ z) + DAMPING * self.total * z

    def _back(self, pixels: Tensor) -> Tensor:
        """W^T r of ``pixels`` (P, C)."""
        return self.transposed @ (self.trust * pixels)

    def roundtrip(self, w: Tensor) -> Tensor:
        """f(g(w)), each view's own pixels behind what it shows."""
        return self.project(self.unproject(w), w)

    @property
    def earlier(self) -> Callable[[Tensor], Tensor] | None:
        """h: each view as those before it show it: of every element the average of their pixels."""
        return self._earlier if self.order else None

    def _earlier(self, w: Tensor) -> Tensor:
        pixels, found = pixels_of(w), pixels_of(w).clone()
        view = torch.div(self.pixel, len(pixels) // len(self.order), rounding_mode="floor")
        before = torch.zeros_like(view, dtype=torch.bool)
        for one in self.order:
            trust = (self.trust * before[:, None]) * self.coverage
            total = self.transposed @ trust
            known = (total > LEAST).float()
            z = self.transposed @ (trust * pixels[self.pixel]) / total.clamp(min=LEAST)
            mine = view == one
            shown = self.matrix @ (z * known) + (1 - self.matrix @ known) * pixels[self.pixel]
            found = found.index_copy(0, self.pixel[mine], shown[mine])
            before = before | mine
        return pictures_of(found, w.shape)
