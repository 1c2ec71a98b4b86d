"""Child processes and the one-line errors of build.py."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 10.0  # how long a child may take to end after Ctrl-C


class BuildError(Exception):
    """Something that the person at the keyboard can mend; ``str`` of it is one line."""


def say(text: str) -> None:
    """Print ``text`` at once, so that it stands before what child processes print."""
    print(text, flush=True)


def call(command: Sequence[str | Path], env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> int:
    """Run ``command`` on our own terminal and return its exit status; ``env`` is added to ours."""
    sys.stdout.flush()
    process = subprocess.Popen([str(c) for c in command], cwd=cwd, env={**os.environ, **(env or {})})
    try:
        return process.wait()
    except KeyboardInterrupt:  # the terminal has told the child too: let it put things in order
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE_S)
        raise
    finally:
        if process.poll() is None:
            process.kill()


def capture(command: Sequence[str | Path], timeout: float = 60) -> str | None:
    """What ``command`` prints on stdout, stripped; None when it can't run, fails or takes too long."""
    try:
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=timeout)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
