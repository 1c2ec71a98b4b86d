"""A child process in a group of its own: start, its lines, how it ended, kill with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, Any

LONGEST_LINE = 8 << 20  # bytes; the longest that anybody means is a job of thousands of files
_KILLED = -9  # the status of a process that SIGKILL ended
_NO_WINDOW = 0x08000000  # Windows: no console window, and no share in our console's Ctrl-C


def spawn(command: Sequence[str], environ: Mapping[str, str], **pipes: Any) -> subprocess.Popen[bytes]:
    """Start ``command`` in a process group of its own. pipes: stdin, stdout, stderr as of Popen. Raises
    OSError."""
    windows = os.name == "nt"
    return subprocess.Popen(
        list(command),
        env=dict(environ),
        creationflags=_NO_WINDOW if windows else 0,
        start_new_session=not windows,
        **pipes,
    )


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End ``process``, which ``spawn`` started, and all it started. Returns at once."""
    if os.name == "nt":
        kill, nowhere = ["taskkill", "/T", "/F", "/PID", str(process.pid)], subprocess.DEVNULL
        with contextlib.suppress(OSError):
            subprocess.Popen(kill, creationflags=_NO_WINDOW, stdout=nowhere, stderr=nowhere)
    else:
        # The group outlives its leader while members live, so this is right even after the child's end.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def without_python_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """``environ`` without what a program set for its own Python: a child's Python is another one."""
    return {name: value for name, value in environ.items() if not name.startswith("PYTHON")}


def lines(stream: IO[bytes], longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """The lines of ``stream``; of one of more than ``longest`` bytes only the beginning, what follows is let
    go by."""
    while line := stream.readline(longest):
        yield line
        while len(line) == longest and not line.endswith(b"\n"):
            line = stream.readline(longest)


def follow(
    stream: IO[bytes], line: Callable[[bytes], object], end: Callable[[], None] = lambda: None
) -> threading.Thread:
    """Call ``line`` with every line of ``stream``, as of ``lines``, and ``end`` after the last, in a thread
    of its own."""

    def read() -> None:
        with stream:
            for one in lines(stream):
                line(one)
        end()

    thread = threading.Thread(target=read, daemon=True, name="sync_texture child's output")
    thread.start()
    return thread


class Tail:
    """The last lines of an output. A progress bar, which overwrites its line, counts as what it last said."""

    def __init__(self, lines: int, characters: int | None = None) -> None:
        """Keep so many ``lines``, and of each so many ``characters``; None for all."""
        self._lines: deque[str] = deque(maxlen=lines)
        self._characters = characters

    def add(self, line: bytes) -> str:
        """Take note of ``line``; its text, "" for one that shows nothing and isn't kept."""
        text = line.decode(errors="replace").rstrip().rpartition("\r")[2][: self._characters]
        if text:
            self._lines.append(text)
        return text

    @property
    def lines(self) -> list[str]:
        return list(self._lines)


def how_it_ended(status: int) -> str:
    """An exit status as of Popen.returncode in words, to follow the program's name."""
    if status >= 0:
        return f"ended with exit status {status}"
    return f"was killed by signal {-status}" + (
        ", as happens when memory runs out" if may_lack_memory(status) else ""
    )


def may_lack_memory(status: int) -> bool:
    """Whether it ended as the system ends processes when memory runs out."""
    return status == _KILLED


def last_words(lines: Sequence[str]) -> str:
    """The end of a program's output, to follow what is said of the program; "" where it wrote nothing."""
    return "; its last words: " + " | ".join(lines[-2:]) if lines else ""
