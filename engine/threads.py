"""Work shared by the processor's cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """``work`` of every one of ``items``, in their order, a thread a core: for numpy, scipy, Pillow and
    Embree, which let other threads run meanwhile. Raises what the first of them raises, when all that began
    are done."""
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return list(pool.map(work, items))
