"""Materials as functions of a surface: paint(surface, colours) -> albedo (n, 3), sRGB values about [0, 1].

No light: shading is the renderer's job, a texture that carries it can't be lit again.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from training.surface import Surface

Paint = Callable[[Surface, list[Tensor]], Tensor]
