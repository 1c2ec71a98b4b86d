"""What a person at a terminal sees: a progress bar, notes and complaints on stderr, answers on stdout.

All that the engine prints goes through here, so that nothing that a file says steers a terminal.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Self

from .errors import one_line, readable
from .protocol import STAGES

WIDTH = 24  # of a progress bar, in characters
INPUT_STAGES = frozenset({"start", "mesh", "splats", "unwrap", "model"})  # in which bad input shows


def say(text: str) -> None:
    """One line, or several."""
    print(readable(text), file=sys.stderr)


def tell(text: str) -> None:
    """An answer, of one line or several, JSON too, on stdout."""
    print(readable(text), flush=True)


def tell_paths(paths: Iterable[str | os.PathLike[str]]) -> None:
    """A line of stdout each: to the letter for programs, as far as it can be shown for people."""
    exact = "\n".join(str(path) for path in paths)
    print(readable(exact) if sys.stdout.isatty() else exact, flush=True)


def complain(what: str, fix: str) -> None:
    """What is wrong and how to mend it, in one line."""
    say(one_line(what, fix))


def print_any_path() -> None:
    """From now on stdout takes any path: its bytes, even if they are no text, or on Windows, where a log may
    be in an older encoding, the numbers of its characters."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace" if os.name == "nt" else "surrogateescape")


def draw(done: float, text: str) -> None:
    """A bar, filled by ``done`` of 1, and ``text``, on the line that is drawn again and again."""
    filled = round(WIDTH * done)
    line = readable(f"{'█' * filled}{'░' * (WIDTH - filled)} {text}")
    columns = shutil.get_terminal_size().columns - 1
    print(f"\r{line[:columns]:<{columns}}", end="", file=sys.stderr, flush=True)


def clear() -> None:
    """That line goes."""
    columns = shutil.get_terminal_size().columns - 1
    print("\r" + " " * columns + "\r", end="", file=sys.stderr, flush=True)


class ProgressBar:
    """Progress: one line, drawn again, on a terminal; a line a stage in a log; nothing when silent.

    In a log the first stages are told once the input has proved good, so that bad input is answered by
    exactly one line.
    """

    def __init__(self, silent: bool = False) -> None:
        self._silent = silent
        self._live = sys.stderr.isatty()
        self._stage = ""
        self._held: list[str] = []
        self.noted: set[str] = set()
        self._start = time.monotonic()

    def __call__(self, stage: str, i: int, n: int, eta_s: float | None) -> None:
        if self._silent:
            return
        if self._live:
            left = f"  {eta_s:.0f} s left" if eta_s else ""
            draw(i / n, f"{STAGES.get(stage, stage)} {i}/{n}{left}")
        elif stage != self._stage:
            self._held.append(f"{time.monotonic() - self._start:6.1f} s  {STAGES.get(stage, stage)}")
            if stage not in INPUT_STAGES:
                say("\n".join(self._held))
                self._held.clear()
        self._stage = stage

    def note(self, notes: Sequence[str]) -> None:
        """Say ``notes`` now, or with the first stages."""
        self.noted.update(notes)
        lines = [] if self._silent else [f"note: {text}" for text in notes]
        if self._live and lines:
            clear()
            say("\n".join(lines))
        elif not self._live:
            self._held += lines

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._live and not self._silent and self._stage:
            clear()
