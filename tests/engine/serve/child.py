"""An engine that a test talks to, and the processes that it has started."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine import protocol
from engine.protocol import Request
from tests.processes import lives

Message = dict[str, Any]
ANSWER_S = 2.0  # what the contract allows a cancel, and the end of the parent


class EngineChild:
    """A child engine and the messages it has sent."""

    def __init__(self, command: list[str], cwd: Path, env: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        self.messages: queue.Queue[Message | None] = queue.Queue()
        self.words: list[str] = []  # from stderr
        for target in (self._listen, self._overhear):
            threading.Thread(target=target, daemon=True).start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.messages.put(protocol.decode(line))  # anything else kills this thread, and so the test
        self.messages.put(None)

    def _overhear(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.words.append(line.decode(errors="replace"))

    def say(self, kind: str, **fields: Any) -> None:
        assert self.process.stdin is not None
        protocol.send(self.process.stdin, protocol.message(kind, **fields))

    def say_raw(self, line: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def job(self, job_id: str, request: Request) -> None:
        self.say(protocol.JOB, id=job_id, request=request.as_dict())

    def hear(self, wanted: Callable[[Message], bool], seconds: float = 120) -> list[Message]:
        """All messages up to the first ``wanted`` one."""
        heard: list[Message] = []
        deadline = time.monotonic() + seconds
        while True:
            try:
                message = self.messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"nothing of the kind in {seconds} s; heard {heard[-3:]}, {self.words[-5:]}")
            if message is None:
                pytest.fail(f"the engine ended; heard {heard[-3:]}, {self.words[-5:]}")
            heard.append(message)
            if wanted(message):
                return heard

    def finish(self, job_id: str, seconds: float = 120) -> list[Message]:
        """All messages up to the one that ends the job."""
        return self.hear(lambda m: m.get("id") == job_id and m["kind"] in protocol.FINAL, seconds)

    def reach(self, stage: str) -> None:
        self.hear(lambda m: m.get("stage") == stage)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


Start = Callable[..., EngineChild]


def descendants(pid: int) -> set[int]:
    """Processes started by ``pid``, by those, and so on."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue  # it has just ended
    found, new = set(), {pid}
    while new:
        new = {child for child, parent in parents.items() if parent in new} - found
        found |= new
    return found


def at_work(pid: int, count: int = 2) -> set[int]:
    """What ``pid`` has started, as soon as there are ``count``: one that unwraps and one that guards it."""
    deadline = time.monotonic() + 60
    while len(found := descendants(pid)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def alive(pids: set[int]) -> set[int]:
    """Those of ``pids`` that still run."""
    return {pid for pid in pids if lives(pid)}
