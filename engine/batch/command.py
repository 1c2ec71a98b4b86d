"""``batch``: from the command line's words to the exit status."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import protocol
from ..client.engine_process import Event
from ..errors import UserError
from ..options import job_fields
from . import cluster, engines, folder, jobs, journal, machine_share, progress, task
from .account import Tell
from .coordinator import Coordinator
from .engines import Events, JobEngine, LocalEngine, StartEngine
from .jobs import Part, Refused
from .summary import CSV, HTML, Summary
from .task import Task

MAX_WORKERS = 1024


@dataclass(frozen=True)
class Plan:
    """What is asked for. given: fields of a request for jobs that don't say otherwise. workers: None for one
    here, for as many as a cluster has room for. part: K/N. tolerant: failed jobs don't show in the
    status. cluster, cores: as of cluster.joined."""

    jobs: str
    out: str
    given: Mapping[str, Any]
    workers: int | None = None
    time_limit: float | None = None
    part: str | None = None
    tolerant: bool = False
    cluster: str | None = None
    cores: int | None = None


def run(plan: Plan, as_json: bool = False, silent: bool = False) -> int:
    """Do all that is left to do; 0 when everything is done, or ``plan`` is tolerant, else 1. Raises UserError
    when the batch as a whole can't go on, and whatever a signal raises."""
    _check(plan)
    given = job_fields.read(plan.given)
    for name in given.keys() & {"init_texture", "cameras"}:
        given[name] = os.path.abspath(given[name])
    found, refused = jobs.read(Path(plan.jobs), given)
    part = None if plan.part is None else Part.read(plan.part)
    if part is not None:
        found = [job for job in found if part.has(job.line)]
        refused = [line for line in refused if part.has(line.line)]
    with folder.opened(Path(plan.out), part) as there:
        tell = progress.Json() if as_json else progress.Terminal(silent)
        try:
            status = _do(plan, there, task.plan(found, there), refused, tell)
        finally:
            tell.close()
        if not as_json and part is None:
            print(there.path / CSV, there.path / HTML, sep="\n")
    return status


def _check(plan: Plan) -> None:
    if plan.workers is not None and not 1 <= plan.workers <= MAX_WORKERS:
        raise UserError(f"the number of workers is {plan.workers}", f"choose 1 to {MAX_WORKERS}")
    if plan.cores is not None and plan.cores < 1:
        raise UserError(f"the number of cores is {plan.cores}", "choose at least 1")
    if plan.cores is not None and plan.cluster is None:
        raise UserError("--cores is for --cluster", "here OMP_NUM_THREADS says how many an engine takes")
    if plan.time_limit is not None and not plan.time_limit > 0:
        raise UserError(f"the time limit is {plan.time_limit:g} s", "choose more than 0")


def _do(
    plan: Plan, there: folder.Folder, tasks: Sequence[Task], refused: Sequence[Refused], tell: Tell
) -> int:
    # Of a part there is none: whoever does another part would write over it.
    summary = Summary(there, tasks, refused) if plan.part is None else None

    def told(event: Event) -> None:
        tell(event)
        if summary and event["kind"] in protocol.FINAL:
            summary.refresh()

    far = plan.cluster if any(one.state == task.WAITING for one in tasks) else None
    with _staff(plan, far, there) as (hired, workers):
        _open(tasks, refused, workers, tell)
        there.journal.tell(journal.BEGIN, process=os.getpid(), jobs=len(tasks))
        alone = far in (None, cluster.LOCAL)
        coordinator = Coordinator(there, tasks, hired, workers, plan.time_limit, told, alone)
        account = coordinator.account
        try:
            coordinator.run()
            there.journal.tell(journal.END, done=account.done, failed=account.failed)
        finally:
            if summary:
                summary.write()
    good = plan.tolerant or (not account.failed and not refused)
    status = protocol.EXIT_DONE if good else protocol.EXIT_BUG
    counts = {"done": account.done, "failed": account.failed, "refused": len(refused)}
    tell(protocol.message(protocol.ENDED, **counts, code=status))
    return status


@contextlib.contextmanager
def _staff(plan: Plan, far: str | None, there: folder.Folder) -> Iterator[tuple[StartEngine, int]]:
    """What makes engines, here or on the cluster ``far``, and how many there are to be."""
    if far is None:
        yield hire(plan.workers or 1), plan.workers or 1
        return
    with cluster.joined(far, plan.cores) as joined:
        yield joined.hire(there.path), min(plan.workers or joined.room.engines, MAX_WORKERS)


def hire(workers: int) -> StartEngine:
    """What makes an engine for the coordinator: a child process with its share of this machine."""
    environments = machine_share.environments(workers, os.environ)

    def make(number: int, frugal: bool, events: Events) -> JobEngine:
        return LocalEngine(engines.command(frugal), environments[number], events)

    return make


def _open(tasks: Sequence[Task], refused: Sequence[Refused], workers: int, tell: Tell) -> None:
    """Tell what there is to do, which lines can't be, and which failed before an interruption."""
    finished = sum(one.state == task.DONE for one in tasks)
    counts = {"jobs": len(tasks), "finished": finished, "refused": len(refused), "workers": workers}
    tell(protocol.message(protocol.BATCH, **counts))
    for one in refused:
        tell(protocol.message(protocol.REFUSED, line=one.line, error=one.error, fix=one.fix))
    for failed in (one for one in tasks if one.state == task.FAILED):
        why = {"error": failed.error, "fix": failed.fix, "code": failed.code}
        name, line = failed.job.name, failed.job.line
        tell(protocol.message(protocol.FAILED, id=name, line=line, **why, again=False))
