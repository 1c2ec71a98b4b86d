"""The supervisor against an engine that works and one that misbehaves in every way."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

import pytest
from sync_texture.blender_sync_addon.jobs import job_files
from sync_texture.blender_sync_addon.jobs.supervisor import CANCEL_S, Supervisor
from sync_texture.blender_sync_addon.problem import Problem, Stopped
from sync_texture.blender_sync_addon.setup import engine_python
from sync_texture.engine import protocol

from tests.processes import SLACK_S, lives, until

FAKE = Path(__file__).with_name("fake_engine.py")
pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture
def supervisor():
    one = Supervisor()
    yield one
    one.shutdown()


@pytest.fixture
def command() -> list[str]:
    return [sys.executable, str(FAKE), "serve"]


@pytest.fixture
def run(supervisor, command, tmp_path):
    """Runs a job with a prompt to its end; gives its state."""

    def run(prompt, prepare=None, wait=True):
        def write():
            import numpy as np

            faces = np.array([[0, 1, 2]], np.int32)
            np.savez(tmp_path / "mesh.npz", vertices=np.eye(3), faces=faces, polygons=np.zeros(1, np.int32))

        request = protocol.Request(mesh=str(tmp_path / "mesh.npz"), prompt=prompt, out=str(tmp_path / "out"))
        state = supervisor.start(command, request, prepare or write)
        return finish(supervisor, state) if wait else state

    return run


def finish(supervisor, state, seconds=15.0):
    end = time.monotonic() + seconds
    while not supervisor.poll():
        assert time.monotonic() < end, f"still {state.stage}"
        time.sleep(0.005)
    return state


def test_a_job_is_done_and_the_engine_stays_warm(run, supervisor):
    state = run("bricks")
    assert state.result
    assert state.problem is None
    assert Path(state.result.texture).is_file()
    pid = supervisor.pid
    assert run("moss").result
    assert supervisor.pid == pid


def test_an_engine_started_before_it_is_needed_gets_the_first_job(run, supervisor, command):
    supervisor.start_early(command)
    pid = supervisor.pid
    assert pid
    supervisor.start_early(command)
    assert run("bricks").result
    assert supervisor.pid == pid


def test_another_command_means_another_engine(run, supervisor, command):
    run("bricks")
    pid = supervisor.pid
    command.insert(1, "-B")
    assert run("bricks").result
    assert supervisor.pid != pid
    until(lambda: not lives(pid))


def test_progress_is_told(run, supervisor):
    state = run("slow", wait=False)
    until(lambda: supervisor.poll() or state.i >= 3)
    assert (state.stage, state.n) == ("denoising", 100)
    assert 0 < state.fraction < 1
    assert state.eta_s is not None


@pytest.mark.parametrize(
    ("prompt", "words"),
    [("die", "killed by signal 9"), ("exit", "exit status 7"), ("exit", "the sky fell down")],
)
def test_a_dead_engine_is_a_failure_with_its_last_words(run, prompt, words):
    state = run(prompt)
    assert state.result is None
    assert words in str(state.problem)
    assert state.problem.code == protocol.EXIT_BUG


def test_after_a_death_the_next_job_gets_a_new_engine(run):
    assert run("die").problem
    assert run("bricks").result


def test_an_engine_that_died_in_between_is_replaced(run, supervisor):
    run("bricks")
    pid = supervisor.pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: not lives(pid))
    assert run("bricks").result


def test_an_engine_that_ends_as_it_gets_a_job_is_replaced(run, supervisor):
    run("bricks")
    pid = supervisor.pid
    os.kill(pid, signal.SIGSTOP)  # so that it can't take the job up
    state = run("bricks", wait=False)
    os.kill(pid, signal.SIGKILL)
    finish(supervisor, state)
    assert state.result


def test_prints_on_stdout_do_no_harm(run):
    assert run("garbage").result


def test_failed_carries_error_fix_and_code(run):
    problem = run("oom").problem
    assert (problem.what, problem.fix, problem.code) == (
        "It went wrong",
        "Do better.",
        protocol.EXIT_OUT_OF_MEMORY,
    )


def test_cancel_is_answered_and_leaves_the_engine_warm(run, supervisor):
    state = run("slow", wait=False)
    until(lambda: supervisor.poll() or state.i >= 2)
    pid = supervisor.pid
    supervisor.cancel()
    finish(supervisor, state)
    assert isinstance(state.problem, Stopped)
    assert state.problem.code == protocol.EXIT_CANCELLED
    assert supervisor.pid == pid  # which would have been killed after CANCEL_S


def test_an_engine_that_ignores_cancel_is_killed_within_two_seconds(run, supervisor):
    state = run("hang", wait=False)
    until(lambda: supervisor.poll() or state.i >= 3)
    pid, start = supervisor.pid, time.monotonic()
    supervisor.cancel()
    finish(supervisor, state)
    assert isinstance(state.problem, Stopped)
    assert CANCEL_S <= time.monotonic() - start < 2.0 + SLACK_S
    until(lambda: not lives(pid))
    assert run("bricks").result


def test_a_silent_engine_is_ended(run, supervisor):
    supervisor.silence_s = 0.5
    state = run("hang")
    assert "not answered" in str(state.problem)
    assert supervisor.pid is None


def test_an_engine_that_prints_for_ever_is_ended(run, supervisor):
    supervisor.silence_s = 0.5
    problem = run("chatter").problem
    assert "not answered" in str(problem)
    assert "still here" in str(problem)
    assert supervisor.pid is None


def test_an_engine_of_another_protocol_gets_no_further(run, supervisor, monkeypatch):
    monkeypatch.setenv("FAKE_PROTOCOL", "7")
    problem = run("slow").problem
    assert problem.what == "The engine speaks protocol 7, not 1"
    assert problem.code == protocol.EXIT_BAD_INPUT
    assert supervisor.pid is None
    monkeypatch.delenv("FAKE_PROTOCOL")
    assert run("bricks").result


def test_poll_never_blocks(run, supervisor):
    state = run("hang", wait=False)
    took = []
    end = time.monotonic() + 1.0
    while time.monotonic() < end:
        start = time.monotonic()
        supervisor.poll()
        took.append(time.monotonic() - start)
        time.sleep(0.01)
    assert statistics.median(took) < 0.05
    assert max(took) < SLACK_S  # one that waits for the engine's next line would wait for ever
    assert not state.ended


def test_one_job_at_a_time(run):
    run("slow", wait=False)
    with pytest.raises(Problem, match="being made already"):
        run("bricks")


def test_a_mesh_that_cant_be_written_fails_the_job(run, supervisor):
    def full():
        raise OSError(28, "No space left on device")

    assert "No space left" in str(run("bricks", full).problem)
    assert run("bricks").result


def test_a_program_that_isnt_the_engine(run, command):
    command[:] = [sys.executable, "-c", "print('hello'); raise SystemExit('no such module: torch')"]
    problem = run("bricks").problem
    assert "exit status 1" in str(problem)
    assert "no such module: torch" in str(problem)


def test_a_program_that_cant_run(run, command):
    command[:] = ["/no/such/python", "serve"]
    with pytest.raises(Problem, match="can't be started"):
        run("bricks")


def test_shutdown_fails_the_running_job(run, supervisor):
    state = run("slow", wait=False)
    pid = supervisor.pid
    supervisor.shutdown()
    assert state.problem
    until(lambda: not lives(pid))


def test_find_python(tmp_path):
    find = engine_python.find_python
    venv = tmp_path / "venv" / "bin"
    venv.mkdir(parents=True)
    python = venv / "python"
    python.symlink_to(sys.executable)
    assert find(str(python), {}) == str(python)
    assert find(str(tmp_path / "venv"), {}) == str(python)
    assert find("/nowhere", {engine_python.VARIABLE: str(python)}) == str(python)
    with pytest.raises(Problem, match="is not set"):
        find("", {})
    with pytest.raises(Problem, match="preferences name '/nowhere'"):
        find("/nowhere", {})
    with pytest.raises(Problem, match="SYNC_TEXTURE_PYTHON names '/nowhere'"):
        find(str(python), {engine_python.VARIABLE: "/nowhere"})


def test_job_folders_are_private_and_distinct(tmp_path):
    one, two = job_files.make_folder(str(tmp_path)), job_files.make_folder(str(tmp_path))
    assert one != two
    assert one.stat().st_mode & 0o777 == 0o700
    (one / "x").write_text("x")
    job_files.remove_folder(one)
    job_files.remove_folder(one)
    assert not one.exists()


def test_a_job_folder_goes_also_while_somebody_writes_there(tmp_path):
    folder, end = job_files.make_folder(str(tmp_path)), time.monotonic() + 0.5

    def write() -> None:
        with contextlib.suppress(OSError):
            for number in itertools.count():
                (folder / f"{number}").write_text("x")
                if time.monotonic() > end:
                    return

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    job_files.remove_folder(folder)
    for writer in writers:
        writer.join()
    until(lambda: not folder.exists())
