"""What comes in on the stdin of ``serve``: every job is answered once, and the process lives."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests.bench.fuzz import mutate, odd, one_job, samples
from tests.bench.fuzz.case import (
    BUG,
    ENDED,
    TRACEBACK,
    WORKED,
    WRONG,
    Case,
    Ended,
    message_problems,
    printed_problems,
)

FINAL = ("done", "failed", "cancelled")
ANSWER_S = 60.0  # on a machine however busy; what it takes itself is watched from outside
PROBE = "the probe"
LONGEST_ID = 1000  # characters of a job's id
LARGE = 3_000_000  # bytes of the longest line
_model = ""


def prepare(shared: Path) -> None:
    global _model
    _model = str(one_job.prepare(shared))


def make(case: Case) -> list[bytes]:
    """The lines."""
    rng = case.rng
    mesh = case.write("box.obj", samples.obj())
    request = {**one_job.QUICK, "mesh": str(mesh), "out": str(case.out), "model": _model}
    return [_line(case, request, number) for number in range(rng.choice((1, 2, 3, 6)))]


def _line(case: Case, request: dict[str, Any], number: int) -> bytes:
    rng = case.rng
    job = {"kind": "job", "id": rng.choice((f"job {number}", f"job {number}", "same")), "request": request}
    way = rng.choice(
        ("field", "field", "field", "request", "job", "id", "kind", "bytes", "raw", "cancel", "fine")
    )
    case.notes.append(way)
    name = rng.choice((*_fields(), odd.text(rng)))
    if way not in ("field", "id", "fine") or name == "out" or rng.random() < 0.8:
        # Answered at once; and a job that could write anywhere never comes to that.
        job["request"] = request = {**request, "mesh": str(case.inputs / "not-there.obj")}
    if way == "field":
        value = odd.value(rng)
        if name == "out" and isinstance(value, str):
            value = f"{case.out}/{value}"  # whatever it makes, it makes there
        job["request"] = {**request, name: value}
        case.notes.append(f"{name} is {odd.shown(job['request'][name])}")
    elif way == "request":
        job["request"] = rng.choice((odd.value(rng), odd.faulty(rng, request, case.notes)))
    elif way == "job":
        job = odd.faulty(rng, job, case.notes)
    elif way == "id":
        job["id"] = odd.value(rng)
    elif way == "kind":
        job["kind"] = rng.choice((odd.value(rng), "quit ", "JOB", "started", "heartbeat", "hello"))
    elif way == "cancel":
        job = {"kind": "cancel", "id": rng.choice(("same", "job 0", odd.value(rng)))}
    written = odd.dumped(rng, job, str(case.outside)).replace(b"\n", b" ")
    if way == "bytes":
        written = mutate.damaged(rng, written, case.notes)
    elif way == "raw":
        written = _raw(rng)
    return written[:LARGE] + b"\n"


def _fields() -> tuple[str, ...]:
    from engine.options.request import OPTIONS

    return tuple(OPTIONS)


def _raw(rng: Random) -> bytes:
    return rng.choice(
        (
            *(
                b"",
                b"\x00",
                b"null",
                b"[]",
                b"7",
                b'"job"',
                b"{}",
                b'{"kind": 7}',
                b"\xff\xfe\xff",
                b"\r",
                b"{" * 9999,
            ),
            *(
                b"[" * LARGE,
                b'"' + b"x" * LARGE + b'"',
                b'{"kind": "job"}',
                b'{"kind": "cancel"}',
                b'{"kind": "j',
            ),
            *(
                odd.RAW["RAW-deep-object"].encode(),
                b'{"kind": "job", "id": ' + b"9" * 5000 + b"}",
                b"\xef\xbb\xbf{}",
            ),
        )
    )


def act(case: Case, lines: list[bytes]) -> Ended:
    case.out.mkdir()
    os.chdir(case.out)  # where names of folders count from
    talk = _Talk()
    for line in lines:
        talk.write(line)
    probe = {
        "kind": "job",
        "id": PROBE,
        "request": {"mesh": str(case.inputs / "no.obj"), "prompt": "x", "out": str(case.out)},
    }
    talk.write(json.dumps(probe).encode() + b"\n")
    messages = talk.until(lambda one: one.get("id") == PROBE and one["kind"] in FINAL)
    talk.write(b'{"kind": "quit"}\n')
    messages += talk.until(lambda _: False)
    status = talk.status()
    asked = [_ids(line) for line in lines]
    # A job whose id is none, or too long to be one, is answered without one.
    wanted = Counter(one for kind, one in asked if kind == "job" and one and len(one) <= LONGEST_ID)
    cancels = {one for kind, one in asked if kind == "cancel"}
    problems = _problems(messages, wanted, cancels)
    text = f"status {status}; {_in_words(messages)}"
    by_design = bool(cancels) or any(kind == "quit" for kind, _ in asked)
    if by_design and status in (0, 3) and PROBE not in {one.get("id") for one in messages}:
        return Ended(ENDED, text, [one for one in problems if one != WRONG])
    stderr = (case.root / "log" / "stderr").read_text("utf-8", "replace")
    problems += [one for one in printed_problems(stderr) if one in (BUG, TRACEBACK)]
    problems += [WRONG] if status else []
    return Ended(WORKED, text, list(dict.fromkeys(problems)))


def _ids(line: bytes) -> tuple[str, str | None]:
    """Kind and id of a line, as far as it is a message; of a job whose id is no text nobody waits for an
    answer."""
    try:
        found = json.loads(line)
        kind, own = found["kind"], found.get("id")
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return "", None
    return (kind, own if isinstance(own, str) else None) if isinstance(kind, str) else ("", None)


def _problems(messages: list[dict[str, Any]], wanted: Counter[str], cancels: set[str | None]) -> list[str]:
    found = Counter(one.get("id") for one in messages if one.get("kind") in FINAL)
    problems = [WRONG] if found[PROBE] != 1 else []
    for own, count in wanted.items():
        good = 1 <= found[own] <= count if own in cancels else found[own] == count
        problems += [] if good else [WRONG]
    for one in messages:
        if one.get("kind") == "failed":
            problems += message_problems(str(one.get("error")), str(one.get("fix")))
            problems += [BUG] if one.get("code") == 1 else []
    return list(dict.fromkeys(problems))


def _in_words(messages: list[dict[str, Any]]) -> str:
    said = [one for one in messages if one.get("kind") not in ("progress", "heartbeat", "hello", "started")]
    return "; ".join(
        f"{odd.shown(one.get('id'), 20)} {one.get('kind')} {one.get('error', '')}" for one in said
    )[:1500]


class _Talk:
    """A serving process, forked, and what it says."""

    def __init__(self) -> None:
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.dup2(to_read, 0)
            os.dup2(to_write, 1)
            for one in (to_read, to_write, self._to, self._from):
                os.close(one)
            _serve()
        os.close(to_read)
        os.close(to_write)
        self._messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with os.fdopen(self._from, "rb") as lines:
            for line in lines:
                with contextlib.suppress(ValueError):
                    self._messages.put(json.loads(line))
        self._messages.put(None)

    def write(self, line: bytes) -> None:
        with contextlib.suppress(BrokenPipeError):
            while line:
                line = line[os.write(self._to, line) :]

    def until(self, wanted: Any) -> list[dict[str, Any]]:
        """Messages up to the one that is ``wanted``, or to the end, or as long as one waits."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + ANSWER_S
        while True:
            try:
                one = self._messages.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return found
            if one is None:
                self._messages.put(None)
                return found
            found.append(one)
            if wanted(one):
                return found

    def status(self) -> int:
        """Its exit status, after the end of what it reads."""
        os.close(self._to)
        _, code = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(code)


def _serve() -> None:
    """Never returns."""
    from engine.serve import serve

    try:
        status = serve()
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 1
    os._exit(status)
