"""Something long that runs beside Blender: watched by looking at its fields, ended by ``cancel``. No bpy.

The work is done in a thread, by child processes; a timer of Blender's looks here and draws. Nothing in the
thread touches Blender.
"""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from ...engine.client import child
from ..problem import Problem, Stopped

TAIL = 40  # lines that ``run`` gives back
TICK_S = 1.0
Line = Callable[[str], None]


def _ignore(_line: str) -> None:
    pass


class Activity:
    """One thing that is being done.

    title: what, in words. stage: what just now. fraction: how far, 0 to 1, None when unknown. problem: why it
    failed, a Stopped when it was cancelled. result: what the work returned.
    """

    def __init__(self, title: str, log: Path | None = None) -> None:
        """log: the file that takes down what happens; begun anew."""
        self.title = title
        self.stage = "Starting"
        self.fraction: float | None = None
        self.problem: Problem | None = None
        self.result: object = None
        self._log = _open_log(log)
        self._child: subprocess.Popen[bytes] | None = None
        self._guard = threading.Lock()  # a child is either started before a cancel, and killed, or not at all
        self._stop = False
        self._thread: threading.Thread | None = None

    def start(self, work: Callable[[Activity], object]) -> None:
        """Have ``work(self)`` done; returns at once. It may raise Problem, and calls ``run`` and ``check``
        so that it can be cancelled."""
        self._thread = threading.Thread(target=self._do, args=(work,), daemon=True, name="sync_texture setup")
        self._thread.start()

    @property
    def ended(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    @property
    def cancelling(self) -> bool:
        return self._stop and not self.ended

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, ``seconds`` at most; whether it has ended."""
        assert self._thread
        self._thread.join(seconds)
        return self.ended

    def cancel(self) -> None:
        """End it: the running child, with all it started, is killed."""
        with self._guard:
            self._stop = True
            if self._child:
                child.kill_tree(self._child)

    def check(self) -> None:
        """Raise Stopped when it was cancelled."""
        if self._stop:
            raise Stopped

    def say(self, stage: str, fraction: float | None = None) -> None:
        """Show ``stage`` from now on; goes into the log too."""
        self.stage, self.fraction = stage, fraction
        self.note(f"== {stage}")

    def note(self, line: str) -> None:
        """Write ``line`` into the log."""
        if self._log:
            self._log.write(line + "\n")
            self._log.flush()

    def run(
        self,
        command: Sequence[str],
        environ: Mapping[str, str],
        line: Line = _ignore,
        tick: Callable[[], None] = lambda: None,
    ) -> tuple[int, list[str]]:
        """Run ``command`` to its end: (exit status, its last lines). Raises Stopped, and Problem when it
        can't be started.

        line: called with every line that it prints. tick: called about once a second.
        """
        self.note("$ " + " ".join(command))
        process = self._spawn(command, environ)
        lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        assert process.stdout
        child.follow(process.stdout, lines.put, lambda: lines.put(None))
        tail = child.Tail(TAIL)
        self._follow(lines, tail, line, tick)
        status = process.wait()
        with self._guard:
            self._child = None
        self.check()
        return status, tail.lines

    def _spawn(self, command: Sequence[str], environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self._guard:
            self.check()
            try:
                self._child = child.spawn(
                    command,
                    environ,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                )
            except OSError as error:
                raise Problem(f"{Path(command[0]).name} can't be started: {error}") from error
            return self._child

    def _follow(
        self,
        lines: queue.SimpleQueue[bytes | None],
        tail: child.Tail,
        line: Line,
        tick: Callable[[], None],
    ) -> None:
        due = time.monotonic()
        while True:
            if time.monotonic() >= due:
                tick()
                due = time.monotonic() + TICK_S
            try:
                raw = lines.get(timeout=TICK_S)
            except queue.Empty:
                continue
            if raw is None:
                return
            if text := tail.add(raw):
                self.note(text)
                line(text)

    def _do(self, work: Callable[[Activity], object]) -> None:
        try:
            self.result = work(self)
        except Problem as problem:
            self.problem = problem
        except OSError as error:  # a full disk, a folder that isn't ours
            self.problem = Problem(f"{self.title} failed: {error}", "Open the log for more.")
        except Exception as error:  # a bug of ours: told like any failure, since Blender sees no thread's end
            self.problem = Problem(f"{self.title} failed: {type(error).__name__}: {error}")
        if self._stop:
            self.problem = Stopped()
        self.note(f"== {self.problem or 'Done'}")
        if self._log:
            self._log.close()


def _open_log(path: Path | None) -> IO[str] | None:
    """None where it can't be written: a log is no reason to fail."""
    if path is None:
        return None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8", errors="replace")
    except OSError:
        return None
