"""``batch``: from the command line's options to the exit status."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import protocol, terminal
from ..errors import UserError
from ..json_lines import Event, Report
from ..options import job_fields, values
from ..options.commands import Batch
from ..options.option import options as table_of
from ..outputs import Outputs
from . import cluster, engines, jobs, journal, resources, summary, tasks
from .coordinator import Coordinator
from .engines import EnginePool, Events, LocalEngine
from .folder import BatchFolder, opened
from .jobs import RefusedLine, Shard
from .progress import JsonProgress, TerminalProgress
from .summary import CSV, HTML, BatchSummary
from .tasks import BatchTask, tasks_of

MAX_WORKERS = int(table_of(Batch)["workers"].limits[1])


@dataclass(frozen=True)
class BatchOptions:
    """What is asked for. defaults: fields of a request, as options say them, for jobs that don't say
    otherwise. workers: None for one here, for as many as a cluster has room for. part: K/N. tolerant: failed
    jobs don't show in the status. cluster, cores: as of cluster.connected."""

    jobs: str
    out: str
    defaults: Mapping[str, Any]
    workers: int | None = None
    time_limit: float | None = None
    part: str | None = None
    tolerant: bool = False
    cluster: str | None = None
    cores: int | None = None


def run(options: BatchOptions, as_json: bool = False, silent: bool = False) -> int:
    """Do all that is left to do; 0 when everything is done, or ``options`` are tolerant, else 1. Raises
    UserError when the batch as a whole can't go on, and whatever a signal raises."""
    _check(options)
    defaults = job_fields.read(options.defaults)
    for name in defaults.keys() & set(job_fields.FILES):
        defaults[name] = os.path.abspath(defaults[name])
    defaults |= job_fields.beside(defaults, Path.cwd())
    found, refused = jobs.read(Path(options.jobs), defaults)
    part = None if options.part is None else Shard.read(options.part)
    if part is not None:
        found = [job for job in found if part.has(job.line)]
        refused = [line for line in refused if part.has(line.line)]
    if part is None:
        summary.check(Path(options.out), options.jobs, bool(options.defaults.get("overwrite")))
    Outputs(Path(options.out)).check(())  # of nothing but the folder's own name
    with opened(Path(options.out), part) as folder:
        report = JsonProgress() if as_json else TerminalProgress(silent)
        try:
            all_tasks = tasks_of(found, folder)
            for path in sorted(folder.damaged):
                terminal.say(f"note: {path} makes no sense; what it tells of counts as not done")
            if folder.changed:
                terminal.say(f"note: {_changed(folder)}")
            status = _run(options, folder, all_tasks, refused, report)
        finally:
            report.close()
        if not as_json and part is None:
            terminal.tell_paths((folder.path / CSV, folder.path / HTML))
    return status


def _changed(folder: BatchFolder) -> str:
    """One line about results that are no longer what they were."""
    first, *others = sorted(folder.changed)
    more = f" and {len(others)} more" * bool(others)
    return f"{first}{more}: cut off or changed since; made again, and what is there kept by another name"


def _check(options: BatchOptions) -> None:
    for name, entry in table_of(Batch).items():
        values.check(entry, getattr(options, name))
    if options.cores is not None and options.cluster is None:
        fix = "here OMP_NUM_THREADS says how many an engine takes"
        raise UserError("{cores} is for {cluster}", fix, cores=None, cluster=None)


def _run(
    options: BatchOptions,
    folder: BatchFolder,
    all_tasks: Sequence[BatchTask],
    refused: Sequence[RefusedLine],
    report: Report,
) -> int:
    # Of a part there is none: whoever does another part would write over it.
    jobs = Path(options.jobs)
    summed = BatchSummary(folder, all_tasks, refused, jobs) if options.part is None else None

    def report_and_sum_up(event: Event) -> None:
        report(event)
        if summed and event["kind"] in protocol.FINAL:
            summed.refresh()

    address = options.cluster if any(one.state == tasks.WAITING for one in all_tasks) else None
    with _engines(options, address, folder) as pool:
        _report_begin(all_tasks, refused, pool.size, report)
        folder.journal.add(journal.BEGIN, process=os.getpid(), jobs=len(all_tasks))
        coordinator = Coordinator(folder, all_tasks, pool, options.time_limit, report_and_sum_up)
        recorder = coordinator.recorder
        try:
            coordinator.run()
            folder.journal.add(journal.END, done=recorder.done, failed=recorder.failed)
        except BaseException:
            if summed:
                with contextlib.suppress(OSError):  # what ended it is worth more
                    summed.write()
            raise
        if summed:
            summed.write()
    good = options.tolerant or (not recorder.failed and not refused)
    status = protocol.EXIT_DONE if good else protocol.EXIT_BUG
    counts = {"done": recorder.done, "failed": recorder.failed, "refused": len(refused)}
    report(protocol.message(protocol.ENDED, **counts, code=status))
    return status


@contextlib.contextmanager
def _engines(options: BatchOptions, address: str | None, folder: BatchFolder) -> Iterator[EnginePool]:
    """Those of this machine, or of the cluster at ``address``."""
    if address is None:
        yield local_engines(options.workers or 1)
        return
    with cluster.connected(address, options.cores) as there:
        yield there.pool(folder.path, min(options.workers or there.capacity.engines, MAX_WORKERS))


def local_engines(workers: int) -> EnginePool:
    """Child processes, each with its part of this machine."""
    environments = resources.environments(workers, os.environ)

    def start(number: int, frugal: bool, events: Events) -> LocalEngine:
        return LocalEngine(engines.command(frugal), environments[number], events)

    return EnginePool(start, workers)


def _report_begin(
    all_tasks: Sequence[BatchTask], refused: Sequence[RefusedLine], workers: int, report: Report
) -> None:
    """Report what there is to do, which lines can't be, and which failed before an interruption."""
    finished = sum(one.state == tasks.DONE for one in all_tasks)
    counts = {"jobs": len(all_tasks), "finished": finished, "refused": len(refused), "workers": workers}
    report(protocol.message(protocol.BATCH, **counts))
    for line in refused:
        report(protocol.message(protocol.REFUSED, line=line.line, error=line.error, fix=line.fix))
    for failed in (one for one in all_tasks if one.state == tasks.FAILED):
        why = {"error": failed.error, "fix": failed.fix, "code": failed.code}
        name, line_number = failed.job.name, failed.job.line
        report(protocol.message(protocol.FAILED, id=name, line=line_number, **why, again=False))
