"""Every method against the formulas of its paper (paper.py), and SyncMVD's step against diffusers' DDPM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import DDPMScheduler
from torch import Tensor

from engine.denoise import ddim
from engine.sync.sampler import Sync, sample
from tests.engine import schedules
from tests.engine.sync import paper, toys
from tests.engine.sync.runs import CASES, STEPS, VIEWS, run

PAPERS = pytest.mark.parametrize(
    ("config", "formulas", "count"),
    [(schedules.SD15, paper.Paper, STEPS), (schedules.STARTER, paper.PaperFromPureNoise, 20)],
    ids=["eps", "zero-snr-sample"],
)


@PAPERS
@pytest.mark.parametrize("case", [0, 1, 2, 3])
def test_instance_cases_are_the_papers(
    case: int, config: dict[str, Any], formulas: type[paper.Paper], count: int
) -> None:
    toy = toys.many_to_one()
    steps, network = run(f"case{case}" if case else "independent", toy, config, count)
    expected = formulas(toy, count).views(case, network.inputs[0].double().numpy())
    for step, state in zip(steps, expected, strict=True):
        np.testing.assert_allclose(step.x, state, atol=2e-4)


@PAPERS
@pytest.mark.parametrize("case", [4, 5])
def test_canonical_cases_are_the_papers(
    case: int, config: dict[str, Any], formulas: type[paper.Paper], count: int
) -> None:
    toy = toys.many_to_one()
    steps, network = run(f"case{case}", toy, config, count)
    judge = formulas(toy, count)
    expected = judge.canonical(case, *canonical_start(toy, network.inputs[0], judge))
    for step, state in zip(steps, expected, strict=True):
        np.testing.assert_allclose(step.x, state, atol=2e-4)


def test_the_fixture_tells_the_cases_apart() -> None:
    toy = toys.many_to_one()
    ends = {method: run(method, toy)[0][-1].x for method in ("independent", *CASES)}
    for a in ends:
        for b in ends:
            assert a == b or (ends[a] - ends[b]).abs().max() > 0.05, (a, b)


def canonical_start(toy: toys.Toy, first: Tensor, judge: paper.Paper) -> tuple[Any, Any, Any]:
    """(z, background, its noise), read off the ``first`` input of the network."""
    w = first.double().numpy()
    alpha, sigma = judge.levels(judge.times[0])[:2]
    z = np.stack([w[v, :, 0, c] for v, c in (np.argwhere(toy.element == k)[0] for k in range(5))])
    return z, np.full_like(w, 0.3), (w - alpha * 0.3) / sigma


@PAPERS
@pytest.mark.parametrize("share", [0.8, 0.3])
def test_syncmvd_is_the_papers(
    share: float, config: dict[str, Any], formulas: type[paper.Paper], count: int
) -> None:
    toy = toys.many_to_one()
    steps, network = run("syncmvd", toy, config, count, share, seed=5)
    generator = torch.Generator().manual_seed(5)
    torch.randn(VIEWS, generator=generator), torch.randn(5, 2, generator=generator)  # before the first step

    def draws() -> Iterator[Any]:
        for t in judge.times:
            shape = (5, 2) if judge.synchronised(t) else VIEWS
            yield torch.randn(shape, generator=generator).double().numpy()

    judge = formulas(toy, count, share)
    expected = judge.syncmvd(*canonical_start(toy, network.inputs[0], judge), draws())
    for step, state in zip(steps, expected, strict=True):
        np.testing.assert_allclose(step.x, state, atol=1e-3)


@pytest.mark.parametrize("share", [0.0, 1.0])
@pytest.mark.parametrize(
    "config",
    [{**schedules.SD15, "set_alpha_to_one": True}, schedules.ZERO_SNR, schedules.STARTER],
    ids=["eps", "zero-snr-v", "zero-snr-sample"],
)
def test_syncmvd_takes_the_steps_of_diffusers_ddpm(config: dict[str, Any], share: float) -> None:
    """One view, all of the texture: together or on its own, it is plain DDPM with the same noise."""
    steps, network = run("syncmvd", toys.identity(1, 7), config, 20, share, seed=9)
    generator = torch.Generator().manual_seed(9)
    torch.randn(1, 2, 1, 7, generator=generator)
    z = torch.randn(7, 2, generator=generator)
    x = z if share else network.inputs[0]
    scheduler = DDPMScheduler.from_config(config)
    scheduler.set_timesteps(20)
    for step, t in zip(steps, scheduler.timesteps, strict=True):
        x = scheduler.step(schedules.output(x, int(t)), int(t), x, generator=generator).prev_sample
        state = x.T.reshape(1, 2, 1, 7) if share else x
        torch.testing.assert_close(step.x, state, rtol=1e-4, atol=1e-4)


@PAPERS
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]])
@pytest.mark.parametrize("inverse_lambda", [5.0, 0.7])
def test_syncsde_is_the_papers(
    order: list[int],
    inverse_lambda: float,
    config: dict[str, Any],
    formulas: type[paper.Paper],
    count: int,
) -> None:
    toy = toys.many_to_one()
    schedule = ddim.schedule(config, count)
    network = toys.ToyNetwork(schedule, config["prediction_type"])
    x = toys.unit_noise(VIEWS, 1)
    sync = Sync("syncsde", toy.ordered(order), inverse_lambda=inverse_lambda)
    steps = sample(network, schedule, sync, x, lambda i: x, torch.Generator())
    expected = formulas(toy, count).syncsde(x.double().numpy(), inverse_lambda, order)
    for step, state in zip(steps, expected, strict=True):
        np.testing.assert_allclose(step.x, state, atol=1e-3)


GOLDEN = {  # computed by paper.Paper, not by the engine
    "independent": [-6.188, -1.5869, -4.5236, 2.2017, 2.1125, -2.95],
    "case1": [-6.188, -1.5476, -2.0558, 8.239, 0.1794, -4.5092],
    "case2": [-6.188, 1.9683, -8.509, 0.1202, 2.1675, 0.0036],
    "case3": [-6.188, 2.1213, 1.9561, 2.121, 2.1256, 2.1245],
    "case4": [0.6281, 4.306, 2.256, 3.2722, -2.2781, -16.4493],
    "case5": [0.6281, -0.2095, 2.0485, 1.995, -2.2781, -12.4248],
}


@pytest.mark.parametrize("method", sorted(GOLDEN))
def test_golden_numbers(method: str) -> None:
    """View 1, channel 0 after the last step."""
    last = run(method, toys.many_to_one())[0][-1].x
    np.testing.assert_allclose(last[1, 0, 0], GOLDEN[method], atol=1e-3)
