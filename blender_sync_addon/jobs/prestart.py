"""The engine is started before it is needed: it imports PyTorch for seconds, which Generate then needn't wait
for. In windows only; a script that generates starts it right then."""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ..problem import Problem
from ..setup.status import desk
from . import task


def up() -> None:
    """Start the engine unless it runs, or is being set up; where it can't be, Generate will say why."""
    if not bpy.app.background and not task.supervisor.busy and desk.current is None:
        with contextlib.suppress(Problem):
            task.supervisor.warm_up(task.command())


def prompted(_options: Any, _context: Any) -> None:
    """A prompt was written: a job is likely to follow."""
    up()
