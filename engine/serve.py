"""The engine as a child process: JSON lines on stdin and stdout, jobs one after the other.

Three threads. The main one works, and first of all imports what any job needs. A reader takes messages from
stdin, so that a cancel or the end of the parent (end of file) is noticed at once. The third sends heartbeats,
which tell the parent that the engine lives. Native code can't be interrupted from outside; when a cancelled
job hasn't stopped after CANCEL_GRACE_S, the engine says so and exits, and the parent starts another one for
the next job.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Any

from . import protocol, terminal
from .client.child import lines
from .host import Host
from .json_lines import ProgressEvents
from .options import values
from .worker import Worker, answer

CANCEL_GRACE_S = 1.5  # the contract allows two seconds
HEARTBEAT_S = 2.0
LONGEST_ID = 1000


@dataclass(eq=False)
class _Job:
    """A job that was asked for; waits: it has neither begun nor been answered."""

    id: str
    request: Any
    waits: bool = True
    cancelled: bool = False


class Server:
    """Serve jobs from ``source`` until quit or end of file; events go to ``sink``. frugal: as of Worker."""

    def __init__(self, source: IO[bytes], sink: IO[bytes], frugal: bool = False) -> None:
        self._source, self._sink, self._frugal = source, sink, frugal
        self._lock = threading.Lock()
        self._jobs: queue.Queue[_Job | None] = queue.Queue()
        self._waiting: list[_Job] = []
        self._current: _Job | None = None
        self._importing = True  # imports can't be interrupted: whoever wants the process to end needn't wait

    def run(self) -> int:
        """The exit status."""
        self._send(
            protocol.message(
                protocol.HELLO, version=protocol.VERSION, protocol=protocol.PROTOCOL, pid=os.getpid()
            )
        )
        for target in (self._read, self._send_heartbeats):
            threading.Thread(target=target, daemon=True).start()
        worker = Worker(self._frugal)
        worker.import_libraries()
        self._importing = False
        while (job := self._jobs.get()) is not None:
            self._do(worker, job)
        return protocol.EXIT_DONE

    def _do(self, worker: Worker, job: _Job) -> None:
        with self._lock:
            if not job.waits:
                return  # cancelled, and answered, before its turn
            self._current = job  # before it stops waiting: _busy looks without the lock
            self._stop_waiting(job)
            self._write(protocol.message(protocol.STARTED, id=job.id))
        outcome = self._outcome(worker, job)
        with self._lock:  # from here on a late cancel finds nothing to cancel
            self._current = None
            self._write(outcome)

    def _outcome(self, worker: Worker, job: _Job) -> dict[str, Any]:
        """The message that ends ``job``."""
        try:
            request = protocol.request(job.request)
        except ValueError as error:
            return _refused(job.id, f"the request can't be read: {error}")
        host = Host(
            ProgressEvents(self._send, job.id),
            lambda: job.cancelled,
            preview=lambda preview: self._send(
                protocol.message(protocol.PREVIEW, id=job.id, preview=preview.as_dict())
            ),
        )
        return answer(job.id, worker.run(request, host))

    def _stop_waiting(self, job: _Job) -> None:
        job.waits = False
        self._waiting.remove(job)

    def _busy(self) -> bool:
        return bool(self._waiting) or self._current is not None

    def _read(self) -> None:
        for line in lines(self._source):
            try:
                self._handle(protocol.decode(line))
            except ValueError as error:
                with contextlib.suppress(OSError, ValueError):  # nobody reads it, or it is closed
                    terminal.say(str(error))
        self.end()  # the parent is gone

    def _handle(self, msg: dict[str, Any]) -> None:
        kind = msg["kind"]
        if kind == protocol.JOB:
            self._take(msg)
        elif kind == protocol.CANCEL:
            self._cancel(_id(msg))
        elif kind == protocol.QUIT:
            self.end()
        elif kind != protocol.HEARTBEAT:
            raise ValueError(f"unknown message {values.short(kind)}")

    def _take(self, msg: dict[str, Any]) -> None:
        """Queue a job; two of one id are two jobs, and each is answered."""
        if (job_id := _id(msg)) is None:
            what = f"a job's id is {values.short(msg.get('id'))}, not a text of 1 to {LONGEST_ID} characters"
            self._send(_refused(None, what))
            return
        job = _Job(job_id, msg.get("request"))
        with self._lock:
            self._waiting.append(job)
        self._jobs.put(job)

    def end(self) -> None:
        """End: nobody wants what is being done any more."""
        if self._busy():
            os._exit(protocol.EXIT_CANCELLED)
        if self._importing:
            os._exit(protocol.EXIT_DONE)
        self._jobs.put(None)

    def _cancel(self, job_id: str | None) -> None:
        with self._lock:
            for job in [job for job in self._waiting if job.id == job_id]:  # no need to wait for its turn
                self._stop_waiting(job)
                self._write(protocol.message(protocol.CANCELLED, id=job_id))
            running = self._current
            if running is None or running.id != job_id:
                return
            running.cancelled = True
        threading.Thread(target=self._end_unless_cancelled, args=(running,), daemon=True).start()

    def _end_unless_cancelled(self, job: _Job) -> None:
        """End the process when the job hasn't ended by itself in time."""
        time.sleep(CANCEL_GRACE_S)
        with self._lock:
            if self._current is job:
                self._write(protocol.message(protocol.CANCELLED, id=job.id))
                os._exit(protocol.EXIT_CANCELLED)

    def _send_heartbeats(self) -> None:
        while True:
            time.sleep(HEARTBEAT_S)
            self._send(protocol.message(protocol.HEARTBEAT))

    def _send(self, msg: dict[str, Any]) -> None:
        with self._lock:
            self._write(msg)

    def _write(self, msg: dict[str, Any]) -> None:
        try:
            protocol.send(self._sink, msg)
        except OSError:
            os._exit(protocol.EXIT_CANCELLED)  # nobody listens any more


def _id(msg: dict[str, Any]) -> str | None:
    """The job that ``msg`` is about; None where that can't be told."""
    found = msg.get("id")
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    return found if 1 <= len(found := str(found)) <= LONGEST_ID else None


def _refused(job_id: str | None, what: str) -> dict[str, Any]:
    """The answer to a job that makes no sense."""
    fix = "use the add-on and the engine of the same version"
    return protocol.failed(protocol.Wording(what, fix), protocol.EXIT_BAD_INPUT, id=job_id)


def serve(frugal: bool = False) -> int:
    """Serve on this process's stdin and stdout; whatever else prints goes to stderr.

    A descriptor of its own for the reader, too: it still waits there when the process ends, and Python, which
    closes sys.stdin at the end, would abort over the lock.
    """
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = Server(source, sink, frugal)
    _heed_signals(server.end)
    return server.run()


def _heed_signals(end: Callable[[], None]) -> None:
    """Call ``end`` as soon as the process is asked to end, also while native code has the main thread."""
    asked, written = os.pipe()
    os.set_blocking(written, False)
    signal.set_wakeup_fd(written, warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: None)

    def wait() -> None:
        while True:
            if os.read(asked, 1)[0] in (signal.SIGINT, signal.SIGTERM):
                end()

    threading.Thread(target=wait, daemon=True).start()
