"""The client of an engine, against programs that behave as engines do, and as they shouldn't."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import protocol
from engine.client import child, engine_process
from engine.client.engine_process import EXITED, EngineProcess
from engine.json_lines import Event
from tests.processes import SLACK_S, lives, needs_proc, until

ECHO = """
import json, sys
print(json.dumps({"kind": "hello", "protocol": 1}), flush=True)
for line in sys.stdin:
    print(line, end="", flush=True)
"""
DIES = """
import os, sys
print("the sky", file=sys.stderr)
print("fell down", file=sys.stderr, flush=True)
os.kill(os.getpid(), int(sys.argv[1])) if int(sys.argv[1]) else sys.exit(7)
"""
GARBAGE = r"""
import sys
sys.stdout.buffer.write(b'loading weights 100%\n{not json\n[1, 2]\n\xff\xfe\n')
sys.stdout.buffer.write(b'{"kind": "done"}\n{"no": "kind"}\n')
"""
PARENT = """
import os, sys, time
from engine.client.engine_process import EngineProcess
engine = EngineProcess([sys.executable, "-c", sys.argv[1]], os.environ, lambda event: None)
print(engine.pid, flush=True)
time.sleep(60)
"""


class Started(EngineProcess):
    """An engine and the events that came of it."""

    def __init__(self, code: str, *words: str) -> None:
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        super().__init__([sys.executable, "-c", code, *words], os.environ, self.events.put)

    def next(self) -> Event:
        return self.events.get(timeout=10)


Start = Callable[..., Started]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a program as an engine; it is killed at the end."""
    started = []

    def make(code: str, *words: str) -> Started:
        started.append(Started(code, *words))
        return started[-1]

    yield make
    for one in started:
        one.kill()
        one.wait()


def test_messages_go_there_and_back_in_order(start: Start) -> None:
    engine = start(ECHO)
    assert engine.alive
    assert engine.next() == {"kind": "hello", "protocol": protocol.PROTOCOL}
    for i in range(3):
        engine.send(protocol.message("job", id=i, text="größe 語"))
    assert [engine.next() for _ in range(3)] == [
        {"kind": "job", "id": i, "text": "größe 語"} for i in range(3)
    ]


def test_a_message_may_take_its_time_to_be_made(start: Start) -> None:
    """Nobody waits, the order is kept, and what comes to nothing isn't sent."""
    engine = start(ECHO)
    engine.next()
    sent = threading.Event()

    def slowly() -> Event:
        assert sent.wait(30)
        return {"kind": "slow"}

    engine.send_made(slowly)
    engine.send_made(lambda: None)
    engine.send({"kind": "quick"})
    sent.set()
    assert [engine.next()["kind"] for _ in range(2)] == ["slow", "quick"]


@pytest.mark.parametrize(("signal", "status"), [("9", -9), ("11", -11), ("0", 7)])
@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_its_end_comes_last_with_status_and_last_words(start: Start, signal: str, status: int) -> None:
    engine = start(DIES, signal)
    assert engine.next() == {"kind": EXITED, "status": status}
    assert engine.tail == ["the sky", "fell down"]
    assert not engine.alive
    engine.send({"kind": "job"})  # nobody hears it, and nothing happens
    assert engine.wait() == status
    assert engine.events.empty()


def test_prints_on_stdout_do_no_harm(start: Start) -> None:
    engine = start(GARBAGE)
    assert engine.next() == {"kind": "done"}
    assert engine.next() == {"kind": EXITED, "status": 0}
    assert engine.tail == ["loading weights 100%", "{not json", "[1, 2]", "��", '{"no": "kind"}']


def test_heartbeats_go_both_ways_and_count_as_life(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_process, "HEARTBEAT_S", 0.05)
    engine = start(ECHO.replace("end=", "file=open(sys.argv[1], 'a'), end="), os.devnull)
    engine.next()
    silent_since = engine.heard
    time.sleep(0.3)
    assert engine.heard == silent_since
    engine = start(ECHO)  # its echoes are heartbeats, too
    engine.next()
    silent_since = engine.heard
    until(lambda: engine.heard > silent_since)
    assert engine.events.empty()


def test_prints_are_no_life(start: Start) -> None:
    engine = start("import time\nwhile True: print('busy', flush=True); time.sleep(0.01)")
    begun = engine.heard
    until(lambda: engine.tail != [])
    assert engine.heard == begun


@pytest.mark.parametrize("said", ["7", "null", '"1"', "1.5", "[]", "1" + "0" * 50])
def test_one_of_another_protocol_is_ended_at_hello(start: Start, said: str) -> None:
    code = "import sys, time; print(sys.argv[1]); print(sys.argv[2], flush=True); time.sleep(60)"
    engine = start(code, f'{{"kind": "hello", "protocol": {said}}}', '{"kind": "done"}')
    end = engine.next()
    assert (end["kind"], end["status"]) == (EXITED, protocol.EXIT_BAD_INPUT)
    assert "speaks protocol" in end["why"]
    assert engine.tail == [end["why"]]
    assert not engine.alive


@needs_proc
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_line_without_an_end_costs_no_memory(start: Start, stream: str) -> None:
    code = f"import sys\nwhile True: sys.{stream}.write('x' * (1 << 20))"
    before = resident()
    engine = start(code)
    time.sleep(1.5)
    assert resident() - before < 10 * child.LONGEST_LINE
    assert engine.alive


def resident() -> int:
    """Bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_no_engine_can_claim_to_have_ended(start: Start) -> None:
    engine = start(ECHO)
    engine.next()
    engine.send({"kind": EXITED, "status": 0})
    engine.send({"kind": "job"})
    assert engine.next() == {"kind": "job"}


def test_one_that_closes_its_output_is_ended(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_process, "END_S", 0.2)
    engine = start("import os, time; os.close(1); time.sleep(60)")
    assert engine.next()["kind"] == EXITED
    assert not engine.alive


def test_after_a_kill_nothing_is_told(start: Start) -> None:
    engine = start(ECHO)
    engine.next()
    begun = time.monotonic()
    engine.kill()
    assert time.monotonic() - begun < SLACK_S
    engine.wait()
    time.sleep(0.1)
    assert engine.events.empty()
    assert not engine.alive


def test_a_pipe_that_nobody_empties_blocks_nobody(start: Start) -> None:
    engine = start("import time; time.sleep(60)")
    begun = time.monotonic()
    for _ in range(10):
        engine.send({"kind": "job", "text": "x" * 100_000})
    engine.kill()
    assert time.monotonic() - begun < SLACK_S  # of the minute that it doesn't read


def test_what_cant_be_started_raises() -> None:
    with pytest.raises(OSError, match="no/such/python"):
        EngineProcess(["/no/such/python"], os.environ, print)


@needs_proc
def test_it_goes_when_its_parent_is_killed(root: Path) -> None:
    """As every engine does: the end of its stdin is the end of its parent."""
    command: list[Any] = [sys.executable, "-c", PARENT, ECHO]
    parent = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert lives(pid)
    parent.kill()
    parent.communicate()
    until(lambda: not lives(pid), 3.0)
