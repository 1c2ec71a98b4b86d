"""A canonical space of several layers, of which views see the mean: to each pixel belong several canonical
elements, "n-to-1" in the paper on SyncTweedies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch import Tensor

from .spaces import Space


@dataclass(frozen=True)
class LayeredSpace:
    """``layers`` canonical variables over the ``space`` of one: (layers K, C), one after the other.

    f shows their mean. g is the least squares solution of f(z) = w with the least norm, exactly: of all z
    whose mean is what one variable would be, that with the same in every layer. (Published are 10 steps of
    Adam towards it, from wherever the step before had left z.)
    """

    space: Space
    layers: int

    @property
    def size(self) -> int:
        return self.layers * self.space.size

    @property
    def earlier(self) -> Callable[[Tensor], Tensor] | None:
        return self.space.earlier

    def project(self, z: Tensor, background: Tensor) -> Tensor:
        """f: (layers K, C) -> (N, C, h, w)."""
        return self.space.project(z.reshape(self.layers, self.space.size, -1).mean(dim=0), background)

    def project_noise(self, z: Tensor, own: Tensor) -> Tensor:
        """f of unit noise, of which the mean of so many would be less."""
        return self.project(z * math.sqrt(self.layers), own)

    def unproject(self, w: Tensor) -> Tensor:
        """g: (N, C, h, w) -> (layers K, C)."""
        return self.space.unproject(w).repeat(self.layers, 1)

    def roundtrip(self, w: Tensor) -> Tensor:
        """f(g(w)), (N, C, h, w): that of one variable."""
        return self.space.roundtrip(w)

    def weighted(self, exponent: float) -> LayeredSpace:
        return replace(self, space=self.space.weighted(exponent))
