"""A program that works on files in a folder, run to its end by a guard that outlives nobody.

    python -I -S path/to/engine/client FOLDER COMMAND...    what ``run`` starts
    python -I -S path/to/engine/client FOLDER               what ``folder`` starts: it removes FOLDER at last

The guard runs COMMAND and has its exit status. Its stdin is a lifeline: when that ends, because ``run``
closes it or because the process that called ``run`` is gone, however that came about, the guard kills COMMAND
with all that it started, and removes FOLDER: nobody else may be there to tidy up.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from . import child

OUTPUT = "output.txt"  # in the folder: what the program prints
POLL_S = 0.05
END_S = 2.0  # so long the guard may take to end the program
CANT_START = 127  # the guard's exit status, as a shell's

_ENTRY = Path(__file__).parent


def run(
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    check: Callable[[], None],
    seconds: float | None = None,
) -> int:
    """Run ``command`` to its end; its exit status, for a signal its number. What it prints goes into the file
    OUTPUT in ``folder``.

    check: called twenty times a second; may raise, and when it did, no process is left. Raises TimeoutError
    after ``seconds``, and OSError when it can't be started.
    """
    guard = child.spawn(
        [sys.executable, "-I", "-S", str(_ENTRY), str(folder), *command],
        environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        while (status := _status(guard)) is None:
            check()
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"it took longer than {seconds:g} s, too long")
    finally:
        _stop(guard)
    if status == CANT_START:
        raise OSError("; ".join(output(folder)[-1:]) or f"{command[0]} can't be started")
    return status


@contextlib.contextmanager
def folder(prefix: str) -> Iterator[Path]:
    """A temporary folder that is gone in the end, also when this process is killed. Raises OSError."""
    name = tempfile.mkdtemp(prefix=prefix)
    nowhere = subprocess.DEVNULL
    keeper = child.spawn(
        [sys.executable, "-I", "-S", str(_ENTRY), name],
        os.environ,
        stdin=subprocess.PIPE,
        stdout=nowhere,
        stderr=nowhere,
    )
    try:
        yield Path(name)
    finally:
        _stop(keeper)
        shutil.rmtree(name, ignore_errors=True)  # had it to be killed


def output(folder: Path) -> list[str]:
    """The lines that the program in ``folder`` has printed, without blank ones."""
    lines = (folder / OUTPUT).read_text("utf-8", "replace").splitlines()
    return [line for line in lines if line.strip()]


def _status(process: subprocess.Popen[bytes]) -> int | None:
    """The exit status, or None when the process still runs after a short wait."""
    try:
        return process.wait(POLL_S)
    except subprocess.TimeoutExpired:
        return None


def _stop(guard: subprocess.Popen[bytes]) -> None:
    """Cut the lifeline, and wait for the guard's end."""
    assert guard.stdin is not None
    guard.stdin.close()
    try:
        guard.wait(END_S)
    except subprocess.TimeoutExpired:
        child.kill_tree(guard)
        guard.wait()


def main(folder: str, command: Sequence[str]) -> NoReturn:
    """The guard itself: run ``command``, and end as it ended; never outlive stdin."""
    with (Path(folder) / OUTPUT).open("wb") as printed:
        try:
            program = child.spawn(
                command, os.environ, stdin=subprocess.DEVNULL, stdout=printed, stderr=printed
            )
        except OSError as error:
            printed.write(str(error).encode())
            printed.flush()
            os._exit(CANT_START)
    cut = threading.Event()
    lifeline = threading.Thread(target=_hold, args=(program, folder, cut), daemon=True)
    lifeline.start()
    status = program.wait()
    if cut.is_set():
        lifeline.join()
    os._exit(min(abs(status), 255))


def keep(folder: str) -> None:
    """Wait for stdin's end, then remove ``folder``."""
    while os.read(0, 4096):
        pass
    shutil.rmtree(folder, ignore_errors=True)


def _hold(program: subprocess.Popen[bytes], folder: str, cut: threading.Event) -> None:
    """Wait for stdin's end, then leave nothing behind."""
    while os.read(0, 4096):
        pass
    cut.set()
    child.kill_tree(program)
    program.wait()
    shutil.rmtree(folder, ignore_errors=True)
