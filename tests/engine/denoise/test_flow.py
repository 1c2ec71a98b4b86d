"""The levels and steps of flow matching, against diffusers' scheduler as its pipelines use it."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import FlowMatchEulerDiscreteScheduler
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from engine.denoise import ddim, flow, steps
from engine.errors import UserError
from tests.engine import schedules

# As the models ship them.
Z_IMAGE: dict[str, Any] = {"_class_name": flow.CLASS, "num_train_timesteps": 1000, "shift": 3.0}
FLUX: dict[str, Any] = {**Z_IMAGE, "use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}
SCHNELL: dict[str, Any] = {**Z_IMAGE, "shift": 1.0}
QWEN: dict[str, Any] = {**FLUX, "max_shift": 0.9, "max_image_seq_len": 8192, "shift_terminal": 0.02}
CONFIGS = [Z_IMAGE, FLUX, SCHNELL, QWEN, {**QWEN, "time_shift_type": "linear"}]


def by_diffusers(config: dict[str, Any], count: int, tokens: int) -> Any:
    """Its scheduler, set as the pipelines of Z-Image, FLUX.1 and Qwen-Image do."""
    from diffusers.pipelines.flux.pipeline_flux import calculate_shift

    names = ("base_image_seq_len", "max_image_seq_len", "base_shift", "max_shift")
    scheduler = FlowMatchEulerDiscreteScheduler.from_config(config)
    mu = calculate_shift(tokens, *(scheduler.config[name] for name in names))
    scheduler.set_timesteps(sigmas=list(np.linspace(1.0, 1 / count, count)), mu=mu)
    return scheduler


def velocity(x: Tensor, time: float) -> Tensor:
    return torch.sin(3 * x + time / 250) * 0.8 + 0.1 * x


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(CONFIGS), st.integers(2, 60), st.integers(64, 16384))
def test_levels_are_the_schedulers(config: dict[str, Any], count: int, tokens: int) -> None:
    scheduler, schedule = by_diffusers(config, count, tokens), flow.schedule(config, count, tokens)
    levels = (*schedule.levels, schedule.ends[-1])
    np.testing.assert_allclose([level.sigma for level in levels], scheduler.sigmas, atol=2e-6)
    np.testing.assert_allclose([level.time for level in schedule.levels], scheduler.timesteps, atol=2e-3)
    assert all(level.alpha + level.sigma == pytest.approx(1.0) for level in levels)
    assert levels[0].alpha == 0
    assert levels[-1].sigma == 0


@pytest.mark.parametrize("config", CONFIGS)
def test_our_step_is_eulers(config: dict[str, Any]) -> None:
    """After each step the same state, the first one from pure noise, where x0 = x - sigma v is finite and
    exact."""
    scheduler, schedule = by_diffusers(config, 8, 4096), flow.schedule(config, 8, 4096)
    ours = theirs = torch.randn(2, 4, 5, 5, generator=torch.Generator().manual_seed(0))
    for level, end, t in zip(schedule.levels, schedule.ends, scheduler.timesteps, strict=True):
        x0 = steps.X0_FROM["flow"](ours, velocity(ours, level.time), *level.alpha_sigma)
        ours = steps.ddim(ours, x0, *level.alpha_sigma, *end.alpha_sigma)
        theirs = scheduler.step(velocity(theirs, float(t)), t, theirs).prev_sample
        assert torch.isfinite(x0).all()
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=0)


def test_the_clean_picture_is_exact_at_pure_noise() -> None:
    """Where x is the noise itself, and holds nothing of x0."""
    x0, noise = torch.rand(2, 4), torch.randn(2, 4)
    level = flow.schedule(Z_IMAGE, 4, 4096).levels[0]
    assert level.alpha == 0
    torch.testing.assert_close(steps.X0_FROM["flow"](noise, noise - x0, *level.alpha_sigma), x0)
    torch.testing.assert_close(steps.EPS_FROM["flow"](noise, noise - x0, *level.alpha_sigma), noise)


def test_larger_pictures_stay_noisy_for_longer() -> None:
    few, many = (flow.schedule(FLUX, 8, tokens).levels[4].sigma for tokens in (1024, 4096))
    assert few < many
    assert flow.schedule(Z_IMAGE, 8, 1024) == flow.schedule(Z_IMAGE, 8, 4096)


def test_shares_are_counted_in_steps() -> None:
    assert sum(level.is_within(0.5) for level in flow.schedule(Z_IMAGE, 8, 4096).levels) == 4


@pytest.mark.parametrize("steps", [0, -1, 1001])
def test_too_few_and_too_many_steps_are_refused(steps: int) -> None:
    with pytest.raises(UserError, match=f"{steps} steps asked for"):
        flow.schedule(Z_IMAGE, steps, 4096)


@pytest.mark.parametrize("config", CONFIGS)
def test_one_step_goes_from_noise_to_picture(config: dict[str, Any]) -> None:
    schedule = flow.schedule(config, 1, 4096)
    assert (schedule.levels[0].sigma, schedule.ends[0].sigma) == (1, 0)


@pytest.mark.parametrize(
    "change",
    [
        {"_class_name": "EulerDiscreteScheduler"},
        {"_class_name": None},
        {"use_karras_sigmas": True},
        {"use_beta_sigmas": True},
        {"invert_sigmas": True},
        {"stochastic_sampling": True},
        {"time_shift_type": "cubic"},
        {"base_image_seq_len": 4096},
    ],
)
def test_other_schedules_are_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=str(next(iter(change.values()))) + "|" + next(iter(change))):
        flow.schedule({**FLUX, **change}, 8, 4096)


NUMBERS = st.one_of(
    st.none(), st.booleans(), st.text(max_size=3), st.integers(), st.floats(), st.lists(st.integers())
)


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.sampled_from(list(flow._NUMBERS)), NUMBERS), st.booleans(), st.integers(1, 50))
def test_any_number_gives_falling_levels_or_one_line(
    changes: dict[str, Any], dynamic: bool, count: int
) -> None:
    with suppress(UserError):
        schedule = flow.schedule({**FLUX, **changes, "use_dynamic_shifting": dynamic}, count, 4096)
        sigmas = [level.sigma for level in (*schedule.levels, schedule.ends[-1])]
        assert sigmas[0] == 1
        assert sigmas[-1] == 0
        assert all(now >= then for now, then in pairwise(sigmas))


def test_neither_kind_of_schedule_is_read_as_the_other() -> None:
    with pytest.raises(UserError, match=flow.CLASS):
        ddim.schedule(Z_IMAGE, 8)
    with pytest.raises(UserError, match="PNDMScheduler"):
        flow.schedule(schedules.SD15, 8, 4096)
