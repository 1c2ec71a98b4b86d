"""Ways to look at one picture: against Pillow, loops and least squares; what the papers say of the cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from engine.canvas.looks import RADIUS, SHIFT, Looks
from engine.denoise import ddim
from engine.options import choices
from engine.sync.layers import LayeredSpace
from engine.sync.sampler import Sync, initial_noise, sample
from engine.sync.spaces import Averaging, LinearSpace
from tests.engine import schedules
from tests.engine.sync import toys

SIDE = 16
ONE_TO_ONE = [name for name in choices.LOOKS if name != "inner_rotate"]
BY_PILLOW = {
    "identity": None,
    "flip": Image.Transpose.FLIP_TOP_BOTTOM,
    "rotate_cw": Image.Transpose.ROTATE_270,  # Pillow turns the other way
    "rotate_ccw": Image.Transpose.ROTATE_90,
    "rotate_180": Image.Transpose.ROTATE_180,
}


def seen(name: str, side: int = SIDE) -> NDArray[np.float32]:
    """A picture whose numbers all differ, as that view shows it."""
    picture = np.arange(side * side, dtype=np.float32).reshape(side, side, 1)
    return Looks(side, (name,)).shown(picture)[0, ..., 0]


def space_of(*names: str, side: int = SIDE) -> LinearSpace:
    return LinearSpace.build(Looks(side, names).maps(Averaging()))


@pytest.mark.parametrize("name", BY_PILLOW)
def test_pillow_sees_the_same(name: str) -> None:
    image = Image.fromarray(seen("identity"))
    how = BY_PILLOW[name]
    np.testing.assert_array_equal(seen(name), np.asarray(image if how is None else image.transpose(how)))


@pytest.mark.parametrize("name", ["inner_circle", "inner_rotate"])
def test_discs_are_turned_as_loops_turn_them(name: str) -> None:
    whole, turned, middle = seen("identity"), seen(name), (SIDE - 1) / 2
    angle = math.radians(180 if name == "inner_circle" else 45)
    for row in range(SIDE):
        for column in range(SIDE):
            y, x = row - middle, column - middle
            back, across = math.hypot(x, y), math.atan2(y, x) - angle  # y grows downwards
            if back <= RADIUS * SIDE:
                y, x = back * math.sin(across), back * math.cos(across)
            between = any(abs((place + middle) % 1 - 0.5) < 1e-6 for place in (y, x))
            assert between or turned[row, column] == whole[round(y + middle), round(x + middle)]


def test_skewing_moves_columns() -> None:
    whole, skewed = seen("identity"), seen("skew")
    for column in range(SIDE):
        moved = int(SHIFT * (column - SIDE / 2))
        assert skewed[:, column].tolist() == [whole[(row - moved) % SIDE, column] for row in range(SIDE)]


@pytest.mark.parametrize(("name", "across"), [("jigsaw", 4), ("patches", 8)])
def test_pieces_stay_whole(name: str, across: int) -> None:
    def squares(picture: NDArray[np.float32]) -> list[bytes]:
        size = SIDE // across
        corners = [(y, x) for y in range(0, SIDE, size) for x in range(0, SIDE, size)]
        return [picture[y : y + size, x : x + size].tobytes() for y, x in corners]

    before, after = squares(seen("identity")), squares(seen(name))
    assert sorted(before) == sorted(after)
    assert sum(a == b for a, b in zip(before, after, strict=True)) < across


def test_all_but_one_are_one_to_one() -> None:
    for name in ONE_TO_ONE:
        assert len(np.unique(seen(name))) == SIDE**2, name
    assert len(np.unique(seen("inner_rotate"))) < SIDE**2


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", ["rotate_cw", "inner_rotate"])
def test_g_solves_f_by_least_squares(name: str, layers: int) -> None:
    """With the least norm where several do: the pseudo-inverse of f, seen by its columns."""
    space = LayeredSpace(space_of("identity", name, side=8), layers)
    behind = torch.zeros(2, 1, 8, 8)
    columns = [space.project(column[:, None], behind).reshape(-1) for column in torch.eye(space.size)]
    f = torch.stack(columns, dim=1).double()
    w = toys.unit_noise((2, 1, 8, 8), 1)
    expected = torch.linalg.pinv(f) @ w.reshape(-1).double()
    torch.testing.assert_close(space.unproject(w)[:, 0].double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(space.roundtrip(w).reshape(-1).double(), f @ expected, atol=1e-5, rtol=1e-5)


def test_views_of_several_layers_start_from_unit_noise() -> None:
    space = LayeredSpace(space_of("identity", "flip", side=64), 10)
    x = initial_noise(space, torch.zeros(2, 4, 64, 64), torch.Generator().manual_seed(0))
    assert x.std() == pytest.approx(1, abs=0.02)
    assert torch.equal(x[0], x[1].flip(1))


def test_where_views_are_one_to_one_all_cases_are_one() -> None:
    """As the paper on SyncTweedies says: from the same noise they end in the same picture."""
    space, schedule = space_of("identity", "rotate_cw", side=8), ddim.schedule(schedules.SD15, 8)
    behind, start, ends = torch.zeros(2, 4, 8, 8), torch.zeros(2, 4, 8, 8), {}
    for method in ("case4", "case5", "case1", "case2", "case3"):
        network = toys.ToyNetwork(schedule)
        generator = torch.Generator().manual_seed(3)
        run = sample(network, schedule, Sync(method, space, share=1.0), start, lambda _i: behind, generator)
        ends[method] = [step.x for step in run][-1]
        start = network.inputs[0]  # a canonical one draws its own
    for method, end in ends.items():
        torch.testing.assert_close(end, ends["case2"], atol=1e-4, rtol=1e-4, msg=method)
