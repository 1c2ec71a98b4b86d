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
FEW = 4  # where more than a part of so many of the places changed, all are looked at
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
    chosen, means = list(start)[:most], _Means(value, check)
    for _ in range(SWEEPS):
        before = list(chosen)
        _add(means, price, most, chosen)
        _exchange(means, price, chosen)
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


def _add(means: _Means, price: float, most: int, chosen: list[int]) -> None:
    """Take candidates while they are worth their price."""
    had = best(means.value, chosen)
    while len(chosen) < most:
        gain = means.beside(had, keep=True) - had.mean(dtype=np.float64)
        gain[chosen] = -np.inf
        candidate = int(gain.argmax())
        if chosen and not gain[candidate] > price:
            return
        chosen.append(candidate)
        had = np.maximum(had, means.value[candidate])


def _exchange(means: _Means, price: float, chosen: list[int]) -> None:
    """Drop each member that isn't worth its price, or put a better one in its place."""
    means.beside(best(means.value, chosen), keep=True)  # of which each of the following is a small change
    for member in list(chosen):
        rest = [other for other in chosen if other != member]
        without = best(means.value, rest)
        now = np.maximum(without, means.value[member]).mean(dtype=np.float64)
        if rest and now - without.mean(dtype=np.float64) <= price:
            chosen.remove(member)
            continue
        then = means.beside(without)
        candidate = int(then.argmax())
        if then[candidate] > now + NOTABLE:
            chosen[chosen.index(member)] = candidate


class _Means:
    """What each candidate is worth together with values that places have already.

    Those of one set differ from those of the next at few places, where one member alone saw best: there alone
    they are looked at again.
    """

    def __init__(self, value: Floats, check: Callable[[], None]) -> None:
        self.value, self._check = value, check
        self._by_place = np.ascontiguousarray(value.T)
        self._had: Floats | None = None
        self._sums: NDArray[np.float64] = np.zeros(len(value))

    def beside(self, had: Floats, keep: bool = False) -> NDArray[np.float64]:
        """(C,): the mean over places of the larger of ``had`` (P,) and each candidate's value. keep: what
        comes next is a small change of this."""
        sums = self._summed(had)
        if keep:
            self._had, self._sums = had, sums
        return sums / len(had)

    def _summed(self, had: Floats) -> NDArray[np.float64]:
        if self._had is None:
            return self._larger(had)
        changed = np.flatnonzero(had != self._had)
        if FEW * len(changed) > len(had):
            return self._larger(had)
        self._check()
        value = self._by_place[changed]
        more = np.maximum(value, had[changed, None])
        more -= np.maximum(value, self._had[changed, None])
        return np.asarray(self._sums + more.sum(axis=0))

    def _larger(self, had: Floats) -> NDArray[np.float64]:
        """(C,): the sum of the larger of ``had`` and each candidate's value; a share for each core."""

        def share(rows: Floats) -> Floats:
            found = np.empty(len(rows), np.float32)
            larger = np.empty((min(BLOCK, len(rows)), len(had)), np.float32)  # anew, memory costs as much
            for start in range(0, len(rows), BLOCK):
                self._check()
                block = rows[start : start + BLOCK]
                np.maximum(block, had, out=larger[: len(block)]).sum(axis=1, out=found[start : start + BLOCK])
            return found

        shares = threads.each(share, np.array_split(self.value, os.cpu_count() or 1))
        return np.concatenate(shares).astype(np.float64)
