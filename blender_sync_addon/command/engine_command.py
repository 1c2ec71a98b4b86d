"""The engine's own command line, run as a part of Blender's: with our stdin, stdout and stderr."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

import bpy

from ...engine.client.child import without_python_settings
from ..jobs import engine
from ..setup import engine_python

BLENDER = "BLENDER"  # as the engine looks for it
OFFLINE = "HF_HUB_OFFLINE"  # the switch of the engine's network, the hub's own


@contextlib.contextmanager
def network(allowed: bool) -> Iterator[None]:
    """Inside, engines don't use the network where it isn't ``allowed``, whatever the preferences say."""
    before = os.environ.get(OFFLINE)
    if not allowed:
        os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if not allowed:
            os.environ.pop(OFFLINE)
            os.environ.update({OFFLINE: before} if before else {})


def run_engine(arguments: Sequence[str]) -> int:
    """Run the engine with ``arguments``. Its exit status; raises Problem."""
    command = engine_python.command(arguments)
    environ = without_python_settings(os.environ)
    environ[BLENDER] = bpy.app.binary_path or sys.executable  # this one, unless --blender says otherwise
    sys.stdout.flush()
    child = subprocess.Popen(command, env=environ)
    with engine.on_interrupt(lambda: child.send_signal(signal.SIGTERM)):
        return child.wait()
