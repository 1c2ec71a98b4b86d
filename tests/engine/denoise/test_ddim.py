"""Timesteps and noise levels, against what is published and diffusers; configs that mean something else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from diffusers import DDIMScheduler, StableDiffusionControlNetImg2ImgPipeline

from engine.denoise import ddim
from engine.denoise.levels import Schedule, steps_run
from engine.errors import UserError
from tests.engine.schedules import SD15, ZERO_SNR


def times(schedule: Schedule) -> list[int]:
    return [int(level.time) for level in schedule.levels]


def test_published_timesteps() -> None:
    thirty = times(ddim.schedule(SD15, 30))
    assert thirty[:3] == [958, 925, 892]
    assert thirty[-3:] == [67, 34, 1]
    assert times(ddim.schedule(SD15, 50))[:2] == [981, 961]


def test_the_published_window_counts_timesteps() -> None:
    """Synchronised while t > 200: 23 of 30 steps, not 24."""
    schedule = ddim.schedule(SD15, 30)
    assert sum(schedule.is_within(i, 0.8) for i in range(30)) == 23
    assert sum(t > 200 for t in times(schedule)) == 23
    assert [level.left for level in schedule.levels] == [t / 1000 for t in times(schedule)]


def test_trailing_zero_snr_starts_from_pure_noise() -> None:
    schedule = ddim.schedule(ZERO_SNR, 20)
    assert schedule.levels[0].time == 999
    assert schedule.levels[0].alpha_sigma == (0.0, 1.0)
    assert schedule.ends[-1].alpha_sigma == (1.0, 0.0)


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace"])
@pytest.mark.parametrize("steps", [1, 7, 30, 999, 1000])
def test_a_step_ends_where_that_of_diffusers_does(spacing: str, steps: int) -> None:
    config = {**SD15, "timestep_spacing": spacing}
    schedule, scheduler = ddim.schedule(config, steps), DDIMScheduler.from_config(config)
    for t, end in zip(times(schedule), schedule.ends, strict=True):
        before = t - 1000 // steps
        square = scheduler.alphas_cumprod[before] if before >= 0 else scheduler.final_alpha_cumprod
        assert end.alpha**2 == pytest.approx(float(square), rel=1e-9)


@pytest.mark.parametrize("config", [SD15, ZERO_SNR], ids=["leading", "trailing"])
def test_any_number_of_steps_falls_from_noise_to_picture(config: dict[str, Any]) -> None:
    """diffusers' trailing timesteps of 61 steps are 62, the last of them -1."""
    for steps in (*range(1, 130), 333, 500, 999):
        found = times(ddim.schedule(config, steps))
        assert len(found) == steps
        assert min(found) >= 0
        assert found == sorted(set(found), reverse=True)


def test_alpha_and_sigma_are_variance_preserving() -> None:
    for level in ddim.schedule(SD15, 10).levels:
        assert level.alpha**2 + level.sigma**2 == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_impossible_steps(steps: int) -> None:
    with pytest.raises(UserError, match="steps"):
        ddim.schedule(SD15, steps)


def test_unsupported_prediction() -> None:
    with pytest.raises(UserError, match="flow"):
        ddim.schedule({**SD15, "prediction_type": "flow"}, 10)


@pytest.mark.parametrize(
    "kind",
    [
        "FlowMatchEulerDiscreteScheduler",
        "EDMDPMSolverMultistepScheduler",
        "EDMEulerScheduler",
        "SomeNewScheduler",
        None,
    ],
)
def test_schedulers_of_another_kind_are_refused_by_name(kind: str | None) -> None:
    """They were read as DDIM with whatever betas its defaults have."""
    config = {"_class_name": kind, "num_train_timesteps": 1000, "shift": 3.0}
    with pytest.raises(UserError, match=f"scheduler is {kind}") as error:
        ddim.schedule(config, 8)
    assert error.value.fix


def test_a_known_scheduler_made_for_flows_is_refused() -> None:
    config = {**SD15, "_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True}
    with pytest.raises(UserError, match="flow matching"):
        ddim.schedule(config, 8)


@pytest.mark.parametrize("kind", ddim.CLASSES)
def test_known_schedulers_describe_the_same_noise(kind: str) -> None:
    assert ddim.schedule({**SD15, "_class_name": kind}, 5) == ddim.schedule(SD15, 5)


def test_every_known_scheduler_is_one_of_diffusers() -> None:
    import diffusers

    assert all(hasattr(diffusers, kind) for kind in ddim.CLASSES)


def test_what_begins_with_pure_noise_begins_at_the_noisiest_level() -> None:
    """Whatever the config says of spacing: with leading it began at alpha 0.13 with nothing but noise."""
    leading = {**ZERO_SNR, "timestep_spacing": "leading"}
    assert ddim.schedule(leading, 8) == ddim.schedule(ZERO_SNR, 8)
    assert ddim.schedule(leading, 8).levels[0].alpha == 0


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
    theirs, _ = StableDiffusionControlNetImg2ImgPipeline.get_timesteps(
        SimpleNamespace(scheduler=scheduler), steps, given + 1e-9, "cpu"
    )
    schedule = ddim.schedule(config, steps)
    started = schedule.started(strength)
    assert times(started) == [min(int(t), 999) for t in theirs]
    assert len(started.levels) == steps_run(steps, strength) >= 1
    assert started.share == pytest.approx(len(theirs) / steps)
    assert started.ends[0] == schedule.ends[started.skipped]
    if strength == 1:
        assert started == schedule
