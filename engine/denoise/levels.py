"""How noisy the states of a job are, from noise to picture: plain numbers, whatever the model.

A family of models says which levels are visited (``Schedule``); steps.py says what is done between them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Level:
    """The noise of a state x = alpha x0 + sigma eps, with alpha >= 0 and sigma >= 0.

    time: what the network is told of it, in units of its own. left: the share of the way from noise to
    picture that still lies ahead, in [0, 1]. The family counts it as its methods were published: by timesteps
    (Stable Diffusion), else by steps. skip, out: what a consistency model's output x0 is to be mixed by with
    its input, as out x0 + skip x; others take x0 as it is.
    """

    alpha: float
    sigma: float
    time: float
    left: float
    skip: float = 0.0
    out: float = 1.0

    @property
    def alpha_sigma(self) -> tuple[float, float]:
        """Both, as the functions of steps.py take them."""
        return self.alpha, self.sigma

    def is_within(self, share: float, of: float = 1.0) -> bool:
        """Whether this level lies in the first ``share`` of the way, or of its last part ``of``."""
        return share >= 1.0 or self.left > (1.0 - share) * of


@dataclass(frozen=True)
class Schedule:
    """The steps of one job. levels: before each of them, the noisiest first. ends: after each of them, mostly
    the next one's level; the last one is clean. skipped: noisier steps that were left out before the first.
    renoises: each step ends with fresh noise over its clean estimate, instead of what noise there was.
    """

    levels: tuple[Level, ...]
    ends: tuple[Level, ...]
    skipped: int = 0
    renoises: bool = False

    @classmethod
    def through(cls, pairs: Sequence[tuple[float, float]], times: Sequence[float]) -> Schedule:
        """From each (alpha, sigma) to the next, clean at last; ``left`` counts steps. times: of all."""
        steps = len(pairs) - 1
        # In the middle of the steps: no share of them lies on a border, whatever rounding does.
        left = [max(0.0, 1.0 - (i + 0.5) / steps) for i in range(steps + 1)]
        levels = [Level(*pair, time, x) for pair, time, x in zip(pairs, times, left, strict=True)]
        return cls(tuple(levels[:-1]), tuple(levels[1:]))

    def started(self, strength: float) -> Schedule:
        """The last of the steps alone: those that change a picture by ``strength``, in (0, 1]; 1 is all."""
        first = len(self.levels) - steps_run(len(self.levels), strength)
        return replace(self, levels=self.levels[first:], ends=self.ends[first:], skipped=self.skipped + first)

    @property
    def share(self) -> float:
        """How much of the whole way from noise to picture the steps are, in (0, 1]."""
        return len(self.levels) / (self.skipped + len(self.levels))

    def is_within(self, i: int, share: float) -> bool:
        """Whether step ``i`` (0 is the first) lies in the first ``share`` of the steps' own way."""
        return self.levels[i].is_within(share, self.share)


def steps_run(steps: int, strength: float) -> int:
    """How many of ``steps`` steps are run on a picture that is to change by ``strength``, in (0, 1]: that
    share of them, rounded up.

    diffusers' image-to-image pipelines round down, and refuse a strength that leaves no step. Here every
    strength changes something, and never less than was asked for; where the product is whole, both agree."""
    return max(1, math.ceil(round(steps * strength, 6)))  # 20 * 0.55 is 11.000000000000002
