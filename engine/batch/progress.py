"""How far a batch is, how long the rest will take, and how that is shown: to a program in lines of JSON, to a
person at a terminal or in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Sequence

from .. import protocol, terminal
from ..json_lines import Event, EventLines, Report

OVERALL_S = 1.0  # so often at most it is reported how far everything is, while no job ends
LOG_S = 60.0  # so often a log gets a line on that


class RemainingTime:
    """Estimated by the seconds that jobs took. An engine's first, loading included, counts only while there
    are no others."""

    def __init__(self) -> None:
        self._first: list[float] = []
        self._sum, self._count = 0.0, 0

    def add(self, seconds: float, first: bool) -> None:
        """A job took ``seconds``; first: of its engine."""
        if first:
            self._first.append(seconds)
        else:
            self._sum += seconds
            self._count += 1

    def estimate(self, waiting: int, fractions: Sequence[float], workers: int) -> float | None:
        """Seconds for ``waiting`` jobs and the rest of those that run, of which ``fractions`` in [0, 1] are
        done; None while nobody knows."""
        if self._count:
            mean = self._sum / self._count
        elif self._first:
            mean = sum(self._first) / len(self._first)
        else:
            return None
        rest = [1 - fraction for fraction in fractions]
        return mean * max((waiting + sum(rest)) / max(1, workers), max(rest, default=0.0))


class OverallProgress:
    """Reports how far everything is: at once when a job has ended, else now and then."""

    def __init__(self, report: Report) -> None:
        self.remaining = RemainingTime()
        self._report = report
        self._last = (-1, -1, 0.0)  # done, failed and when, as of the last report

    def __call__(
        self, done: int, failed: int, waiting: int, fractions: Sequence[float], workers: int
    ) -> None:
        """So many are ``done``, ``failed`` and ``waiting``; of those that run, ``fractions`` in [0, 1]."""
        now = time.monotonic()
        if (done, failed) == self._last[:2] and now - self._last[2] < OVERALL_S:
            return
        self._last = (done, failed, now)
        eta = self.remaining.estimate(waiting, fractions, workers)
        eta = None if eta is None else round(eta, 1)
        left = {"left": waiting + len(fractions), "running": len(fractions), "eta_s": eta}
        self._report(protocol.message(protocol.OVERALL, done=done, failed=failed, **left))


class JsonProgress:
    """Every event as a line on what is stdout now."""

    def __init__(self) -> None:
        self._write = EventLines(sys.stdout.buffer)

    def __call__(self, event: Event) -> None:
        self._write(event)

    def close(self) -> None:
        """Nothing is left open."""


class TerminalProgress:
    """On a terminal one line, drawn again; in a log a line a job. What fails is shown even if silent."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._live = sys.stderr.isatty() and not silent
        self._drawn = False
        self._logged = time.monotonic()

    def __call__(self, event: Event) -> None:
        kind = event["kind"]
        if kind == protocol.REFUSED:
            self._say(f"refused line {event['line']}: {failure_text(event)}")
        elif kind == protocol.FAILED:
            verb = "again" if event.get("again") else "failed"
            self._say(f"{verb:7} {event['id']} (line {event['line']}): {failure_text(event)}")
        elif self._silent:
            return
        elif kind == protocol.BATCH:
            rest = event["jobs"] - event["finished"]
            self._say(f"{event['jobs']} jobs, {event['finished']} done before, {rest} to do")
        elif kind == protocol.DONE and not self._live:
            self._say(f"done    {event['id']} ({event['seconds']:.1f} s)")
        elif kind == protocol.OVERALL:
            self._show_overall(event)

    def _show_overall(self, event: Event) -> None:
        if self._live:
            ended = event["done"] + event["failed"]
            terminal.draw(ended / max(1, ended + event["left"]), overall_text(event))
            self._drawn = True
        elif time.monotonic() - self._logged > LOG_S:
            self._logged = time.monotonic()
            self._say(overall_text(event))

    def _say(self, text: str) -> None:
        self.close()
        with contextlib.suppress(OSError):
            terminal.say(text)

    def close(self) -> None:
        """The line that is drawn again goes."""
        if self._drawn:
            terminal.clear()
            self._drawn = False


def failure_text(event: Event) -> str:
    """What is wrong and how to mend it, in one line."""
    what, fix = (" ".join(str(event[name]).split()) for name in ("error", "fix"))
    return f"{what.rstrip('.')}. {fix}"


def overall_text(event: Event) -> str:
    """How far everything is."""
    count = event["done"] + event["failed"] + event["left"]
    parts = [f"{event['done']} of {count} done"]
    if event["failed"]:
        parts.append(f"{event['failed']} failed")
    if event["eta_s"] is not None and event["left"]:
        parts.append(f"about {duration_text(event['eta_s'])} left")
    return ", ".join(parts)


def duration_text(seconds: float) -> str:
    """``seconds`` as one reads them: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
