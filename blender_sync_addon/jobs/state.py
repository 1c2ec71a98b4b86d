"""What is known about a job, and how messages change it. No bpy, no process, no clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...engine import protocol
from ..problem import Problem, Stopped, of_message
from .durations import in_words

STARTING = "Starting the engine"
CANCELLING = "Cancelling"


@dataclass
class State:
    """One job's state; ``apply`` moves it on.

    stage: what the engine is doing, in words. i, n: progress inside the stage, n = 0 when unknown.
    eta_s: seconds left of the stage, None when unknown; after_s: that all after painting takes, as far as is
    known; closer_s: likewise the close-ups before that. preview: the last one, each a new object. result: set
    when done. problem: set when failed or cancelled. Exactly one of these two is set once the job has ended,
    and then stays. on_message: given every message of the job that makes sense, too.
    """

    id: str
    stage: str = STARTING
    i: int = 0
    n: int = 0
    eta_s: float | None = None
    started: bool = False
    cancelling: bool = False
    result: protocol.Result | None = None
    problem: Problem | None = None
    preview: protocol.Preview | None = None
    after_s: float = 0.0
    closer_s: float = 0.0
    on_message: Callable[[dict[str, Any]], None] | None = None

    @property
    def ended(self) -> bool:
        return self.result is not None or self.problem is not None

    @property
    def fraction(self) -> float:
        """Progress inside the stage, 0 to 1."""
        return min(1.0, max(0.0, self.i / self.n)) if self.n > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds left for the whole job, None when unknown."""
        closer = self.closer_s if self.stage == "denoise" else 0.0
        return None if self.eta_s is None else self.eta_s + closer + self.after_s

    @property
    def text(self) -> str:
        """One line: what is being done, how far it is, how long it will take."""
        steps = f" {self.i}/{self.n}" if self.n > 1 else ""
        left = "" if self.left_s is None else f", {in_words(self.left_s)} left"
        stage = protocol.STAGES.get(self.stage, self.stage)
        return f"{stage[:1].upper()}{stage[1:]}{steps}{left}"

    def cancel(self) -> None:
        """Note that the user wants out; the job ends when the engine says so, or is killed."""
        if not self.ended:
            self.cancelling = True
            self.stage, self.i, self.n, self.eta_s = CANCELLING, 0, 0, None

    def wait_for_artist(self, why: str) -> None:
        """The result is there but can't be used yet; ``why`` is shown instead of progress."""
        self.stage, self.i, self.n, self.eta_s = why, 0, 0, None

    def discard(self) -> None:
        """The user doesn't want the result any more."""
        self.result, self.problem = None, Stopped()

    def fail(self, problem: Problem) -> None:
        """End the job with ``problem``. A job that was being cancelled counts as cancelled."""
        if not self.ended:
            self.problem = Stopped() if self.cancelling else problem

    def apply(self, msg: dict[str, Any]) -> None:
        """Let the engine's message ``msg`` change the state. Messages of other jobs are ignored."""
        if self.ended or msg.get("id") != self.id:
            return
        try:
            self._take(msg["kind"], msg)
        except ValueError as error:
            self.fail(_garbled(msg["kind"], error))
        else:
            if self.on_message:
                self.on_message(msg)

    def _take(self, kind: str, msg: dict[str, Any]) -> None:
        """Raises ValueError for a message that makes no sense; nothing has changed then."""
        if kind == protocol.PROGRESS:
            self._progress(protocol.Progress.of(msg))
        elif kind == protocol.STARTED:
            self.started = True
        elif kind == protocol.PREVIEW:
            self.preview = protocol.Preview.from_dict(msg.get("preview"))
        elif kind == protocol.DONE:
            self._done(protocol.Result.from_dict(msg.get("result")))
        elif kind == protocol.FAILED:
            self.fail(of_message(msg))
        elif kind == protocol.CANCELLED:
            self.problem = Stopped()

    def _progress(self, now: protocol.Progress) -> None:
        if not self.cancelling:
            self.stage, self.i, self.n, self.eta_s = now.stage, now.i, now.n, now.eta_s

    def _done(self, result: protocol.Result) -> None:
        if self.cancelling:  # the last message overtook the cancel: the user's word counts
            self.problem = Stopped()
        else:
            self.result = result


def _garbled(kind: str, error: Exception) -> Problem:
    return Problem(
        f"The engine sent a '{kind}' message that makes no sense ({error})",
        "Engine and add-on may be of different versions: reinstall the extension.",
        protocol.EXIT_BUG,
    )
