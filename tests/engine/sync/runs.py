"""Whole trajectories of toys by the sampler, for several tests."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.denoise import ddim
from engine.sync.sampler import Step, Sync, sample
from tests.engine import schedules
from tests.engine.sync import toys

CASES = ("case1", "case2", "case3", "case4", "case5")
METHODS = ("independent", "synctweedies", "syncmvd", "syncsde", *CASES)
CANONICAL = ("case4", "case5", "syncmvd")
RANDOM = ("syncmvd",)  # draw noise at every step
VIEWS = (3, 2, 1, 6)
STEPS = 30
KINDS = pytest.mark.parametrize(
    "config",
    [schedules.SD15, schedules.ZERO_SNR, schedules.STARTER],
    ids=["eps", "zero-snr-v", "zero-snr-sample"],
)


def run(
    method: str,
    toy: toys.Toy,
    config: dict[str, Any] | None = None,
    steps: int = STEPS,
    share: float = 0.8,
    seed: int = 5,
    inverse_lambda: float | None = None,
    order: int = 1,
) -> tuple[list[Step], toys.ToyNetwork]:
    """The whole trajectory from independent noise, over a grey background."""
    config = config or schedules.SD15
    schedule = ddim.schedule(config, steps)
    network = toys.ToyNetwork(schedule, config["prediction_type"])
    x = toys.unit_noise((len(toy.element), 2, 1, toy.element.shape[1]), 1)
    behind = torch.full_like(x, 0.3)
    generator = torch.Generator().manual_seed(seed)
    sync = sync_of(method, toy, share=share, inverse_lambda=inverse_lambda, order=order)
    return list(sample(network, schedule, sync, x, lambda i: behind, generator)), network


def sync_of(method: str, toy: toys.Toy, **fields: Any) -> Sync:
    return Sync(method, toy.space, **fields)


def agreement(toy: toys.Toy, x: Tensor) -> float:
    """The largest difference between pixels that show one element."""
    flat = x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])
    shown = toy.element.reshape(-1)
    spread = [flat[torch.from_numpy(shown == k)] for k in set(shown[shown >= 0].tolist())]
    return max(float((s.max(dim=0).values - s.min(dim=0).values).max()) for s in spread)
