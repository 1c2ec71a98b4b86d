"""The steps against diffusers' DDIM scheduler, and against exact trajectories."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from diffusers import DDPMScheduler, FlowMatchEulerDiscreteScheduler
from torch import Tensor

from engine.denoise import ddim
from engine.denoise import steps as step
from tests.engine import schedules
from tests.engine.schedules import SD15, ZERO_SNR


def ours(x: Tensor, config: dict[str, Any], steps: int) -> list[Tensor]:
    schedule = ddim.schedule(config, steps)
    states = []
    for level, end in zip(schedule.levels, schedule.ends, strict=True):
        output = schedules.output(x, level.time)
        x0 = step.X0_FROM[config["prediction_type"]](x, output, *level.alpha_sigma)
        x = step.ddim(x, x0, *level.alpha_sigma, *end.alpha_sigma)
        states.append(x)
    return states


@pytest.mark.parametrize("steps", [4, 20, 30, 50])
@pytest.mark.parametrize(
    ("config", "prediction"),
    # not (ZERO_SNR, "epsilon"): epsilon says nothing of x0 at zero terminal SNR
    [(SD15, "epsilon"), (SD15, "v_prediction"), (ZERO_SNR, "v_prediction"), (ZERO_SNR, "sample")],
)
def test_whole_trajectory_is_that_of_diffusers(config: dict[str, Any], prediction: str, steps: int) -> None:
    config = {**config, "prediction_type": prediction}
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for mine, reference in zip(ours(x, config, steps), schedules.by_diffusers(x, config, steps), strict=True):
        # diffusers keeps alphas in float32
        torch.testing.assert_close(mine, reference, rtol=2e-5, atol=2e-5)


def test_first_step_at_zero_snr_takes_x_as_the_noise() -> None:
    x, x0 = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(1)).unbind()
    after = step.ddim(x, x0, 0.0, 1.0, 0.6, 0.8)
    torch.testing.assert_close(after, 0.6 * x0 + 0.8 * x)


@pytest.mark.parametrize(("config", "steps"), [(SD15, 5), (SD15, 30), (ZERO_SNR, 5), (ZERO_SNR, 20)])
def test_stochastic_step_is_that_of_diffusers_ddpm(config: dict[str, Any], steps: int) -> None:
    """Mean and noise, at every timestep but the last, whose final alpha isn't 1 for Stable Diffusion."""
    scheduler, schedule = DDPMScheduler.from_config(config), ddim.schedule(config, steps)
    scheduler.set_timesteps(steps)
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for i, level in enumerate(schedule.levels[:-1]):
        now, t = level.alpha_sigma, int(level.time)
        output = schedules.output(x, t)
        convert = step.x0_from_v if config is ZERO_SNR else step.tweedie
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(i), dtype=torch.float64)
        mine = step.ddpm(x, convert(x, output, *now), *now, *schedule.ends[i].alpha_sigma, noise)
        given = torch.Generator().manual_seed(i)
        reference = scheduler.step(output, t, x, generator=given).prev_sample
        torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-4)
        x = mine


def test_stochastic_step_keeps_the_level_of_any_process() -> None:
    """x_prev = alpha_prev x0 + sigma_prev noise again, for rectified flow too: mean and variance by hand."""
    x0, eps, noise = torch.randn(
        3, 200_000, generator=torch.Generator().manual_seed(5), dtype=torch.float64
    ).unbind()
    for now, after in (((0.4, 0.6), (0.7, 0.3)), ((0.6, 0.8), (0.8, 0.6)), ((0.0, 1.0), (0.6, 0.8))):
        x = step.ddpm(now[0] * x0 + now[1] * eps, x0, *now, *after, noise)
        rest = x - after[0] * x0
        assert abs(float(rest.std()) - after[1]) < 0.01
        assert abs(float((rest * x0).mean())) < 0.01


@pytest.mark.parametrize("flow", [False, True])
def test_true_x0_is_reached_from_any_step(flow: bool) -> None:
    x0, eps = torch.randn(2, 6, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64).unbind()
    sigmas = [0.9, 0.5, 0.2, 0.0]
    pairs = [(1 - s if flow else (1 - s * s) ** 0.5, s) for s in sigmas]
    x = pairs[0][0] * x0 + pairs[0][1] * eps
    for now, after in itertools.pairwise(pairs):
        torch.testing.assert_close(step.tweedie(x, eps, *now), x0)
        x = step.ddim(x, x0, *now, *after)
        torch.testing.assert_close(x, after[0] * x0 + after[1] * eps)
    torch.testing.assert_close(x, x0)


def test_flow_step_is_diffusers_euler_step() -> None:
    scheduler = FlowMatchEulerDiscreteScheduler()
    scheduler.set_timesteps(10)
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(3))
    reference = x
    for i, t in enumerate(scheduler.timesteps):
        now, after = float(scheduler.sigmas[i]), float(scheduler.sigmas[i + 1])
        velocity = schedules.output(x, int(t))
        x0 = step.X0_FROM["flow"](x, velocity, 1 - now, now)
        x = step.ddim(x, x0, 1 - now, now, 1 - after, after)
        reference = scheduler.step(schedules.output(reference, int(t)), t, reference).prev_sample
        torch.testing.assert_close(x, reference, rtol=1e-5, atol=1e-5)


def test_v_conversions_undo_the_definition() -> None:
    x0, eps = torch.randn(2, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64).unbind()
    for alpha in (0.0, 0.3, 1.0):
        sigma = (1 - alpha**2) ** 0.5
        x, v = alpha * x0 + sigma * eps, alpha * eps - sigma * x0
        torch.testing.assert_close(step.x0_from_v(x, v, alpha, sigma), x0)
        torch.testing.assert_close(step.eps_from_v(x, v, alpha, sigma), eps)


@pytest.mark.parametrize("sigma", [1.0, 0.6, 0.0])
def test_flow_conversions_undo_the_definition(sigma: float) -> None:
    x0, eps = torch.randn(2, 6, generator=torch.Generator().manual_seed(4), dtype=torch.float64).unbind()
    x = (1 - sigma) * x0 + sigma * eps
    torch.testing.assert_close(step.X0_FROM["flow"](x, eps - x0, 1 - sigma, sigma), x0)
    torch.testing.assert_close(step.EPS_FROM["flow"](x, eps - x0, 1 - sigma, sigma), eps)


def test_tweedie_refuses_alpha_zero() -> None:
    with pytest.raises(ZeroDivisionError, match="alpha = 0"):
        step.tweedie(torch.ones(2), torch.ones(2), 0.0, 1.0)


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_eps_and_x0_make_up_the_state(prediction: str) -> None:
    x, output = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(1)).unbind()
    x0 = step.X0_FROM[prediction](x, output, 0.6, 0.8)
    eps = step.EPS_FROM[prediction](x, output, 0.6, 0.8)
    torch.testing.assert_close(0.6 * x0 + 0.8 * eps, x)
