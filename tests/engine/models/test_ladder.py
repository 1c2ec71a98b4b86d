"""Which plan a model gets in how much memory: as a table, and by trying all plans."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from engine.models import ladder
from engine.models.figures import BY_FAMILY
from engine.models.ladder import APART, EIGHT, FULL, HALF, LEAVES, STAYS, Plan, Room, Sizes

GB = 1 << 30
# Ten units of text, twenty of network, one of pixels; four rows of three units. In 8 bits half of it.
SIZES = Sizes({HALF: 10, EIGHT: 5}, {HALF: 20, EIGHT: 10}, 1, row=3, picture=2, rows=4, pictures=2, layer=1)
COMPUTER = {"where": "the computer", "away": False, "shared": True}


@pytest.mark.parametrize(
    ("free", "expected"),
    [
        (43, (HALF, HALF, STAYS, 4, False)),  # 10 + 20 + 1 + 4 * 3
        (42, (HALF, HALF, LEAVES, 4, False)),
        (33, (HALF, HALF, LEAVES, 4, False)),  # 20 + 1 + 12, and 10 + 20 + 1 while it reads
        (32, (EIGHT, HALF, LEAVES, 4, False)),  # in 16 bits, what reads prompts would fill it up with 4 rows
        (23, (EIGHT, HALF, LEAVES, 4, False)),
        (22, (EIGHT, HALF, APART, 2, False)),
        (17, (EIGHT, HALF, APART, 2, False)),
        (14, (EIGHT, HALF, APART, 1, False)),
        (13, (EIGHT, HALF, APART, 2, True)),  # 2 + 1 + 2 * 3: two layers at most, as they visit
        (6, (EIGHT, EIGHT, APART, 1, True)),
    ],
)
def test_the_first_rung_that_fits_is_taken(free: int, expected: tuple[object, ...]) -> None:
    plan = ladder.choose(SIZES, Room(free, 50))
    assert plan is not None
    assert (plan.network, plan.text, plan.reads, plan.rows, plan.away) == expected
    assert plan.need <= free


def test_each_plan_is_the_best_that_fits_and_none_is_beyond_the_foot() -> None:
    """Whatever the room, every rung above the one that is taken needs more than there is."""
    found = list(ladder.rungs(SIZES, Room(1e9, 1e9)))
    for free in range(60):
        room = Room(float(free), 60.0)
        plan = ladder.choose(SIZES, room)
        rungs = list(ladder.rungs(SIZES, room))
        if plan is None:
            assert min(one.need for one in rungs) > free
            assert free < ladder.least(SIZES, room)
        else:
            assert all(one.need > free for one in rungs[: rungs.index(plan)])
    order = [(one.network, one.reads, one.rows, one.away) for one in found]
    assert order == [
        *((kind, reads, 4, False) for kind in (HALF, EIGHT) for reads in (STAYS, LEAVES, APART)),
        (EIGHT, APART, 2, False),
        (EIGHT, APART, 1, False),
        *((EIGHT, APART, rows, True) for rows in (4, 2, 1)),
    ]


@pytest.mark.parametrize(
    ("room", "expected"),
    [
        (Room(None, None), (HALF, STAYS, 4, False)),  # nobody knows: as if there were plenty
        (Room(25, 50, eight=False), (HALF, APART, 1, False)),
        (Room(20, 50, eight=False, away=False), None),
        (Room(9, 50, ram=10), (EIGHT, APART, 2, True)),
        (Room(9, 50, ram=9), None),  # no room for what waits
        (Room(33, 50, spare=1), (EIGHT, LEAVES, 4, False)),
        (Room(9, 50, **COMPUTER), (EIGHT, APART, 1, False)),  # a guess: tried all the same
        (Room(9, 12, **COMPUTER), None),
    ],
)
def test_what_a_device_can_do_counts(room: Room, expected: tuple[object, ...] | None) -> None:
    plan = ladder.choose(SIZES, room)
    assert (plan and (plan.network, plan.reads, plan.rows, plan.away)) == expected
    assert bool(plan and plan.short) == (room.shared and expected is not None)


def test_what_is_as_large_as_the_network_leaves_a_memory_that_is_everyones() -> None:
    plan = ladder.choose(replace(SIZES, lazy=True), Room(1e9, 1e9, **COMPUTER))
    assert plan is not None
    assert (plan.network, plan.reads) == (HALF, APART)
    there = ladder.choose(replace(SIZES, lazy=True), Room(1e9, 1e9))
    assert there is not None
    assert there.reads == STAYS


@pytest.mark.parametrize("room", [Room(1e9, 1e9), Room(1e9, 1e9, **COMPUTER)])
def test_memory_that_runs_out_leads_down_to_the_foot(room: Room) -> None:
    """First by fewer rows, which change nothing in pictures; then each plan takes less, to the end."""
    plan = ladder.choose(SIZES, room)
    assert plan is not None
    ways: list[Plan] = [plan]
    while below := ladder.below(ways[-1], SIZES, room):
        ways.append(below)
    assert [one.rows for one in ways[:3]] == [4, 2, 1]
    assert all(one.network == HALF for one in ways[:3])
    assert all(lower.need < one.need for one, lower in itertools.pairwise(ways[2:]))
    assert (ways[-1].network, ways[-1].rows, ways[-1].away) == (EIGHT, 1, room.away)


@pytest.mark.parametrize(
    ("family", "card", "network", "away"),
    [  # by shared knowledge of what artists' cards run
        ("sd15", 6, HALF, False),
        ("sdxl", 24, HALF, False),
        ("sdxl", 8, EIGHT, False),
        ("z-image-turbo", 24, HALF, False),
        ("z-image-turbo", 12, EIGHT, False),
        ("z-image-turbo", 8, EIGHT, True),
        ("flux-dev", 24, EIGHT, False),
        ("flux-dev", 12, EIGHT, True),
        ("qwen-image", 32, EIGHT, False),
        ("qwen-image", 16, EIGHT, True),
    ],
)
def test_published_models_on_the_cards_that_there_are(
    family: str, card: int, network: str, away: bool
) -> None:
    free = card * GB - 1.2e9
    plan = ladder.choose(BY_FAMILY[family].sizes(HALF, 10), Room(free, free))
    assert plan is not None
    assert (plan.network, plan.away) == (network, away)


def test_words_say_what_is_saved_and_nothing_else() -> None:
    best = ladder.best(SIZES, Room(None, None))
    assert best.words(best) == []
    assert not best.changes_pictures(best)
    plan = ladder.choose(SIZES, Room(13, 50))
    assert plan is not None
    assert plan.changes_pictures(best)
    said = ", ".join(plan.words(best))
    assert all(word in said for word in ("fp8", "text encoder released", "layer by layer"))
    full = Sizes({FULL: 20, HALF: 10}, {FULL: 40, HALF: 20}, 1, row=3, picture=2)
    narrow = ladder.choose(full, Room(35, 50, away=False))
    assert narrow is not None
    assert "16 bits" in narrow.words(ladder.best(full, Room(None, None)))[0]
