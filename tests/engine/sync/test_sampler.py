"""The sampler: diffusers where all methods are one, windows, backgrounds, sameness."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.denoise import ddim
from engine.denoise.levels import Schedule
from engine.errors import Cancelled
from engine.sync.sampler import Sync, initial_noise, sample
from engine.sync.spaces import LinearSpace
from tests.engine import schedules
from tests.engine.sync import toys
from tests.engine.sync.runs import (
    CANONICAL,
    KINDS,
    METHODS,
    RANDOM,
    VIEWS,
    agreement,
    run,
    sync_of,
)


@pytest.mark.parametrize("share", [0.8, 1.0])
@pytest.mark.parametrize("method", [method for method in METHODS if method not in RANDOM])
@pytest.mark.parametrize(
    "config",
    [schedules.SD15, schedules.SD15_V, schedules.ZERO_SNR, schedules.STARTER],
    ids=["eps", "v", "zero-snr-v", "zero-snr-sample"],
)
def test_with_identity_maps_every_case_is_diffusers_ddim(
    config: dict[str, Any], method: str, share: float
) -> None:
    steps, network = run(method, toys.identity(2, 7), config, 20, share)
    reference = schedules.by_diffusers(network.inputs[0], config, 20)
    for step, state in zip(steps, reference, strict=True):
        torch.testing.assert_close(step.x, state, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("steps", [5, 8, 20])
@pytest.mark.parametrize("method", [method for method in METHODS if method not in RANDOM])
def test_with_identity_maps_steps_of_second_order_are_diffusers_solver(method: str, steps: int) -> None:
    found, network = run(method, toys.identity(2, 7), schedules.TRAILING, steps, 1.0, order=2)
    reference = schedules.by_diffusers_solver(network.inputs[0], schedules.TRAILING, steps)
    for step, state in zip(found, reference, strict=True):
        torch.testing.assert_close(step.x, state, rtol=1e-4, atol=1e-4)


@KINDS
@pytest.mark.parametrize("method", METHODS)
def test_second_order_ends_clean_whatever_the_share(config: dict[str, Any], method: str) -> None:
    """Also where a texture's steps are followed by views' own, and from pure noise."""
    for share in (0.0, 0.5, 1.0):
        found = run(method, toys.many_to_one(), config, 6, share, order=2)[0]
        assert all(torch.isfinite(step.x).all() for step in found)
        if method != "syncsde" and config["prediction_type"] == "sample":
            assert float((found[-1].x - found[-1].x0).abs().max()) < 0.5


@KINDS
def test_syncsde_with_infinite_lambda_is_independent(config: dict[str, Any]) -> None:
    toy = toys.many_to_one()
    free = run("independent", toy, config)[0]
    for ours, alone in zip(run("syncsde", toy, config, inverse_lambda=0.0)[0], free, strict=True):
        assert torch.equal(ours.x, alone.x)


@KINDS
def test_syncsde_leaves_the_first_view_alone(config: dict[str, Any]) -> None:
    toy = toys.many_to_one()
    free, states = run("independent", toy, config)[0], run("syncsde", toy, config)[0]
    for ours, alone in zip(states, free, strict=True):
        assert torch.equal(ours.x[0], alone.x[0])
    assert (states[-1].x[1:] - free[-1].x[1:]).abs().amax(dim=(1, 2, 3)).min() > 0.05


@pytest.mark.parametrize("method", METHODS)
def test_cancelling_stops_at_the_next_look_of_the_network(method: str) -> None:
    """All views go through the network together, syncsde's too, and between its passes it asks."""

    class Asked(toys.ToyNetwork):
        def _run(self, x: Tensor, i: int) -> tuple[Tensor, float, float]:
            if i == 3:
                raise Cancelled
            return super()._run(x, i)

    toy = toys.many_to_one()
    schedule = ddim.schedule(schedules.SD15, 8)
    network, x = Asked(schedule), toys.unit_noise(VIEWS, 1)
    steps = sample(network, schedule, sync_of(method, toy), x, lambda i: x, torch.Generator())
    assert [next(steps).i for _ in range(3)] == [0, 1, 2]
    with pytest.raises(Cancelled):
        next(steps)


def test_the_background_may_change_from_step_to_step() -> None:
    toy = toys.many_to_one()
    schedule = ddim.schedule(schedules.SD15, 6)
    network, x = toys.ToyNetwork(schedule), toys.unit_noise(VIEWS, 1)
    sync = sync_of("case5", toy, share=1.0)
    states = list(sample(network, schedule, sync, x, lambda i: torch.full(VIEWS, 0.1 * i), torch.Generator()))
    behind = torch.from_numpy(toy.element < 0)[:, None, None].expand(VIEWS)
    for state in states:
        assert torch.all(state.x0[behind] == torch.tensor(0.1 * state.i))


