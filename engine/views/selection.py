"""Few of many candidates that together are worth most.

A set's worth is the mean over places of what its best member is worth there, less the price of each member.
That has diminishing returns, so taking the best candidate again and again comes within 1 - 1/e of the best
set; exchanging and dropping members until nothing helps usually finds more, and needs fewer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import threads

Floats = NDArray[np.float32]

BLOCK = 8  # candidates looked at in one go: their values stay in the cache of a core
NOTABLE = 1e-4  # an exchange for less isn't worth making
SWEEPS = 16


def select(
    value: Floats,
    price: float,
    most: int,
    start: Sequence[int] = (),
    check: Callable[[], None] = lambda: None,
) -> list[int]:
    """Numbers of at most ``most`` candidates, the best that can be had from ``start`` by single steps.

    value: (C, P) float32 in [0, 1], what each candidate is worth at each place; P > 0. A member is kept while
    it adds more than ``price``; at least one is chosen.
    """
    chosen = list(start)[:most]
    for _ in range(SWEEPS):
        before = list(chosen)
        _add(value, price, most, chosen, check)
        _exchange(value, price, chosen, check)
        if chosen == before:
            break
    return chosen


def worth(value: Floats, chosen: Sequence[int], price: float) -> float:
    """What select() makes as large as it can."""
    return float(best(value, chosen).mean(dtype=np.float64)) - price * len(chosen)


def best(value: Floats, chosen: Sequence[int]) -> Floats:
    """(P,): the largest value of the ``chosen`` candidates at each place, 0 where there are none."""
    if not len(chosen):
        return np.zeros(value.shape[1], np.float32)
    found: Floats = value[list(chosen)].max(axis=0)
    return found


def _add(value: Floats, price: float, most: int, chosen: list[int], check: Callable[[], None]) -> None:
    """Take candidates while they are worth their price."""
    had = best(value, chosen)
    while len(chosen) < most:
        gain = _means(value, had, check) - had.mean(dtype=np.float64)
        gain[chosen] = -np.inf
        candidate = int(gain.argmax())
        if chosen and not gain[candidate] > price:
            return
        chosen.append(candidate)
        had = np.maximum(had, value[candidate])


def _exchange(value: Floats, price: float, chosen: list[int], check: Callable[[], None]) -> None:
    """Drop each member that isn't worth its price, or put a better one in its place."""
    for member in list(chosen):
        rest = [other for other in chosen if other != member]
        without = best(value, rest)
        now = np.maximum(without, value[member]).mean(dtype=np.float64)
        if rest and now - without.mean(dtype=np.float64) <= price:
            chosen.remove(member)
            continue
        then = _means(value, without, check)
        candidate = int(then.argmax())
        if then[candidate] > now + NOTABLE:
            chosen[chosen.index(member)] = candidate


def _means(value: Floats, had: Floats, check: Callable[[], None]) -> NDArray[np.float64]:
    """(C,): the mean of the larger of ``had`` (P,) and each candidate's values; a share for each core."""

    def share(rows: Floats) -> Floats:
        found = np.empty(len(rows), np.float32)
        larger = np.empty((min(BLOCK, len(rows)), len(had)), np.float32)  # taken anew, memory costs as much
        for start in range(0, len(rows), BLOCK):
            check()
            block = rows[start : start + BLOCK]
            np.maximum(block, had, out=larger[: len(block)]).mean(axis=1, out=found[start : start + BLOCK])
        return found

    shares = threads.each(share, np.array_split(value, os.cpu_count() or 1))
    return np.concatenate(shares).astype(np.float64)
