"""A batch's folder on disk: who may use it, where engines write, which jobs are done.

A job is done when its folder holds a job.json with its fingerprint. Engines write elsewhere; a finished job's
files are put on disk first, then moved into place at once.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .. import blend
from ..disk import failure, require
from ..errors import DiskError, UserError
from ..export.save import writable_folder
from ..outputs import BATCH_STATE as STATE_FOLDER
from ..outputs import MESH_FILES, REPORT, Outputs, inputs_of
from ..protocol import ImageRequest
from . import disk, lock, records
from .jobs import BatchRequest, JobLine, Shard
from .journal import Journal

RECORD = "job.json"
DEEPEST = "turntable.gif"  # of a job's files, the one with the longest name
PROBE_LIMIT = 2**26  # bytes
CUT_OFF = f".{RECORD}.new"  # what a crash may leave of the record


class BatchFolder:
    """An open batch folder. ``journal``: what happened here. damaged: files that say what came of jobs and
    make no sense; changed: results of another size than they had. Such a job counts as not done."""

    def __init__(self, path: Path, journal: Journal, work: Path) -> None:
        self.path, self.journal, self._work = path, journal, work
        self._numbers = itertools.count(1)
        self.damaged: set[Path] = {journal.path} if journal.damaged else set()
        self.changed: set[Path] = set()

    def target(self, job: JobLine) -> Path:
        """The folder of ``job``'s results."""
        return self.path / job.name

    def new_staging(self) -> Path:
        """A new, empty folder for an engine to write into. Raises OSError."""
        path = self._work / str(next(self._numbers))
        path.mkdir()
        return path

    def remove(self, staging: Path) -> None:
        """Remove ``staging`` with what is in it."""
        shutil.rmtree(staging, ignore_errors=True)

    def probe(self, size: int) -> None:
        """Raise OSError, or DiskError, unless ``size`` bytes can be written: all are asked for, PROBE_LIMIT
        tried."""
        require(self.path, size)
        path, size = self._work / "probe", min(size, PROBE_LIMIT)
        try:
            with path.open("wb") as file:
                file.write(bytes(size))
        finally:
            path.unlink(missing_ok=True)

    def finished(self, job: JobLine) -> dict[str, Any] | None:
        """What job.json says about ``job``; None unless its results are there, made from the same."""
        path = self.target(job) / RECORD
        record = _record(self.target(job))
        if record is None or not records.fits(record):
            if os.path.isfile(path):
                self.damaged.add(path)
            return None
        if record["fingerprint"] != job.fingerprint:
            return None
        changed = set(_changed(self.target(job), record))
        self.changed |= changed
        complete = all(os.path.isfile(self.target(job) / name) for name in record["files"])
        return record if complete and not changed else None

    def check(self, job: JobLine, names: Sequence[str] | None = None) -> None:
        """UserError when there can't be a folder for ``job``, there is one of somebody else's, or files in it
        are that would be written over. names: of those that come, None: as far as it is known before."""
        target = self.target(job)
        try:
            with contextlib.suppress(FileNotFoundError):
                os.lstat(target / DEEPEST)  # answers at once for names that are too long
            foreign = os.path.lexists(target) and not target.is_dir()
            if target.is_dir() and not (target / RECORD).exists() and not job.request.overwrite:
                foreign = any(path.name != CUT_OFF for path in target.iterdir())
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            what = f"its folder {_short(job.name)} can't be made ({reason})"
            raise UserError(what, "shorten its out") from None
        if foreign:
            what = f"{target} is there already and no result of a batch"
            raise UserError(what, "move it away, or give the job another out")
        known = frozenset(_files(target)) | {RECORD}
        outputs = Outputs(target, tuple(inputs_of(job.request)), job.request.overwrite, known)
        outputs.check(_known(job.request) if names is None else names)

    def commit(self, job: JobLine, staging: Path, record: dict[str, Any]) -> None:
        """What is in ``staging`` becomes the result of ``job``. Raises UserError as check does, OSError."""
        target = self.target(job)
        names = sorted(path.name for path in staging.iterdir())
        self.check(job, names)
        sizes = {name: (staging / name).stat().st_size for name in names}
        record = {**record, "fingerprint": job.fingerprint, "files": names, "sizes": sizes}
        if target.exists():
            disk.sync_all([staging / name for name in names])
            _replace(target, staging, names)
            disk.write_json(target / RECORD, record)
        else:
            (staging / RECORD).write_bytes(disk.encoded(record))
            disk.sync_all([staging / name for name in (*names, RECORD)])
            target.parent.mkdir(parents=True, exist_ok=True)
            # Nobody waits for this: where it is lost with the power, the job is merely done again.
            staging.replace(target)
        self.remove(staging)


