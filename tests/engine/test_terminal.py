"""What a person at a terminal sees."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import terminal


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_complaints_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.complain("it broke\nin  two places.", "mend\nit")
    assert capsys.readouterr().err == "error: it broke in two places. mend it\n"


def test_a_bar_on_a_terminal_is_one_line_that_vanishes(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    with terminal.ProgressBar() as bar:
        bar("denoise", 0, 4, None)
        bar("denoise", 2, 4, 3.4)
    drawn = screen.getvalue()
    assert "\n" not in drawn
    assert "painting 2/4  3 s left" in drawn
    assert drawn.rsplit("\r", 2)[1].strip() == ""


def test_a_log_gets_a_line_a_stage_once_the_input_is_good(capsys: pytest.CaptureFixture[str]) -> None:
    with terminal.ProgressBar() as bar:
        for stage in ("start", "mesh", "model"):
            bar(stage, 0, 1, None)
        assert capsys.readouterr().err == ""
        for i in range(3):
            bar("views", i, 3, None)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" s  ")[1] for line in lines] == [
        "starting",
        "reading the mesh",
        "loading the model",
        "rendering views",
    ]


@pytest.mark.parametrize("live", [True, False])
def test_a_silent_bar_says_nothing(monkeypatch: pytest.MonkeyPatch, live: bool) -> None:
    screen = Screen() if live else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with terminal.ProgressBar(silent=True) as bar:
        bar("views", 1, 2, None)
    assert screen.getvalue() == ""


@pytest.mark.skipif(os.name == "nt", reason="there every file name is text")
def test_a_path_that_is_no_text_is_printed_as_it_is(root: Path) -> None:
    program = "import os; from engine.terminal import print_any_path; print_any_path(); "
    program += "print(os.fsdecode(b'caf\\xe9'))"
    env = {**os.environ, "PYTHONIOENCODING": "utf-8:strict"}
    said = subprocess.run([sys.executable, "-c", program], cwd=root, env=env, capture_output=True)
    assert (said.returncode, said.stdout) == (0, b"caf\xe9\n"), said.stderr


@given(st.text(max_size=40))
def test_nothing_that_steers_a_terminal_is_said(text: str) -> None:
    stream = io.StringIO()
    with contextlib.redirect_stderr(stream):
        terminal.say(f"note: {text}")
        terminal.complain(f"there is no file '{text}'", "check the path's spelling")
    said = stream.getvalue()
    assert all(one.isprintable() or one == "\n" for one in said)
    if text.isprintable() and text and "  " not in text and text == text.strip():
        assert said.count(text) >= 2
