"""Child processes that can be ended with all that they started. No bpy."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

_NO_WINDOW = 0x08000000  # Windows: no console window for the child


def spawn(command: Sequence[str], environ: Mapping[str, str], **pipes: Any) -> subprocess.Popen[bytes]:
    """``command`` in a process group of its own. pipes: stdin, stdout, stderr as of Popen. Raises OSError."""
    windows = os.name == "nt"
    return subprocess.Popen(
        command,
        env=dict(environ),
        creationflags=_NO_WINDOW if windows else 0,
        start_new_session=not windows,
        **pipes,
    )


def kill_tree(child: subprocess.Popen[bytes]) -> None:
    """End ``child`` and all it started, at once."""
    if os.name == "nt":
        kill = ["taskkill", "/T", "/F", "/PID", str(child.pid)]
        with contextlib.suppress(OSError):
            subprocess.Popen(
                kill, creationflags=_NO_WINDOW, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
    else:
        # the group outlives its leader while members live, so this is right even after the child's end
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