def _known(request: BatchRequest) -> list[str]:
    """The names of the files that come of ``request``, as far as they are known before."""
    return [REPORT] if isinstance(request, ImageRequest) else [*MESH_FILES, *blend.files(request)]


def _record(target: Path) -> dict[str, Any] | None:
    """What the job.json in ``target`` says; None where there is none of ours, which is no link."""
    return None if os.path.islink(target / RECORD) else disk.read_json(target / RECORD)


def _files(target: Path) -> list[str]:
    """The names of the files that the job.json in ``target`` lists."""
    record = _record(target)
    return list(record["files"]) if record is not None and records.fits(record) else []


def _changed(target: Path, record: dict[str, Any]) -> Iterator[Path]:
    """The results in ``target`` that are of another size than its ``record`` says."""
    for name, size in record.get("sizes", {}).items():
        path = target / name
        if name in record["files"] and os.path.isfile(path) and path.stat().st_size != size:
            yield path


def _put_aside(target: Path) -> None:
    """What somebody has changed since it was made is theirs: it stays, by another name."""
    record = _record(target)
    if record is None or not records.fits(record):
        return
    for path in _changed(target, record):
        others = (path.with_name(f"{path.stem}.changed-{n}{path.suffix}") for n in itertools.count(1))
        path.rename(next(other for other in others if not os.path.lexists(other)))


def _replace(target: Path, staging: Path, names: list[str]) -> None:
    """Files of an earlier result give way to ``names``; a stranger's stay. Until job.json is written again it
    says that there is no result."""
    _put_aside(target)
    gone = _files(target)
    disk.write_json(target / RECORD, {"fingerprint": None, "files": sorted({*gone, *names})})
    for name in set(gone) - set(names):
        if os.path.isfile(target / name):
            (target / name).unlink(missing_ok=True)
    for name in names:
        (staging / name).replace(target / name)
    disk.sync(target)


def _short(name: str) -> str:
    return repr(name if len(name) <= 60 else name[:57] + "...")


def resumable(error: DiskError) -> DiskError:
    """``error`` as it ends a batch."""
    words, after = error.wording, "the same command then goes on where it was"
    fix = words.fix if after in words.fix else f"{words.fix}; {after}"
    return DiskError(words.error, fix, **words.options)


@contextlib.contextmanager
def opened(path: Path, part: Shard | None = None) -> Iterator[BatchFolder]:
    """The folder ``path``, made if need be, for this process alone, or for it and those that do other parts.
    What an earlier run left unfinished goes.

    Raises UserError when it can't be written or another batch is at work in it.
    """
    writable_folder(path)
    path = path.resolve()
    own = path / STATE_FOLDER
    try:
        own.mkdir(exist_ok=True)
        with contextlib.ExitStack() as locks:
            if part is not None:
                locks.enter_context(lock.held(own / "lock", path, shared=True))
                own = own / f"part-{part.number}-of-{part.count}"
                own.mkdir(exist_ok=True)
            locks.enter_context(lock.held(own / "lock", path))
            shutil.rmtree(own / "work", ignore_errors=True)
            (own / "work").mkdir(exist_ok=True)
            # An engine of a run just killed may still be writing, for a moment: never to where we do.
            work = Path(tempfile.mkdtemp(dir=own / "work"))
            try:
                with Journal(own / "journal.jsonl") as journal:
                    yield BatchFolder(path, journal, work)
            finally:
                shutil.rmtree(own / "work", ignore_errors=True)
    except OSError as error:
        raise _unusable(path, error) from error


def _unusable(path: Path, error: OSError) -> UserError:
    """What ``error`` means for the whole batch."""
    if of_disk := failure(error, path):
        return resumable(of_disk)
    again = "and give the same command again: it goes on where it was"
    reason = os.strerror(error.errno) if error.errno else str(error)
    return UserError(f"the folder {path} can't be written ({reason})", f"mend that {again}")
