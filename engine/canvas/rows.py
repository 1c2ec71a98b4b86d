"""What of a canvas goes through a network: a row for each prompt of each view, and which looks at which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..denoise.attention import Links
from .canvas import CanvasView

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PromptRows:
    """What goes through the network: a row for each prompt of each of N views, R in all.

    view: (R,) int64, the view of each row. weight: (R, 1, h, w) float32, how much each latent of a row
    counts, those of a view together 1; None where every view has one prompt, and so one row. number: (R,)
    int64, of what it is asked for.
    """

    view: Tensor
    weight: Tensor | None
    number: NDArray[np.int64]

    @classmethod
    def build(cls, views: Sequence[CanvasView], scale: int) -> PromptRows:
        """Latents are ``scale``^2 pixels."""
        counts = torch.tensor([len(view.prompts) for view in views])
        view = torch.arange(len(views)).repeat_interleave(counts)
        number = np.array([prompt.number for one in views for prompt in one.prompts], np.int64)
        if len(view) == len(views):
            return cls(view, None, number)
        everywhere = np.ones((views[0].height, views[0].width), np.float32)
        masks = [prompt.mask for view in views for prompt in view.prompts]
        weight = torch.from_numpy(
            means(np.stack([everywhere if mask is None else mask for mask in masks]), scale)[:, None]
        )
        total = torch.zeros(len(views), *weight.shape[1:]).index_add(0, view, weight)[view]
        equal = 1 / counts[view].float()[:, None, None, None]
        return cls(view, torch.where(total > 0, weight / total.clamp(min=1e-6), equal), number)

    def of(self, states: Tensor) -> Tensor:
        """(N, C, h, w) of the views to (R, C, h, w) of the rows."""
        return states if self.weight is None else states[self.view.to(states.device)]

    def merged(self, rows: Tensor) -> Tensor:
        """(R, C, h, w) of the rows to (N, C, h, w) of the views."""
        if self.weight is None:
            return rows
        view, count = self.view.to(rows.device), int(self.view[-1]) + 1
        empty = torch.zeros(count, *rows.shape[1:], device=rows.device)
        return empty.index_add(0, view, rows * self.weight.to(rows.device))

    def links(self, views: Links) -> Links:
        """Those of the rows: a row attends to itself, and of other views to their rows that are asked for the
        same, or to their first ones."""
        if self.weight is None:
            return views
        view, rows = self.view.numpy(), np.arange(len(self.view))
        first = np.searchsorted(view, np.arange(len(views.beside)))
        alike = np.repeat(first[:, None], int(self.number.max()) + 1, axis=1)
        alike[view[::-1], self.number[::-1]] = rows[::-1]  # of several the first
        wanted = views.beside[view]
        beside = np.where(wanted < 0, -1, alike[wanted, self.number[:, None]])
        beside[:, 0] = rows
        shown = None if views.shown is None else views.shown[view]
        return Links(beside, int(first[views.reference]), shown)


def links(views: Sequence[CanvasView], reference: int, scale: int) -> Links:
    """Which of a canvas's ``views`` attend to which, and what of them shows it: a latent is ``scale``^2
    pixels. reference: as in Links."""
    beside = np.full((len(views), 1 + max(len(view.neighbours) for view in views)), -1, np.int64)
    for i, view in enumerate(views):
        beside[i, : 1 + len(view.neighbours)] = (i, *view.neighbours)
    shown = means(np.stack([view.mask for view in views]), scale)
    return Links(beside, reference, shown)


def means(pictures: NDArray[np.generic], scale: int) -> Floats:
    """(N, H, W) to (N, H / scale, W / scale) float32: of squares of pixels."""
    count, height, width = pictures.shape
    squares = pictures.reshape(count, height // scale, scale, width // scale, scale)
    means: Floats = squares.mean(axis=(2, 4), dtype=np.float32)
    return means
