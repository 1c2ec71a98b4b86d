"""The one engine of this Blender: run, started before it is needed, and stopped.

It imports PyTorch for seconds, which Generate then needn't wait for. Only in windows: a script
that generates starts it right then.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import bpy

from ..problem import Problem
from ..setup import engine_python
from ..setup.status import setup_status
from .supervisor import Supervisor

supervisor = Supervisor()


def command() -> list[str]:
    """The command line of the engine that does jobs. Raises Problem when there is none."""
    return engine_python.command(["serve"])


def start_early() -> None:
    """Start the engine unless it runs, or is being set up; where it can't be, Generate will say why."""
    if not bpy.app.background and not supervisor.busy and setup_status.current is None:
        with contextlib.suppress(Problem):
            supervisor.start_early(command())


@contextlib.contextmanager
def on_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Inside, Ctrl-C and SIGTERM, which Blender itself would swallow or end by, call ``stop``. Signals are
    the main thread's: in another nothing changes."""
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
