"""Steps that end with fresh noise: diffusers' LCM where all methods are one, whose noise it is, sameness."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import LCMScheduler
from diffusers.schedulers import scheduling_lcm
from torch import Tensor

from engine.denoise import ddim
from engine.models.accelerators import TABLE
from engine.sync.sampler import Step, sample
from tests.engine import schedules
from tests.engine.sync import toys
from tests.engine.sync.runs import CANONICAL, METHODS, VIEWS, agreement, sync_of

STEPS = 6


def run(method: str, toy: toys.Toy, seed: int = 5, share: float = 0.8) -> tuple[list[Step], toys.ToyNetwork]:
    schedule = ddim.distilled(schedules.SD15, STEPS, TABLE["lcm"])
    network = toys.ToyNetwork(schedule)
    x = toys.unit_noise((len(toy.element), 2, 1, toy.element.shape[1]), 1)
    behind, generator = torch.full_like(x, 0.3), torch.Generator().manual_seed(seed)
    sync = sync_of(method, toy, share=share)
    return list(sample(network, schedule, sync, x, lambda i: behind, generator)), network


def noises(states: list[Step], network: toys.ToyNetwork) -> list[Tensor]:
    """What each step but the last put over its estimate."""
    ends = network.schedule.ends
    return [(s.x - ends[s.i].alpha * s.x0) / ends[s.i].sigma for s in states[:-1]]


@pytest.mark.parametrize("method", METHODS)
def test_with_identity_maps_every_method_is_diffusers_lcm(
    method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    states, network = run(method, toys.identity(2, 200))
    fresh = noises(states, network)
    for noise in fresh:
        assert noise.std().item() == pytest.approx(1, abs=0.08)
        assert noise.mean().item() == pytest.approx(0, abs=0.12)
    given = iter(fresh)
    monkeypatch.setattr(scheduling_lcm, "randn_tensor", lambda *_, **__: next(given))
    scheduler, x = LCMScheduler.from_config(schedules.SD15), network.inputs[0]
    scheduler.set_timesteps(STEPS)
    for t, state in zip(scheduler.timesteps, states, strict=True):
        x = scheduler.step(schedules.output(x, int(t)), t, x).prev_sample
        torch.testing.assert_close(state.x, x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_noise_is_fresh_after_every_step(method: str) -> None:
    together = torch.stack([n.flatten() for n in noises(*run(method, toys.identity(2, 200)))])
    assert (torch.corrcoef(together) - torch.eye(STEPS - 1)).abs().max() < 0.15


@pytest.mark.parametrize("method", [m for m in METHODS if m not in (*CANONICAL, "case3", "syncsde")])
def test_views_that_see_the_same_get_the_same_noise(method: str) -> None:
    toy = toys.many_to_one()
    for noise in noises(*run(method, toy)):
        assert agreement(toy, noise) < 1e-4


@pytest.mark.parametrize("method", CANONICAL)
def test_of_methods_that_step_the_texture_it_is_the_textures(method: str) -> None:
    """What views show of the state is one texture, noise and all."""
    toy = toys.many_to_one()
    states, _ = run(method, toy, share=1.0)
    assert all(agreement(toy, state.x) < 1e-6 for state in states)
    assert float((states[0].x - states[0].x0).std()) > 0.5


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_and_another_another(method: str) -> None:
    def last(seed: int) -> Any:
        return run(method, toys.many_to_one(), seed)[0][-1].x

    assert torch.equal(last(1), last(1))
    assert not torch.allclose(last(1), last(2), atol=1e-3)
    assert last(1).shape == VIEWS
