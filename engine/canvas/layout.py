"""How views lie on a picture without a mesh, as the canvas of such a picture knows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ..sync.spaces import Averaging, LinearMaps

Floats = NDArray[np.float32]


class Layout(Protocol):
    """``count`` views of ``side``^2 elements; order: their numbers, from the one that others follow on."""

    @property
    def side(self) -> int: ...

    @property
    def count(self) -> int: ...

    @property
    def order(self) -> list[int]: ...

    def neighbours(self, number: int) -> tuple[int, ...]:
        """The views beside the one with the ``number``."""

    def at(self, side: int) -> Self:
        """The same with views of ``side``^2 elements."""

    def maps(self, averaging: Averaging) -> LinearMaps:
        """f and g between the elements of the views and those of the picture."""

    def joined(self, pictures: Floats, height: int, width: int) -> Floats:
        """(height, width, K) float32 in [0, 1]: the picture that views (N, h, h, K) of any resolution make
        together."""

    def measure(self, picture: Floats) -> dict[str, Any]:
        """How visible it is in a joined ``picture`` (H, W, k) where that closes, as report.json has it."""

    def report(self) -> Sequence[dict[str, Any]]:
        """Of each view where it lies."""
