"""What all jobs have in common, whatever the engine makes in them: a folder, a state, and looking at it."""

from __future__ import annotations

import dataclasses
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import bpy

from ...engine import protocol
from ..read import references as read_references
from . import engine, job_files
from .state import State

POLL_S = 0.02
_workers = ThreadPoolExecutor(1, "sync_texture")


class Job:
    """A running job. doing: what it does, in words for the panel. folder: private, removed by ``close``."""

    state: State

    def __init__(self, doing: str) -> None:
        """Raises OSError."""
        self.doing = doing
        self.folder = job_files.make_folder(bpy.app.tempdir or None)
        self._looked_at: Future[Any] | None = None

    def begin(self, command: list[str], request: protocol.AnyRequest, prepare: Callable[[], None]) -> None:
        """Start the engine on ``request``, which may name images of the .blend as references; as of
        Supervisor.start. Raises Problem."""
        references = read_references.read_all(request.reference)
        one_at_a_time = threading.Lock()  # where an engine dies while files are saved, another gets them

        def save() -> None:
            with one_at_a_time:
                prepare()
                read_references.save(references, self.folder)

        said = read_references.files(references, self.folder)
        self.state = engine.supervisor.start(command, dataclasses.replace(request, reference=said), save)

    def look_at(self, result: protocol.Result) -> Any:
        """What the ``result`` holds, its files looked at; in another thread. Raises Problem."""
        raise NotImplementedError

    def show_preview(self) -> None:
        """Show the newest preview, if anything does."""

    @property
    def blocked(self) -> str:
        """Why the result has to wait, in words; "" when it needn't."""
        return ""

    def poll(self) -> bool:
        """Look at what the engine said; True once the job has ended. Takes less than 10 ms."""
        if not engine.supervisor.poll():
            self.show_preview()
            return False
        if (result := self.state.result) and self._looked_at is None:
            self._looked_at = _workers.submit(self.look_at, result)
        return self._looked_at is None or self._looked_at.done()

    def found(self) -> Any:
        """What ``look_at`` gave, once the job has ended. Raises Problem: what it ended with otherwise."""
        if self.state.problem:
            raise self.state.problem
        assert self._looked_at, "for ended jobs"
        return self._looked_at.result()

    def cancel(self) -> None:
        """Stop the job, also when it is done and its result waits."""
        if self.state.ended:
            self.state.discard()
        else:
            engine.supervisor.cancel()

    def wait(self, watch: Callable[[State], None] | None = None) -> None:
        """Block until the job has ended, calling ``watch`` with its state now and then."""
        while not self.poll():
            if watch:
                watch(self.state)
            time.sleep(POLL_S)

    def wait_with_progress(self) -> None:
        """As ``wait``; where stderr is a terminal, one line of it shows the progress, and goes in the end."""
        if not sys.stderr.isatty():
            self.wait()
            return
        try:
            self.wait(lambda state: _print(state.text))
        finally:
            _print("")

    def close(self) -> None:
        """Remove the job's folder."""
        job_files.remove_folder(self.folder)


def own_out(folder: Path) -> Path:
    """Where the engine's files go in a job's private ``folder``."""
    return folder / "out"


def _print(text: str) -> None:
    """``text`` instead of the terminal's last line."""
    print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
