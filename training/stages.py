"""What a run sees, in order: layouts before everything, windows of views before whole ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from training.captions import (
    Look,
    early_look,
    first_look,
    ground_look,
    irregular_look,
    later_look,
    lattice_look,
    mixed_look,
    random_look,
)


@dataclass(frozen=True)
class Stage:
    """Until the share ``until`` of a run's time: samples with looks drawn by ``looks``.

    ``layout``: the share from pure noise alone, where the prediction is a regression of the picture on its
    control and words. ``crop``: windows as many latents wide, None for whole views; ``batch``: samples a
    step.
    """

    name: str
    until: float
    looks: Callable[[np.random.Generator], Look]
    layout: float
    crop: int | None
    batch: int


STAGES = (
    Stage("four patterns on white", 0.02, first_look, 1.0, 16, 32),
    Stage("patterns on white", 0.06, early_look, 1.0, 16, 32),
    Stage("patterns", 0.3, lattice_look, 1.0, 16, 32),
    Stage("patterns on a ground", 0.38, ground_look, 1.0, 16, 32),
    Stage("irregular patterns", 0.5, irregular_look, 0.75, 16, 24),
    Stage("windows", 0.85, random_look, 0.0, 16, 48),
    Stage("views", 1.0, later_look, 0.0, None, 24),
)


AGAIN = (  # for a model that knows where regular patterns lie, but not yet what its noise is for
    Stage("irregular patterns", 0.3, irregular_look, 0.75, 16, 24),
    Stage("windows", 0.66, mixed_look, 0.25, 16, 24),
    Stage("views", 1.0, later_look, 0.0, None, 24),
)

ON = (  # for a model that knows its noise too: all materials, what it draws worst more often
    Stage("windows", 0.35, later_look, 0.25, 16, 24),
    Stage("views", 1.0, later_look, 0.0, None, 24),
)
PLANS = {"all": STAGES, "noise": AGAIN, "on": ON}


def stage_at(stages: Sequence[Stage], progress: float) -> Stage:
    """Which of the ``stages`` a run is in after the share ``progress`` of its time."""
    return next((stage for stage in stages if progress < stage.until), stages[-1])
