"""A program in the care of a guard: it is ended with its children whatever becomes of who started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.client import guard
from engine.errors import Cancelled
from tests.engine.client.test_child import HAS_A_CHILD
from tests.processes import lives, needs_proc, number_in, until

RUN = "import os, sys; from pathlib import Path; from engine.client import guard\n"
RUN += "guard.run(sys.argv[2:], Path(sys.argv[1]), os.environ, lambda: None)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "a folder"
    path.mkdir()
    return path


def python(code: str, *words: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, words)]


def run(command: list[str], folder: Path, seconds: float | None = None) -> int:
    return guard.run(command, folder, os.environ, lambda: None, seconds)


def test_it_runs_to_its_end_and_what_it_prints_is_kept(folder: Path) -> None:
    code = "import sys; print('out'); print(); print('caf\\xe9', file=sys.stderr); sys.exit(5)"
    assert run(python(code), folder) == 5
    assert sorted(guard.output(folder)) == ["café", "out"]
    assert run(python("import sys; sys.exit(len(sys.stdin.read()))"), folder) == 0
    assert guard.output(folder) == []


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_signal_is_a_status(folder: Path) -> None:
    assert run(python("import os; os.kill(os.getpid(), 11)"), folder) == 11


def test_what_cant_be_started_raises(folder: Path) -> None:
    with pytest.raises(OSError, match="no/such/program"):
        run(["/no/such/program"], folder)


@needs_proc
def test_a_cancel_ends_it_and_its_children(folder: Path, tmp_path: Path) -> None:
    def check() -> None:
        if (tmp_path / "pid").exists():
            raise Cancelled

    with pytest.raises(Cancelled):
        guard.run(python(HAS_A_CHILD, tmp_path / "pid"), folder, os.environ, check)
    assert not folder.exists()
    until(lambda: not lives(number_in(tmp_path / "pid")), 2.0)


def test_it_may_take_so_long_and_no_longer(folder: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(TimeoutError, match="too long"):
        run(python("import time; time.sleep(60)"), folder, 0.3)
    assert time.monotonic() - begun < 5


@needs_proc
def test_no_orphans_when_its_caller_is_killed(root: Path, folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", RUN, str(folder), *python(HAS_A_CHILD, tmp_path / "pid")]
    caller = subprocess.Popen(command, cwd=root)
    grandchild = number_in(tmp_path / "pid")
    caller.send_signal(signal.SIGKILL)
    caller.wait()
    until(lambda: not lives(grandchild), 3.0)
    until(lambda: not folder.exists(), 3.0)


KEEP = """
import sys, time
from pathlib import Path
from engine.client import guard
with guard.folder("kept_") as folder:
    (folder / "a file").write_text("1")
    print(folder, flush=True)
    time.sleep(float(sys.argv[1]))
"""


@needs_proc
@pytest.mark.parametrize("number", [None, signal.SIGTERM, signal.SIGKILL])
def test_a_folder_is_gone_in_every_ending(root: Path, tmp_path: Path, number: int | None) -> None:
    command = [sys.executable, "-c", KEEP, "0" if number is None else "60"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(command, cwd=root, env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    assert folder.parent == tmp_path
    if number is not None:
        assert (folder / "a file").is_file()
        process.send_signal(number)
    process.wait(10)
    process.stdout.close()
    until(lambda: not folder.exists(), 5.0)
