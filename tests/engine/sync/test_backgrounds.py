"""The colours behind rendered views, and when they change."""

from __future__ import annotations

import torch

from engine.denoise import ddim
from engine.sync import backgrounds
from tests.engine import schedules


def draw(seed: int, steps: int = 50) -> tuple[torch.Tensor, list[float]]:
    schedule = ddim.schedule(schedules.SD15, steps)
    chosen = backgrounds.choices(schedule, 40, True, torch.Generator().manual_seed(seed))
    return chosen, [1 - level.time / 1000 for level in schedule.levels]


def test_all_colours_then_black_and_white_then_no_change() -> None:
    chosen, way = draw(0)
    assert chosen.shape == (50, 40)
    early = chosen[[w < 0.4 for w in way]]
    late = chosen[[0.4 <= w < 0.8 for w in way]]
    end = chosen[[w >= 0.8 for w in way]]
    assert set(early.flatten().tolist()) == set(range(14))
    assert set(late.flatten().tolist()) == {0, 1}
    assert (late[1:] != late[:-1]).any(dim=1).all()
    assert torch.equal(end, late[-1].expand_as(end))


def test_the_seed_decides() -> None:
    assert torch.equal(draw(3)[0], draw(3)[0])
    assert not torch.equal(draw(3)[0], draw(4)[0])


def test_grey_stays_grey() -> None:
    schedule = ddim.schedule(schedules.SD15, 5)
    assert not backgrounds.choices(schedule, 4, False, torch.Generator()).any()
    assert torch.equal(backgrounds.pictures(2, 2, colourful=False), torch.full((1, 3, 2, 2), 0.5))


def test_no_colour_is_there_twice() -> None:
    pictures = backgrounds.pictures(4, 4, colourful=True)
    assert pictures.shape == (14, 3, 4, 4)
    assert len({tuple(picture[:, 0, 0].tolist()) for picture in pictures}) == 14
    assert torch.equal(pictures, pictures[:, :, :1, :1].expand_as(pictures))
