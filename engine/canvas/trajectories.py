"""A canvas whose views have several prompts, as SyncSDE paints it: each prompt is a view of its own, beside
one of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from ..sync.spaces import Averaging
from ..sync.trajectories import WHOLE, Trajectories
from .canvas import CanvasView, Prompt, Seen, Start
from .rows import PromptRows


@dataclass(frozen=True)
class TrajectoryCanvas:
    """What a sampler sees of a ``canvas`` of N views. The first N of its own are the whole, whose prompt says
    all that a view is asked for; then comes one for each prompt of views with several."""

    canvas: Seen
    views: Sequence[CanvasView]
    view: tuple[int, ...]
    number: tuple[int, ...]

    @classmethod
    def build(cls, canvas: Seen) -> TrajectoryCanvas:
        several = [i for i, one in enumerate(canvas.views) if len(one.prompts) > 1]
        pairs = [(i, prompt) for i in several for prompt in canvas.views[i].prompts]
        place = {(i, prompt.number): len(canvas.views) + k for k, (i, prompt) in enumerate(pairs)}
        alone = [replace(one, prompts=(_whole(one.prompts),)) for one in canvas.views]
        for i, prompt in pairs:
            one = canvas.views[i]
            beside = tuple(place.get((j, prompt.number), j) for j in one.neighbours)
            alone.append(replace(one, prompts=(replace(prompt, mask=None),), neighbours=beside))
        view = (*range(len(canvas.views)), *(i for i, _ in pairs))
        number = (*[WHOLE] * len(canvas.views), *(prompt.number for _, prompt in pairs))
        return cls(canvas, alone, view, number)

    @property
    def order(self) -> Sequence[int]:
        """Of the whole's."""
        return self.canvas.order

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> Trajectories:
        found = self.canvas.space(scale, averaging, device)
        rows, whole = PromptRows.build(self.canvas.views, scale), len(self.canvas.views)
        assert rows.weight is not None, "some view has several prompts"
        counts = torch.bincount(rows.view)
        share = torch.zeros(len(self.view), *rows.weight.shape[1:])
        share[whole:] = rows.weight[counts[rows.view] > 1]
        view, number = torch.tensor(self.view), torch.tensor(self.number)
        return Trajectories.build(found, view.to(device), number.to(device), share.to(device), self.order)

    def start(self) -> Start | None:
        found, chosen = self.canvas.start(), list(self.view)
        if found is None:
            return None
        return Start(found.pictures[chosen], None if found.known is None else found.known[chosen])


def _whole(prompts: Sequence[Prompt]) -> Prompt:
    """What says all of ``prompts``."""
    first = prompts[0]
    if len(prompts) == 1:
        return first
    return Prompt(" ".join(one.positive for one in prompts), first.negative)
