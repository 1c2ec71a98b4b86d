"""Which timesteps are visited, and how noisy each is: diffusers' own DDIM numbers in float64.

Checkpoints ship many scheduler configs (Stable Diffusion 1.5: PNDM); all of them describe the same noise,
so each is read as a DDIM config, as the published implementation does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from .steps import X0_FROM


@dataclass(frozen=True)
class Schedule:
    """The steps of one job, from noise to picture.

    timesteps: falling ints in [0, train_steps). alphas_cumprod: (train_steps,) float64 on the CPU, alpha^2 of
    every timestep. final: alpha^2 after the last step. stride: timesteps between a step and the next.
    skipped: noisier steps that were left out before the first of ``timesteps``.
    """

    timesteps: tuple[int, ...]
    alphas_cumprod: Tensor
    final: float
    stride: int
    skipped: int = 0

    @classmethod
    def from_config(cls, config: Mapping[str, Any], steps: int) -> Schedule:
        """The schedule of ``steps`` steps for a diffusers scheduler config (its JSON as a mapping).

        Raises UserError where the model wasn't trained for that many steps.
        """
        scheduler = ddim_scheduler(config)
        trained = len(scheduler.alphas_cumprod)
        if not 1 <= steps <= trained:
            raise UserError(f"{steps} steps asked for", f"choose 1 to {trained} steps")
        scheduler.set_timesteps(steps)
        # Leading spacing with an offset can name a timestep past the last one (1000 of 0..999).
        times = tuple(min(int(t), trained - 1) for t in scheduler.timesteps)
        alphas = scheduler.alphas_cumprod.double()
        return cls(times, alphas, float(scheduler.final_alpha_cumprod), trained // steps)

    def started(self, strength: float) -> Schedule:
        """The last of the steps alone: those that change a picture by ``strength``, in (0, 1]; 1 is all."""
        skipped = len(self.timesteps) - steps_run(len(self.timesteps), strength)
        return replace(self, timesteps=self.timesteps[skipped:], skipped=self.skipped + skipped)

    @property
    def share(self) -> float:
        """How much of the whole way from noise to picture the steps are, in (0, 1]."""
        return len(self.timesteps) / (self.skipped + len(self.timesteps))

    def alpha_sigma(self, t: int) -> tuple[float, float]:
        """(alpha, sigma) at timestep ``t``, with alpha^2 + sigma^2 = 1."""
        return _split(float(self.alphas_cumprod[t]))

    def previous(self, i: int) -> tuple[float, float]:
        """(alpha, sigma) after step ``i`` (0 is the first). As in diffusers' DDIM, one stride below the
        timestep rather than at the next one; they differ by rounding where steps don't divide 1000."""
        t = self.timesteps[i] - self.stride
        return self.alpha_sigma(t) if t >= 0 else _split(self.final)


def steps_run(steps: int, strength: float) -> int:
    """How many of ``steps`` steps are run on a picture that is to change by ``strength``, in (0, 1]: that
    share of them, rounded up.

    diffusers' image-to-image pipelines round down, and refuse a strength that leaves no step. Here every
    strength changes something, and never less than was asked for; where the product is whole, both agree."""
    return max(1, math.ceil(round(steps * strength, 6)))  # 20 * 0.55 is 11.000000000000002


def ddim_scheduler(config: Mapping[str, Any]) -> Any:
    """diffusers' DDIMScheduler for any scheduler's config; raises UserError for what isn't supported."""
    # Imported here: schedules are cheap to ask for, diffusers isn't.
    from diffusers.schedulers.scheduling_ddim import DDIMScheduler

    prediction = config.get("prediction_type", "epsilon")
    if prediction not in X0_FROM:
        raise UserError(
            f"the model predicts {prediction!r}, which isn't supported",
            "use a model with epsilon, v_prediction or sample (Stable Diffusion 1.x or 2.x)",
        )
    return DDIMScheduler.from_config(dict(config))


def _split(alpha_squared: float) -> tuple[float, float]:
    return float(torch.tensor(alpha_squared, dtype=torch.float64).sqrt()), (1.0 - alpha_squared) ** 0.5
