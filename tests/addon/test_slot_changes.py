"""Which material slot is which after the artist moved them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sync_texture.blender_sync_addon.write import slot_changes

WOOD, IRON, GLASS, BARE = ("wood", ""), ("iron", ""), ("glass", ""), ("", "")


@given(st.permutations(range(5)), st.integers(0, 5))
def test_slots_that_hold_different_things_are_found_wherever_they_went(order, left):
    then = [(f"material {i}", "") for i in range(5)]
    kept = order[:left]
    assert slot_changes.match(then, [then[i] for i in kept]) == {i: j for j, i in enumerate(kept)}


@pytest.mark.parametrize(
    ("then", "now", "wanted"),
    [
        ([WOOD, IRON], [WOOD, IRON, GLASS], {0: 0, 1: 1}),
        ([WOOD, IRON], [GLASS, WOOD, IRON], {0: 1, 1: 2}),
        ([WOOD, IRON], [("oak", ""), IRON], {0: 0, 1: 1}),  # renamed
        ([WOOD, ("iron", "bricks")], [("iron", "mine")], {1: 0}),  # and given something else by the artist
        ([BARE, ("", "bricks")], [("", "bricks")], {1: 0}),
        ([("", "bricks"), BARE], [BARE, ("", "bricks")], {0: 1, 1: 0}),
        ([WOOD, WOOD, IRON], [WOOD, IRON], {0: 0, 2: 1}),
        ([WOOD], [], {}),
        ([WOOD, IRON], [GLASS], {}),  # either may be gone
    ],
)
def test_what_the_artist_may_do(then, now, wanted):
    assert slot_changes.match(then, now) == wanted
