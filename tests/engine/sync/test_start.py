"""Starting from a picture instead of from noise: against diffusers, and what becomes of the picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler
from torch import Tensor

from engine.denoise import ddim
from engine.sync.sampler import Present, Step, sample
from tests.engine import schedules
from tests.engine.sync import toys
from tests.engine.sync.runs import CANONICAL, KINDS, METHODS, agreement, run, sync_of


def from_picture(
    method: str,
    toy: toys.Toy,
    config: dict[str, Any],
    strength: float,
    share: float = 0.8,
    known: Tensor | None = None,
) -> tuple[list[Step], toys.ToyNetwork, Tensor, Tensor]:
    """As ``run``, from clean latents: also these, and the noise that the sampler was given."""
    schedule = ddim.schedule(config, 20).started(strength)
    network = toys.ToyNetwork(schedule, config["prediction_type"])
    shape = (len(toy.element), 2, 1, toy.element.shape[1])
    clean, x = toys.unit_noise(shape, 2) * 0.4, toys.unit_noise(shape, 1)
    behind = torch.full_like(x, 0.3)
    generator = torch.Generator().manual_seed(5)
    sync = sync_of(method, toy, share=share)
    steps = list(sample(network, schedule, sync, x, lambda i: behind, generator, Present(clean, known)))
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
    list(
        sample(blank, schedule, sync_of(method, toy), noise, lambda i: behind, generator, Present(0 * clean))
    )
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


SOME = torch.tensor([[1.0, 1, 0, 0, 0.3, 1, 0], [0.0, 1, 1, 0.5, 0, 0, 1]])[:, None, None]  # of views known


@pytest.mark.parametrize("strength", [0.5, 1.0])
@pytest.mark.parametrize("method", ["independent", "synctweedies", "case1", "case3", "syncsde"])
def test_a_known_part_is_inpainted_as_by_diffusers(method: str, strength: float) -> None:
    """Its pipeline for models that weren't trained for it puts what is known, at the next level's noise, over
    the latents after every step. Soft edges are ours alone."""
    config, hard = schedules.SD15, (SOME == 1).float()
    steps, _, clean, noise = from_picture(method, toys.identity(2, 7), config, strength, known=hard)
    scheduler = DDIMScheduler.from_config(config)
    scheduler.set_timesteps(20)
    times = scheduler.timesteps[20 - round(20 * strength) :]
    x = scheduler.add_noise(clean, noise, times[:1])
    for step, t, after in zip(steps, times, [*times[1:], None], strict=True):
        x = scheduler.step(schedules.output(x, int(t)), int(t), x, eta=0.0).prev_sample
        # Without noise at last: the pipeline leaves that to the end, too.
        known = clean if after is None else scheduler.add_noise(clean, noise, after[None])
        x = torch.lerp(x, known, hard)
        inside = hard.expand_as(x) == 0
        torch.testing.assert_close(step.x[inside], x[inside], rtol=1e-4, atol=1e-4)
        if after is not None:
            torch.testing.assert_close(step.x, x, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(step.x[~inside], clean[~inside], rtol=0, atol=0.07)  # level 0 isn't clean


@pytest.mark.parametrize("method", ["case2", "case5"])
def test_what_is_known_takes_the_place_of_the_estimate(method: str) -> None:
    """By loops over elements and pixels, soft edges too."""
    toy = toys.many_to_one(views=2, width=7)
    steps, network, clean, _ = from_picture(method, toy, schedules.SD15, 0.5, share=1.0, known=SOME)
    schedule, behind = network.schedule, np.full(clean.shape, 0.3)
    spread = np.broadcast_to(SOME.numpy(), clean.shape).astype(np.float64)
    z_known, z_clean = toy.g(spread), toy.g(clean.double().numpy())
    seen = np.broadcast_to((toy.element >= 0)[:, None, None], clean.shape)
    for i, step in enumerate(steps):
        (a, s), (a_next, s_next) = schedule.levels[i].alpha_sigma, schedule.ends[i].alpha_sigma
        x = network.inputs[i]
        estimate = ((x - s * schedules.output(x, schedule.levels[i].time)) / a).double().numpy()
        z0, shown = toy.g(estimate), estimate
        if method == "case5":
            z0, shown = (1 - z_known) * z0 + z_known * z_clean, behind
        x0 = toy.f(z0, shown)
        held = (1 - spread) * x0 + spread * clean.numpy()
        np.testing.assert_allclose(step.x0.numpy(), held, atol=1e-4)
        if method == "case2":
            x0, seen = held, np.ones_like(seen)
        after = a_next * x0 + s_next / s * (x.double().numpy() - a * x0)
        np.testing.assert_allclose(step.x.numpy()[seen], after[seen], atol=1e-4)
