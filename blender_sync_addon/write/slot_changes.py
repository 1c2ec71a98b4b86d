"""Which material slot is which, after the artist removed, added, moved or renamed some.

Blender tells slots apart by their place alone, and so do the numbers that are kept on an object: those of its
results, of what slots showed before, of slots that were made of others. So what the slots held when we left
them is kept, too, and compared with what they hold now.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

REMEMBERED = "sync_texture_slots"
"""Custom property of an object: what its slots held when we left them."""
SlotContents = tuple[str, str]
"""Names of the materials that the mesh and the object have in a slot."""
SlotMoves = dict[int, int]
"""From the number of each slot that is still there to the one that it has now."""


def contents(obj: Any) -> list[SlotContents]:
    """What those of ``obj`` hold."""
    held = []
    for one, own in zip(obj.material_slots, obj.data.materials, strict=False):
        shown = one.material if one.link == "OBJECT" else None
        held.append((own.name if own else "", shown.name if shown else ""))
    return held


def remember(obj: Any, wanted: bool) -> None:
    """Remember what the slots of ``obj`` hold, where anything needs that."""
    if wanted:
        obj[REMEMBERED] = [{"mesh": mesh, "object": own} for mesh, own in contents(obj)]
    elif REMEMBERED in obj:
        del obj[REMEMBERED]


def moved(obj: Any) -> SlotMoves | None:
    """Where the slots of ``obj`` went since ``remember``; None where they are as they were. Quick, and writes
    nothing: a panel may ask while it is drawn."""
    if REMEMBERED not in obj:
        return None
    then = [(one["mesh"], one["object"]) for one in obj[REMEMBERED]]
    now = contents(obj)
    if len(then) == len(now) and [mesh for mesh, _ in then] == [mesh for mesh, _ in now]:
        alike = len(set(then)) > len({mesh for mesh, _ in then})  # then only the objects' own tell
        if not alike or sorted(then) != sorted(now) or then == now:
            return None
    return match(then, now)


def match(then: Sequence[SlotContents], now: Sequence[SlotContents]) -> SlotMoves:
    """Which of the slots ``now`` each of ``then`` is: one that holds the same, else one of which the mesh's
    material is the same; else, where there are enough left, in their order. Others are gone."""
    found: SlotMoves = {}

    def pair(same: Callable[[SlotContents, SlotContents], bool]) -> None:
        free = [j for j in range(len(now)) if j not in found.values()]
        for i in (i for i in range(len(then)) if i not in found):
            if (j := next((j for j in free if same(then[i], now[j])), None)) is not None:
                found[i] = j
                free.remove(j)

    pair(lambda a, b: a == b)
    pair(lambda a, b: a[0] == b[0] != "")
    left = [i for i in range(len(then)) if i not in found]
    free = [j for j in range(len(now)) if j not in found.values()]
    if len(left) <= len(free):  # none is gone: what they hold was renamed or replaced
        found.update(zip(left, free, strict=False))
    return found
