"""Starting from a picture instead of from noise: against diffusers, and what becomes of the picture."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from engine.denoise import ddim
from engine.sync.sampler import Step, sample
from tests.engine import schedules
from tests.engine.sync import toys
from tests.engine.sync.runs import CANONICAL, KINDS, METHODS, agreement, run, sync_of


def from_picture(
    method: str, toy: toys.Toy, config: dict[str, Any], strength: float, share: float = 0.8
) -> tuple[list[Step], toys.ToyNetwork, Tensor, Tensor]:
    """As ``run``, from clean latents: also these, and the noise that the sampler was given."""
    schedule = ddim.schedule(config, 20).started(strength)
    network = toys.ToyNetwork(schedule, config["prediction_type"])
    shape = (len(toy.element), 2, 1, toy.element.shape[1])
    clean, x = toys.unit_noise(shape, 2) * 0.4, toys.unit_noise(shape, 1)
    behind = torch.full_like(x, 0.3)
    generator = torch.Generator().manual_seed(5)
    sync = sync_of(method, toy, share=share)
    steps = list(sample(network, schedule, sync, x, lambda i: behind, generator, clean))
    return steps, network, clean, x


@pytest.mark.parametrize("strength", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("method", ["independent", "synctweedies", "case1", "case3", "syncsde"])
@KINDS
def test_a_start_from_a_picture_is_diffusers(config: dict[str, Any], method: str, strength: float) -> None:
    steps, network, clean, noise = from_picture(method, toys.identity(2, 7), config, strength)
    scheduler = DDIMScheduler.from_config(config)
    scheduler.set_timesteps(20)
    times = scheduler.timesteps[20 - round(20 * strength) :]
    x = scheduler.add_noise(clean, noise, times[:1])
    torch.testing.assert_close(network.inputs[0], x, rtol=1e-5, atol=1e-5)
    assert len(steps) == len(times)
    for step, t in zip(steps, times, strict=True):
        x = scheduler.step(schedules.output(x, int(t)), int(t), x, eta=0.0).prev_sample
        torch.testing.assert_close(step.x, x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", CANONICAL)
def test_a_canonical_start_from_a_picture_shows_it_under_noise(method: str) -> None:
    toy = toys.many_to_one()
    _, network, clean, noise = from_picture(method, toy, schedules.SD15, 0.3)
    schedule, behind = network.schedule, torch.full_like(clean, 0.3)
    blank = toys.ToyNetwork(schedule)
    generator = torch.Generator().manual_seed(5)
    list(sample(blank, schedule, sync_of(method, toy), noise, lambda i: behind, generator, 0 * clean))
    difference = network.inputs[0] - blank.inputs[0]  # the noise is the same
    alpha = schedule.levels[0].alpha
    shown = toy.space.project(toy.space.unproject(clean), torch.zeros_like(clean))
    torch.testing.assert_close(difference, alpha * shown, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_from_pure_noise_a_picture_leaves_no_trace(method: str) -> None:
    steps, network, _, _ = from_picture(method, toys.many_to_one(), schedules.STARTER, 1.0)
    without, _ = run(method, toys.many_to_one(), schedules.STARTER, 20)
    assert network.schedule.levels[0].alpha == 0
    for step, other in zip(steps, without, strict=True):
        torch.testing.assert_close(step.x, other.x, rtol=0, atol=0)


def test_the_window_is_a_share_of_the_steps_that_are_run() -> None:
    toy = toys.many_to_one()
    steps, _, _, _ = from_picture("case2", toy, schedules.ZERO_SNR, 0.5)
    assert [agreement(toy, step.x0) < 1e-5 for step in steps] == [True] * 8 + [False] * 2
