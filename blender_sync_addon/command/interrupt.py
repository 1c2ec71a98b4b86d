"""Ctrl-C and SIGTERM, which Blender itself would swallow or end by, as a wish to stop. No bpy."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def calls(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, either of them calls ``stop``. Signals are the main thread's: in another nothing changes."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(_number: int, _frame: Any) -> None:
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)
