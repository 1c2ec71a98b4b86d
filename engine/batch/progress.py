"""What is told while a batch runs: to a program in lines of JSON, to a person at a terminal or in a log."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time

from .. import protocol, terminal
from ..client.engine_process import Event
from ..json_lines import Lines

LOG_S = 60.0  # in a log, so often a line on the whole


class Json:
    """Every event as a line on what is stdout now."""

    def __init__(self) -> None:
        self._tell = Lines(sys.stdout.buffer)

    def __call__(self, event: Event) -> None:
        self._tell(event)

    def close(self) -> None:
        """Nothing is left open."""


class Terminal:
    """On a terminal one line, drawn again; in a log a line a job. What fails is told even if silent."""

    def __init__(self, silent: bool) -> None:
        self._silent = silent
        self._live = sys.stderr.isatty() and not silent
        self._drawn = False
        self._logged = time.monotonic()

    def __call__(self, event: Event) -> None:
        kind = event["kind"]
        if kind == protocol.REFUSED:
            self._say(f"refused line {event['line']}: {sentence(event)}")
        elif kind == protocol.FAILED:
            verb = "again" if event.get("again") else "failed"
            self._say(f"{verb:7} {event['id']} (line {event['line']}): {sentence(event)}")
        elif self._silent:
            return
        elif kind == protocol.BATCH:
            rest = event["jobs"] - event["finished"]
            self._say(f"{event['jobs']} jobs, {event['finished']} done before, {rest} to do")
        elif kind == protocol.DONE and not self._live:
            self._say(f"done    {event['id']} ({event['seconds']:.1f} s)")
        elif kind == protocol.OVERALL:
            self._overall(event)

    def _overall(self, event: Event) -> None:
        if self._live:
            self._draw(event)
        elif time.monotonic() - self._logged > LOG_S:
            self._logged = time.monotonic()
            self._say(overall(event))

    def _draw(self, event: Event) -> None:
        ended = event["done"] + event["failed"]
        filled = round(terminal.WIDTH * ended / max(1, ended + event["left"]))
        text = f"{'█' * filled}{'░' * (terminal.WIDTH - filled)} {overall(event)}"
        columns = shutil.get_terminal_size().columns - 1
        print(f"\r{text[:columns]:<{columns}}", end="", file=sys.stderr, flush=True)
        self._drawn = True

    def _say(self, text: str) -> None:
        self.close()
        with contextlib.suppress(OSError):
            terminal.say(text)

    def close(self) -> None:
        """The line that is drawn again goes."""
        if self._drawn:
            columns = shutil.get_terminal_size().columns - 1
            print("\r" + " " * columns + "\r", end="", file=sys.stderr, flush=True)
            self._drawn = False


def sentence(event: Event) -> str:
    """What is wrong and how to mend it, in one line."""
    what, fix = (" ".join(str(event[name]).split()) for name in ("error", "fix"))
    return f"{what.rstrip('.')}. {fix}"


def overall(event: Event) -> str:
    """How far everything is."""
    whole = event["done"] + event["failed"] + event["left"]
    parts = [f"{event['done']} of {whole} done"]
    if event["failed"]:
        parts.append(f"{event['failed']} failed")
    if event["eta_s"] is not None and event["left"]:
        parts.append(f"about {duration(event['eta_s'])} left")
    return ", ".join(parts)


def duration(seconds: float) -> str:
    """``seconds`` as one reads them: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
