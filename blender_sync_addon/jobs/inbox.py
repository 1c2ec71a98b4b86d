"""What the engine said of a job and nobody has looked at yet. No bpy, no process."""

from __future__ import annotations

import threading

from ...engine import protocol
from ...engine.client.engine_process import EXITED
from ...engine.json_lines import Event

NEWEST = frozenset({protocol.PROGRESS, protocol.PREVIEW})  # of these only the last one matters
ONCE = frozenset({protocol.STARTED, EXITED, *protocol.FINAL})  # of these the first one


class Inbox:
    """Holds few messages however much an engine says: of each stage's progress and of previews the newest, of
    what can be said but once the first. What is said of other jobs, or is of another kind, is let go.

    One thread puts in, another takes out.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str], Event] = {}
        self._job: str | None = None

    def expect(self, job: str) -> None:
        """From now on, what is said of ``job`` counts."""
        with self._lock:
            self._job = job

    def put(self, event: Event) -> None:
        """An engine's message, or its end."""
        kind = event["kind"]
        stage = event.get("stage") if kind == protocol.PROGRESS else None
        key = kind, stage if isinstance(stage, str) and stage in protocol.STAGES else ""
        with self._lock:
            if kind != EXITED and event.get("id") != self._job:
                return
            if kind in NEWEST:
                self._waiting.pop(key, None)  # the newest comes last
                self._waiting[key] = event
            elif kind in ONCE:
                self._waiting.setdefault(key, event)

    def take(self) -> Event | None:
        """The one that came first, None without."""
        with self._lock:
            return self._waiting.pop(next(iter(self._waiting)), None) if self._waiting else None
