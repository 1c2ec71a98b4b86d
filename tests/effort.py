"""What code takes, for tests that compare two sizes of work: on a busy machine no limit in seconds holds."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def calls(run: Callable[[], object]) -> int:
    """How many functions ``run`` calls in this thread, C's included."""
    kinds: list[str] = []
    sys.setprofile(lambda _, kind, __: kinds.append(kind) if kind in ("call", "c_call") else None)
    try:
        run()
    finally:
        sys.setprofile(None)
    return len(kinds)


def seconds(run: Callable[[], object], times: int = 2) -> float:
    """Processor time of this process for ``run``, the least of so many ``times``."""
    found = float("inf")
    for _ in range(times):
        start = time.process_time()
        run()
        found = min(found, time.process_time() - start)
    return found
