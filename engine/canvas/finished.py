"""The finished views of a canvas, as an estimator is shown them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch

from ..denoise.estimates import PICTURE
from ..sync.spaces import Averaging, Space
from .canvas import CanvasView, Floats, Prompt, Seen


@dataclass(frozen=True)
class FinishedViews:
    """What is seen of a ``canvas`` once its ``pictures``, (N, 3, H, W) float32 in [0, 1], are finished: they
    steer, and nothing is asked for in words."""

    canvas: Seen
    pictures: Floats

    @cached_property
    def views(self) -> Sequence[CanvasView]:
        pairs = zip(self.canvas.views, self.pictures, strict=True)
        return [replace(view, prompts=(Prompt("", ""),), controls={PICTURE: shown}) for view, shown in pairs]

    @property
    def order(self) -> Sequence[int]:
        return self.canvas.order

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> Space:
        return self.canvas.space(scale, averaging, device)

    def start(self) -> None:
        return None
