"""What came of every line: summary.csv for programs, index.html for people, both in the batch's folder."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Sequence
from typing import Any

from . import disk, sheet, task
from .folder import Folder
from .jobs import Refused
from .task import Task

CSV, HTML = "summary.csv", "index.html"
COLUMNS = (
    "line",
    "state",
    "name",
    "mesh",
    "prompt",
    "model",
    "seed",
    "seconds",
    "attempts",
    "coverage",
    "seam_error",
    "view_psnr",
    "texture",
    "glb",
    "blend",
    "error",
    "fix",
    "warnings",
)
FILES = {"texture": "texture", "glb": "mesh", "blend": "scene"}  # columns, and what the result calls them
MEASURED = ("coverage", "seam_error", "view_psnr")
REFUSED = "refused"
PAUSE, SHARE = 30.0, 200.0  # seconds between two, and how many times longer than the writing takes

Row = dict[str, Any]


class Summary:
    """Of ``tasks`` and the ``refused`` lines, in the order of the job file."""

    def __init__(self, folder: Folder, tasks: Sequence[Task], refused: Sequence[Refused]) -> None:
        self._folder, self._tasks, self._refused = folder, tasks, refused
        self._measured: dict[Task, Row] = {}
        self._next = time.monotonic() + PAUSE

    def refresh(self) -> None:
        """Write both, when the last time is long enough ago for that to cost next to nothing."""
        if (start := time.monotonic()) >= self._next:
            self.write()
            took = time.monotonic() - start
            self._next = time.monotonic() + max(PAUSE, SHARE * took)

    def write(self) -> None:
        """Write both. Raises OSError."""
        rows = [self._row(one) for one in self._tasks] + [_refused_row(one) for one in self._refused]
        rows.sort(key=lambda row: int(row["line"]))
        disk.write(self._folder.path / CSV, _csv(rows).encode("utf-8", "surrogateescape"))
        page = sheet.page(rows)
        disk.write(self._folder.path / HTML, page.encode("utf-8", "replace"))

    def _row(self, one: Task) -> Row:
        request = one.job.request
        row = {"line": one.job.line, "state": one.state, "name": one.job.name, "mesh": request.mesh}
        row |= {"prompt": request.prompt, "model": request.model, "seed": request.seed}
        if one.state in (task.DONE, task.FAILED):
            row |= {"seconds": round(one.seconds, 2), "attempts": one.attempts}
        if one.state == task.DONE:
            files = {name: one.result[said] for name, said in FILES.items() if one.result.get(said)}
            row |= {name: f"{one.job.name}/{file}" for name, file in files.items()}
            row |= self._measures(one) | {"warnings": " ".join(one.warnings)}
        if one.state == task.FAILED:
            row |= {"error": one.error, "fix": one.fix}
        return row

    def _measures(self, one: Task) -> Row:
        if one not in self._measured:
            report = disk.read_json(self._folder.target(one.job) / "report.json") or {}
            self._measured[one] = {name: report.get(name) for name in MEASURED}
        return self._measured[one]


def _refused_row(one: Refused) -> Row:
    said = {"mesh": one.mesh, "prompt": one.prompt, "error": one.error, "fix": one.fix}
    return {"line": one.line, "state": REFUSED, **said}


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
