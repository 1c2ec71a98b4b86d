"""Levels of any family: windows, starts from a picture, steps through given noise."""

from __future__ import annotations

import pytest

from engine.denoise.levels import Level, Schedule, steps_run


def flow(steps: int, shift: float = 1.0) -> Schedule:
    """A shifted rectified flow: most of its steps are at high noise."""
    sigmas = [1 - i / steps for i in range(steps + 1)]
    sigmas = [shift * s / (1 + (shift - 1) * s) for s in sigmas]
    return Schedule.through([(1 - s, s) for s in sigmas], [1000 * s for s in sigmas])


def test_steps_lead_from_level_to_level_and_end_clean() -> None:
    schedule = flow(8, shift=3.0)
    assert len(schedule.levels) == len(schedule.ends) == 8
    assert schedule.levels[0].alpha_sigma == (0.0, 1.0)
    assert schedule.ends[-1].alpha_sigma == (1.0, 0.0)
    assert schedule.ends[:-1] == schedule.levels[1:]
    assert schedule.levels[3].time == pytest.approx(833.33, abs=0.01)


@pytest.mark.parametrize("shift", [1.0, 3.0, 7.0])
@pytest.mark.parametrize(
    ("steps", "share", "inside"),
    [(8, 0.5, 4), (10, 0.8, 8), (4, 0.25, 1), (5, 0.2, 1), (8, 0.0, 0), (8, 1.0, 8)],
)
def test_a_share_is_one_of_the_steps_however_noise_is_spread(
    shift: float, steps: int, share: float, inside: int
) -> None:
    """By noise, half of eight steps with shift 3 would be six."""
    schedule = flow(steps, shift)
    assert [schedule.is_within(i, share) for i in range(steps)] == [i < inside for i in range(steps)]


@pytest.mark.parametrize("strength", [0.5, 0.8])
def test_a_share_of_the_steps_that_are_run(strength: float) -> None:
    started = flow(20, shift=3.0).started(strength)
    count = round(20 * strength)
    assert len(started.levels) == count
    assert started.share == strength
    assert sum(started.is_within(i, 0.5) for i in range(count)) == count // 2


def test_the_border_itself_is_outside() -> None:
    assert not Level(0.9, 0.4, 200, 0.2).is_within(0.8 - 1e-9)
    assert Level(0.9, 0.4, 201, 0.201).is_within(0.8)
    assert Level(1.0, 0.0, 0, 0.0).is_within(1.0)


@pytest.mark.parametrize("strength", [0.001, 0.3, 0.55, 1.0])
def test_a_start_leaves_the_noisier_steps_out(strength: float) -> None:
    schedule = flow(20)
    started = schedule.started(strength)
    assert len(started.levels) == steps_run(20, strength)
    assert started.levels == schedule.levels[started.skipped :]
    assert started.ends == schedule.ends[started.skipped :]
    assert started.started(1.0) == started
