"""A child process: its words, its end, its own children."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.client import child
from tests.processes import lives, needs_proc, number_in, until

HAS_A_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open(sys.argv[1], "w").write(f"{child.pid} ")
time.sleep(60)
"""


@needs_proc
@pytest.mark.parametrize("leader_first", [False, True])
def test_the_whole_tree_is_ended(tmp_path: Path, leader_first: bool) -> None:
    command = [sys.executable, "-c", HAS_A_CHILD, str(tmp_path / "pid")]
    process = child.spawn(command, os.environ)
    grandchild = number_in(tmp_path / "pid")
    if leader_first:
        process.kill()
        process.wait()
    child.kill_tree(process)
    process.wait(5)
    until(lambda: not lives(grandchild))
    child.kill_tree(process)  # there is nothing left to end


def test_every_line_is_passed_on_and_then_the_end() -> None:
    command = [sys.executable, "-c", "print('one'); print(); print('two', end='')"]
    process = child.spawn(command, os.environ, stdout=subprocess.PIPE)
    assert process.stdout is not None
    found: list[bytes | None] = []
    child.follow(process.stdout, found.append, lambda: found.append(None)).join(10)
    assert [line and line.strip() for line in found] == [b"one", b"", b"two", None]
    assert process.stdout.closed
    assert process.wait(5) == 0


@given(st.binary(max_size=40).map(lambda data: data.replace(b"a", b"\n")), st.integers(1, 9))
def test_lines_are_capped_and_none_is_lost(data: bytes, longest: int) -> None:
    stream = io.BytesIO(data)
    expected = [line[:longest] for line in io.BytesIO(data)]
    assert [*child.lines(stream, longest)] == expected


def test_the_last_lines_are_kept() -> None:
    tail = child.Tail(3, 6)
    said = [b"first\n", b"second\r\n", b"\n", b"10 %\r20 %\r30 %\n", b"caf\xe9 and more\n"]
    assert [tail.add(line) for line in said] == ["first", "second", "", "30 %", "caf� a"]
    assert tail.lines == ["second", "30 %", "caf� a"]
    assert len(child.Tail(1).add(b"x" * 10_000)) == 10_000


def test_how_it_ended_is_told_in_words() -> None:
    assert child.how_it_ended(7) == "ended with exit status 7"
    assert child.how_it_ended(-11) == "was killed by signal 11"
    assert child.how_it_ended(-9) == "was killed by signal 9, as happens when memory runs out"
    assert [child.may_lack_memory(status) for status in (-9, -11, 9, 0)] == [True, False, False, False]
    assert child.last_words([]) == ""
    assert child.last_words(["a", "b", "c"]) == "; its last words: b | c"


def test_blenders_python_settings_dont_reach_the_child() -> None:
    given = {"PYTHONPATH": "/blender", "PYTHONHOME": "/blender", "HF_HOME": "/models", "PATH": "/bin"}
    assert child.without_python_settings(given) == {"HF_HOME": "/models", "PATH": "/bin"}
