"""The engine as a child process: JSON lines on stdin and stdout, jobs one after the other.

Three threads. The main one works, and first of all imports what any job needs. A reader takes messages from
stdin, so that a cancel or the end of the parent (end of file) is noticed at once. The third sends heartbeats,
which tell the parent that the engine lives. Native code can't be interrupted from outside; when a cancelled
job hasn't stopped after CANCEL_GRACE_S, the engine says so and exits, and the parent starts another one for
the next job.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from typing import IO, Any

from . import protocol
from .host import Host
from .json_lines import ProgressEvents
from .worker import Worker, answer

CANCEL_GRACE_S = 1.5  # the contract allows two seconds
HEARTBEAT_S = 2.0


class Server:
    """Serve jobs from ``source`` until quit or end of file; events go to ``sink``. frugal: as of Worker."""

    def __init__(self, source: IO[bytes], sink: IO[bytes], frugal: bool = False) -> None:
        self._source, self._sink, self._frugal = source, sink, frugal
        self._lock = threading.Lock()
        self._jobs: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._waiting: set[str] = set()  # ids of jobs that have not begun
        self._cancelled: set[str] = set()
        self._current: str | None = None
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

    def _do(self, worker: Worker, job: dict[str, Any]) -> None:
        job_id = str(job["id"])
        with self._lock:
            if job_id not in self._waiting:
                return  # cancelled, and answered, before its turn
            self._current = job_id  # before it stops waiting: _busy looks without the lock
            self._waiting.remove(job_id)
            self._write(protocol.message(protocol.STARTED, id=job_id))
        try:
            request = protocol.Request.from_dict(job["request"])
        except (KeyError, TypeError, ValueError) as error:
            why = f"the request can't be read: {error}", "use the add-on and the engine of the same version"
            outcome = protocol.failed(protocol.Wording(*why), protocol.EXIT_BAD_INPUT, id=job_id)
        else:
            host = Host(
                ProgressEvents(self._send, job_id),
                lambda: job_id in self._cancelled,
                preview=lambda preview: self._send(
                    protocol.message(protocol.PREVIEW, id=job_id, preview=preview.as_dict())
                ),
            )
            outcome = answer(job_id, worker.run(request, host))
        with self._lock:  # from here on a late cancel finds nothing to cancel
            self._current = None
            self._cancelled.discard(job_id)
            self._write(outcome)

    def _busy(self) -> bool:
        return bool(self._waiting) or self._current is not None

    def _read(self) -> None:
        for line in self._source:
            try:
                self._handle(protocol.decode(line))
            except ValueError as error:
                print(error, file=sys.stderr)
        self._end()  # the parent is gone

    def _handle(self, msg: dict[str, Any]) -> None:
        kind = msg["kind"]
        if kind == protocol.JOB and "id" in msg:
            self._waiting.add(str(msg["id"]))
            self._jobs.put(msg)
        elif kind == protocol.CANCEL:
            self._cancel(str(msg.get("id")))
        elif kind == protocol.QUIT:
            self._end()
        elif kind != protocol.HEARTBEAT:
            raise ValueError(f"unknown message {kind!r}")

    def _end(self) -> None:
        """End: nobody wants what is being done any more."""
        if self._busy():
            os._exit(protocol.EXIT_CANCELLED)
        if self._importing:
            os._exit(protocol.EXIT_DONE)
        self._jobs.put(None)

    def _cancel(self, job_id: str) -> None:
        with self._lock:
            if job_id in self._waiting:  # it needn't wait for the job before it to be answered
                self._waiting.remove(job_id)
                self._write(protocol.message(protocol.CANCELLED, id=job_id))
                return
            self._cancelled.add(job_id)
        threading.Thread(target=self._end_unless_cancelled, args=(job_id,), daemon=True).start()

    def _end_unless_cancelled(self, job_id: str) -> None:
        """End the process when the job hasn't ended by itself in time."""
        time.sleep(CANCEL_GRACE_S)
        with self._lock:
            if self._current == job_id:
                self._write(protocol.message(protocol.CANCELLED, id=job_id))
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


def serve(frugal: bool = False) -> int:
    """Serve on this process's stdin and stdout; whatever else prints goes to stderr.

    A descriptor of its own for the reader, too: it still waits there when the process ends, and Python, which
    closes sys.stdin at the end, would abort over the lock.
    """
    source = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Server(source, sink, frugal).run()
