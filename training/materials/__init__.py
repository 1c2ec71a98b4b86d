"""Materials as functions of a surface: paint(surface, colours) -> what it is made of there."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from training.coat import Coat
from training.surface import Surface

Paint = Callable[[Surface, list[Tensor]], Coat]
