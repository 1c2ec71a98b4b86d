"""Timesteps and noise levels, against the published numbers and diffusers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from diffusers import DDIMScheduler, StableDiffusionControlNetImg2ImgPipeline

from engine.denoise.levels import Schedule, steps_run
from engine.errors import UserError
from tests.engine.schedules import SD15, ZERO_SNR


def test_published_timesteps() -> None:
    thirty = Schedule.from_config(SD15, 30).timesteps
    assert thirty[:3] == (958, 925, 892)
    assert thirty[-3:] == (67, 34, 1)
    assert sum(t > 200 for t in thirty) == 23  # the published window: 23 synchronised, 7 free
    assert Schedule.from_config(SD15, 50).timesteps[:2] == (981, 961)


def test_trailing_zero_snr_starts_from_pure_noise() -> None:
    schedule = Schedule.from_config(ZERO_SNR, 20)
    assert schedule.timesteps[0] == 999
    assert schedule.alpha_sigma(999) == (0.0, 1.0)
    assert schedule.previous(19) == (1.0, 0.0)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("steps", [1, 7, 30, 999, 1000])
def test_previous_is_that_of_diffusers(spacing: str, steps: int) -> None:
    config = {**SD15, "timestep_spacing": spacing}
    schedule, scheduler = Schedule.from_config(config, steps), DDIMScheduler.from_config(config)
    for i, t in enumerate(schedule.timesteps):
        before = t - 1000 // steps
        square = scheduler.alphas_cumprod[before] if before >= 0 else scheduler.final_alpha_cumprod
        assert schedule.previous(i)[0] ** 2 == pytest.approx(float(square), rel=1e-9)


def test_alpha_and_sigma_are_variance_preserving() -> None:
    schedule = Schedule.from_config(SD15, 10)
    for t in schedule.timesteps:
        alpha, sigma = schedule.alpha_sigma(t)
        assert alpha**2 + sigma**2 == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_steps(steps: int) -> None:
    with pytest.raises(UserError, match="steps"):
        Schedule.from_config(SD15, steps)


def test_unsupported_prediction() -> None:
    with pytest.raises(UserError, match="flow"):
        Schedule.from_config({**SD15, "prediction_type": "flow"}, 10)


@pytest.mark.parametrize("config", [SD15, ZERO_SNR], ids=["sd15", "starter"])
@pytest.mark.parametrize("strength", [0.001, 0.05, 0.3, 0.55, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("steps", [1, 20, 30])
def test_a_picture_is_started_from_where_diffusers_starts(
    config: dict[str, Any], strength: float, steps: int
) -> None:
    scheduler = DDIMScheduler.from_config(config)
    scheduler.set_timesteps(steps)
    whole = round(steps * strength, 6).is_integer()
    given = strength if whole else (int(steps * strength) + 1) / steps  # diffusers rounds down, even to none
    times, _ = StableDiffusionControlNetImg2ImgPipeline.get_timesteps(
        SimpleNamespace(scheduler=scheduler), steps, given + 1e-9, "cpu"
    )
    schedule = Schedule.from_config(config, steps)
    started = schedule.started(strength)
    assert started.timesteps == tuple(min(int(t), 999) for t in times)
    assert len(started.timesteps) == steps_run(steps, strength) >= 1
    assert started.share == pytest.approx(len(times) / steps)
    assert started.previous(0) == schedule.previous(started.skipped)
    if strength == 1:
        assert started.timesteps == schedule.timesteps
