"""SyncSDE with masks: against the released lines for one picture, and against loops over views and pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.denoise import ddim
from engine.sync.sampler import Sync, initial_noise, sample
from engine.sync.trajectories import WHOLE, Trajectories
from tests.engine import schedules
from tests.engine.sync import paper, toys

ORDER = (1, 0, 2)
STATES = ((0, WHOLE), (1, WHOLE), (2, WHOLE), (0, 0), (0, 2), (1, 0), (1, 1), (1, 2))
"""(view, trajectory): the last view is asked for one thing, and no view but one for the trajectory 1."""


def run(
    space: Trajectories, x: Tensor, config: dict[str, Any], steps: int, share: float = 0.8
) -> list[Tensor]:
    schedule = ddim.schedule(config, steps)
    network = toys.ToyNetwork(schedule, config["prediction_type"])
    found = sample(network, schedule, Sync("syncsde", space), x, lambda i: x, torch.Generator())
    return [step.x for step in found]


@pytest.mark.parametrize(
    ("config", "formulas"),
    [(schedules.SD15, paper.Paper), (schedules.STARTER, paper.PaperFromPureNoise)],
    ids=["eps", "zero-snr-sample"],
)
def test_one_picture_is_as_released(config: dict[str, Any], formulas: type[paper.Paper]) -> None:
    toy, mask = toys.identity(1, 7), np.array([0, 0, 0.25, 1, 1, 0.5, 0])
    share = torch.from_numpy(np.stack([0 * mask, 1 - mask, mask]).astype(np.float32))[:, None, None]
    view, number = torch.zeros(3, dtype=torch.int64), torch.tensor([WHOLE, 0, 1])
    space = Trajectories.build(toy.space, view, number, share, [0])
    x = toys.unit_noise((3, 2, 1, 7), 1)  # the whole, the background, the foreground
    expected = formulas(toy, 10).masked(x[[1, 2, 0]].double().numpy(), mask, 5.0)
    for state, wanted in zip(run(space, x, config, 10), expected, strict=True):
        np.testing.assert_allclose(state[[1, 2, 0]], wanted, atol=1e-3)


@pytest.fixture
def toy() -> toys.Toy:
    return toys.many_to_one()


def of_states(toy: toys.Toy) -> Trajectories:
    share = np.zeros((len(STATES), 1, 1, 6), np.float32)
    drawn = np.random.default_rng(2).random(share.shape).astype(np.float32)
    for view in (0, 1):
        own = [i for i, (v, number) in enumerate(STATES) if v == view and number != WHOLE]
        share[own] = drawn[own] / drawn[own].sum(axis=0)
    view, number = (torch.tensor(one) for one in zip(*STATES, strict=True))
    return Trajectories.build(toy.ordered(ORDER), view, number, torch.from_numpy(share), ORDER)


def towards(toy: toys.Toy, w: Tensor, share: Tensor, state: int) -> np.ndarray[Any, Any]:
    """(C, width): what a state is drawn towards, pixel by pixel."""
    view, number = STATES[state]
    others = [i for i, (v, n) in enumerate(STATES) if v == view and n != WHOLE]
    found = w[state, :, 0].clone()
    for column, element in enumerate(toy.element[view]):
        before = ORDER[: ORDER.index(view)]
        shown = seen(toy, [w[at(one, number)] for one in range(3)], element, before)
        if shown is not None:
            found[:, column] = shown
        elif number == WHOLE and others:
            found[:, column] = sum(share[i, 0, 0, column] * w[i, :, 0, column] for i in others)
        elif number != WHOLE:
            m = share[state, 0, 0, column]
            found[:, column] = m * w[state, :, 0, column] + (1 - m) * w[others[0], :, 0, column]
    return found.numpy()


def at(view: int, number: int) -> int:
    """The state of a view in a trajectory; where it has none of its own, its background, else the whole."""
    own = [i for i, one in enumerate(STATES) if one == (view, number)]
    several = [i for i, (v, n) in enumerate(STATES) if v == view and n != WHOLE]
    return (own or several or [view])[0]


def seen(toy: toys.Toy, w: Sequence[Tensor], element: int, views: Sequence[int]) -> Tensor | None:
    if element < 0 or not views:
        return None
    weight = torch.from_numpy(toy.average[element].reshape(toy.element.shape)).float()
    total = sum(weight[view].sum() for view in views)
    if not total:
        return None
    return torch.stack([(w[view][:, 0] * weight[view]).sum(dim=1) for view in views]).sum(dim=0) / total


def test_each_state_is_drawn_towards_views_before_it_else_by_masks(toy: toys.Toy) -> None:
    space, w = of_states(toy), toys.unit_noise((len(STATES), 2, 1, 6), 4)
    found = space.earlier(w)
    for state in range(len(STATES)):
        np.testing.assert_allclose(found[state, :, 0], towards(toy, w, space.share, state), atol=1e-5)


def test_trajectories_begin_with_noise_of_their_own(toy: toys.Toy) -> None:
    """That views of one trajectory see alike."""
    space = of_states(toy)
    noise = initial_noise(space, torch.zeros(len(STATES), 200, 1, 6), torch.Generator().manual_seed(0))
    assert abs(float(noise.std()) - 1) < 0.05
    for number in (WHOLE, 0, 2):
        own = [i for i, one in enumerate(STATES) if one[1] == number]
        views = [STATES[i][0] for i in own]
        by_element = {
            int(toy.element[view, column]): noise[i, :, 0, column]
            for i, view in zip(own, views, strict=True)
            for column in range(6)
        }
        for i, view in zip(own, views, strict=True):
            for column, element in enumerate(toy.element[view]):
                if element >= 0:
                    torch.testing.assert_close(noise[i, :, 0, column], by_element[int(element)])
    assert float((noise[0] - noise[3]).abs().mean()) > 0.5
