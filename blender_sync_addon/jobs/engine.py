"""The one engine of this Blender: how it is run, and that it is started before it is needed.

It imports PyTorch for seconds, which Generate then needn't wait for. Only in windows: a script
that generates starts it right then.
"""

from __future__ import annotations

import contextlib

import bpy

from .. import preferences
from ..problem import Problem
from ..setup.status import setup_status
from .supervisor import Supervisor

supervisor = Supervisor()


def command(frugal: bool = False) -> list[str]:
    """The command line of the engine that does jobs. Raises Problem when there is none."""
    return preferences.command(["serve", *(["--frugal"] if frugal else [])])


def start_early() -> None:
    """Start the engine unless it runs, or is being set up; where it can't be, Generate will say why."""
    if not bpy.app.background and not supervisor.busy and setup_status.current is None:
        with contextlib.suppress(Problem):
            supervisor.start_early(command())