def test_synctweedies_is_case_2() -> None:
    toy = toys.many_to_one()
    assert torch.equal(run("synctweedies", toy)[0][-1].x, run("case2", toy)[0][-1].x)


@pytest.mark.parametrize(
    ("steps", "share", "synchronised"),
    [(30, 0.8, 23), (50, 0.8, 40), (30, 0.0, 0), (30, 1.0, 30), (10, 0.5, 5)],
)
def test_window_of_synchronised_steps(steps: int, share: float, synchronised: int) -> None:
    toy = toys.many_to_one()
    states, _ = run("case2", toy, steps=steps, share=share)
    together = [agreement(toy, state.x0) < 1e-5 for state in states]
    assert together == [i < synchronised for i in range(steps)]


def test_window_of_the_published_schedule_by_timestep() -> None:
    toy = toys.many_to_one()
    states, network = run("case2", toy)
    times = [level.time for level in network.schedule.levels]
    assert (times[0], times[22], times[23], times[-1]) == (958, 232, 199, 1)
    assert agreement(toy, states[22].x0) < 1e-5 < agreement(toy, states[23].x0)


@pytest.mark.parametrize("method", [m for m in METHODS if m not in CANONICAL])
def test_agreement_that_fades_is_blended_with_what_each_view_has(method: str) -> None:
    """Step for step, from the same state: so much of the way from independent to wholly synchronised."""
    toy, schedule = toys.many_to_one(), ddim.schedule(schedules.SD15, 10)
    behind = torch.zeros(VIEWS)

    def step(name: str, x: Tensor, i: int, **fields: Any) -> Tensor:
        at = Schedule(schedule.levels[i:], schedule.ends[i:], skipped=i)
        sync = sync_of(name, toy, share=1.0, **fields)
        network = toys.ToyNetwork(at)
        return next(sample(network, at, sync, x, lambda i: behind, torch.Generator())).x

    for i in range(9):
        x = toys.unit_noise(VIEWS, i)
        alone, together = step("independent", x, i), step(method, x, i)
        blended = step(method, x, i, fading=True)
        torch.testing.assert_close(blended, torch.lerp(alone, together, 1 - i / 10), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", CANONICAL)
def test_agreement_can_t_fade_where_there_is_only_the_texture(method: str) -> None:
    with pytest.raises(AssertionError, match="no views of its own"):
        sync_of(method, toys.many_to_one(), fading=True)


def test_steady_weights_stay_as_they_were_built() -> None:
    """SyncMVD's own go from confidence^0 to confidence^6."""
    toy = toys.many_to_one()
    ramped, steady = (sync_of("syncmvd", toy, steady=steady) for steady in (False, True))
    assert steady.at(0.9).space is steady.space
    changed = ramped.at(0.9).space
    assert isinstance(changed, LinearSpace)
    assert not torch.allclose(changed.average.to_dense(), toy.space.average.to_dense())


@pytest.mark.parametrize("method", METHODS)
def test_background_of_every_view_is_its_own(method: str) -> None:
    """Where views are denoised, pixels that don't show the mesh are so as if nothing else existed."""
    toy = toys.many_to_one()
    states, network = run(method, toy)
    behind = torch.from_numpy(toy.element < 0)[:, None, None].expand(VIEWS)
    if method in CANONICAL:
        first, (a, s) = network.schedule.levels[0], network.schedule.ends[0].alpha_sigma
        noise = (network.inputs[0] - first.alpha * 0.3) / first.sigma
        torch.testing.assert_close(states[0].x[behind], (a * 0.3 + s * noise)[behind], rtol=1e-4, atol=1e-5)
        assert torch.all(states[0].x0[behind] == 0.3)
    else:
        free = run("independent", toy)[0]
        for ours, alone in zip(states, free, strict=True):
            torch.testing.assert_close(ours.x[behind], alone.x[behind], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_one_network_call_a_step_and_none_before_it_is_asked_for(method: str) -> None:
    toy = toys.many_to_one()
    schedule = ddim.schedule(schedules.SD15, 8)
    network = toys.ToyNetwork(schedule)
    x = toys.unit_noise(VIEWS, 1)
    behind = torch.zeros(VIEWS)
    steps = sample(network, schedule, sync_of(method, toy), x, lambda i: behind, torch.Generator())
    assert network.inputs == []
    assert next(steps).i == 0
    assert len(network.inputs) == 1
    rest = list(steps)
    assert len(network.inputs) == 8
    assert [(s.i, s.n) for s in rest] == [(i, 8) for i in range(1, 8)]


@pytest.mark.parametrize("method", METHODS)
def test_same_seed_same_bytes(method: str) -> None:
    toy = toys.many_to_one()
    one, two = run(method, toy)[0], run(method, toy)[0]
    assert all(torch.equal(a.x, b.x) and torch.equal(a.x0, b.x0) for a, b in zip(one, two, strict=True))
    if method in CANONICAL:
        assert not torch.equal(one[-1].x, run(method, toy, seed=6)[0][-1].x)


@pytest.mark.parametrize("config", [schedules.ZERO_SNR, schedules.STARTER], ids=["v", "sample"])
@pytest.mark.parametrize("method", METHODS)
def test_zero_terminal_snr_starts_without_nan_and_synchronised(method: str, config: dict[str, Any]) -> None:
    toy = toys.many_to_one()
    states, network = run(method, toy, config, steps=10)
    assert network.schedule.levels[0].alpha == 0
    assert all(torch.isfinite(s.x).all() and torch.isfinite(s.x0).all() for s in states)
    if method not in ("independent", "case3", "syncsde"):  # these make states agree, not estimates
        assert agreement(toy, states[0].x0) < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_caller_s_tensors_are_not_written_to(method: str) -> None:
    toy = toys.many_to_one()
    schedule = ddim.schedule(schedules.SD15, 4)
    x, behind = toys.unit_noise(VIEWS, 1), torch.zeros(VIEWS)
    before = x.clone()
    network, sync = toys.ToyNetwork(schedule), sync_of(method, toy)
    list(sample(network, schedule, sync, x, lambda i: behind, torch.Generator()))
    assert torch.equal(x, before)
    assert not behind.any()


@pytest.mark.parametrize("case", [2, 5])
def test_rgb_averaging_is_used_for_clean_estimates(case: int) -> None:
    """fg0 takes the place of f(g(.)) of x0 in case 2, and comes before g in case 5."""
    toy = toys.many_to_one()
    schedule = ddim.schedule(schedules.SD15, 6)
    seen: list[Tensor] = []

    def fg0(x0: Tensor) -> Tensor:
        seen.append(x0)
        return torch.zeros_like(x0) + 0.25

    x, behind = toys.unit_noise(VIEWS, 1), torch.full(VIEWS, 0.25)
    network, sync = toys.ToyNetwork(schedule), Sync(f"case{case}", toy.space, fg0)
    states = list(sample(network, schedule, sync, x, lambda i: behind, torch.Generator()))
    assert len(seen) == sum(level.time > 200 for level in schedule.levels)
    assert all(torch.allclose(s.x0, torch.tensor(0.25)) for s in states[: len(seen)])


def wide_toy(views: int, width: int, size: int) -> toys.Toy:
    rng = np.random.default_rng(4)
    element = np.stack([rng.permutation(size)[:width] for _ in range(views)])
    element[:, : width // 10] = -1
    return toys.Toy(element, np.ones((size, views * width)) / (views * width))


def test_initial_noise_is_unit_and_shared_between_views() -> None:
    toy = wide_toy(3, 800, 1000)
    noise = initial_noise(toy.space, torch.zeros(3, 4, 1, 800), torch.Generator().manual_seed(0))
    values = noise.numpy()[:, :, 0]
    np.testing.assert_allclose(values.std(axis=(1, 2)), 1, atol=0.06)
    np.testing.assert_allclose(values.mean(axis=(1, 2)), 0, atol=0.06)
    assert agreement(toy, noise) == 0
    a, b = values[0], values[1]
    assert abs(np.corrcoef(a[:, :80].ravel(), b[:, :80].ravel())[0, 1]) < 0.2  # backgrounds: not shared
    assert abs(np.corrcoef(a[0], a[1])[0, 1]) < 0.2  # nor channels


def test_initial_noise_repeats_with_its_seed_only() -> None:
    toy = toys.many_to_one()

    def draw(seed: int) -> Tensor:
        return initial_noise(toy.space, torch.zeros(VIEWS), torch.Generator().manual_seed(seed))

    assert torch.equal(draw(0), draw(0))
    assert not torch.equal(draw(0), draw(1))
