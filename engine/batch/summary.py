"""What came of every line: summary.csv for programs, index.html for people, both in the batch's folder."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..outputs import BATCH_STATE, Outputs
from ..protocol import Request
from ..relative import Folders
from . import disk, index_page, records, tasks
from .folder import BatchFolder
from .jobs import RefusedLine
from .tasks import BatchTask

CSV, HTML = "summary.csv", "index.html"
WRITTEN = "summary"  # a file with what a batch needs for itself: both were written here
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
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # how they begin, after spaces too
PAUSE_S, PAUSE_RATIO = 30.0, 200.0  # between two, and how many times longer than the writing takes

_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # of pairs; the others stand for bytes of a path

Row = dict[str, Any]


class BatchSummary:
    """Of ``all_tasks`` and the ``refused`` lines, in the order of the job file ``jobs``. Meshes are named as
    seen from there, and nothing says where on this computer it lies."""

    def __init__(
        self,
        folder: BatchFolder,
        all_tasks: Sequence[BatchTask],
        refused: Sequence[RefusedLine],
        jobs: Path,
    ) -> None:
        self._jobs = jobs.absolute()
        self._files = [str(self._jobs), str(folder.path)]
        self._folder, self._tasks, self._refused = folder, all_tasks, refused
        self._measured: dict[BatchTask, Row] = {}
        self._next = time.monotonic() + PAUSE_S

    def refresh(self) -> None:
        """Write both, when the last time is long enough ago for that to cost next to nothing."""
        if (start := time.monotonic()) >= self._next:
            self.write()
            took = time.monotonic() - start
            self._next = time.monotonic() + max(PAUSE_S, PAUSE_RATIO * took)

    def write(self) -> None:
        """Write both. Raises OSError."""
        if not os.path.lexists(mark := self._folder.path / BATCH_STATE / WRITTEN):
            mark.touch()
        rows = [self._row(one) for one in self._tasks] + [self._refused_row(one) for one in self._refused]
        rows.sort(key=lambda row: int(row["line"]))
        disk.write(self._folder.path / CSV, _csv(rows).encode("utf-8", "surrogateescape"))
        page = index_page.page(rows)
        disk.write(self._folder.path / HTML, page.encode("utf-8", "replace"))

    def _row(self, task: BatchTask) -> Row:
        request = task.job.request
        row: Row = {"line": task.job.line, "state": task.state, "name": task.job.name}
        row |= {"model": request.model, "seed": request.seed}
        if task.state in (tasks.DONE, tasks.FAILED):
            row |= {"seconds": round(task.seconds, 2), "attempts": task.attempts}
        if task.state == tasks.DONE:
            files = {name: task.result[key] for name, key in FILES.items() if task.result.get(key)}
            row |= {name: f"{task.job.name}/{file}" for name, file in files.items()}
            row |= self._measures(task) | {"warnings": " ".join(task.warnings)}
        if task.state == tasks.FAILED:
            row |= {"error": task.error, "fix": task.fix}
        folders = Folders.of(request, [self._folder.path], self._files)
        said: Row = folders.without(row)
        mesh = request.mesh if isinstance(request, Request) else ""
        return said | self._asked(mesh, ", ".join(request.prompts))

    def _refused_row(self, line: RefusedLine) -> Row:
        row = {"line": line.line, "state": REFUSED, "error": line.error, "fix": line.fix}
        said: Row = Folders(files=self._files).without(row)
        return said | self._asked(line.mesh, line.prompt)

    def _asked(self, mesh: str, prompt: str) -> Row:
        with contextlib.suppress(ValueError):  # on another drive, or no path at all
            mesh = os.path.relpath(mesh, self._jobs.parent) if os.path.isabs(mesh) else mesh
        return {"mesh": mesh, "prompt": prompt}

    def _measures(self, task: BatchTask) -> Row:
        if task not in self._measured:
            report = disk.read_json(self._folder.target(task.job) / "report.json") or {}
            self._measured[task] = {name: records.number(report.get(name)) for name in MEASURED}
        return self._measured[task]


def check(folder: Path, jobs: str, overwrite: bool) -> None:
    """Raise UserError where one of both in the batch's ``folder`` is somebody's own; jobs: path of the job
    file."""
    ours = (folder / BATCH_STATE / WRITTEN).exists()
    Outputs(folder, (jobs,), overwrite, frozenset((CSV, HTML) if ours else ())).check((CSV, HTML))


def _cell(value: Any) -> Any:
    """``value``, where a spreadsheet would take its text for a formula with a quote before it."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(" \n").startswith(FORMULAS) else value


def _csv(rows: Sequence[Row]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)
    return _HALVES.sub("?", text.getvalue())
