"""The numbers of material slots that are kept on an object, brought up to date with what the artist did to
the slots."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ..write import material as write_material
from ..write import slot_changes
from ..write import slots as write_slots
from ..write.slot_changes import SlotMoves
from . import history


@contextlib.contextmanager
def followed(*objects: Any) -> Iterator[None]:
    """Inside, all numbers kept on ``objects`` are those that their slots have now, and may be changed."""
    for obj in objects:
        if (moves := slot_changes.moved(obj)) is not None:
            _renumber(obj, moves)
        _keep(obj)
    try:
        yield
    finally:
        for obj in objects:
            _keep(obj)


def _keep(obj: Any) -> None:
    needed = bool(history.of(obj)) or write_material.MEMORY in obj or write_slots.SPLIT in obj
    slot_changes.remember(obj, needed)


def _renumber(obj: Any, moves: SlotMoves) -> None:
    write_material.renumber(obj, moves)
    write_slots.renumber(obj, moves)
    for result in history.of(obj):
        result.slots = sum(slot < result.slots for slot in moves)
        for collection in (result.parts, result.before):
            for i in reversed(range(len(collection))):
                if collection[i].slot in moves:
                    collection[i].slot = moves[collection[i].slot]
                else:
                    collection.remove(i)
