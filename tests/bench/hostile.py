"""Hostile input of every kind, made by chance: `build.py bench hostile [--minutes N] [--page]`.

Mesh files, pictures, models, what `serve` reads, job files, the command line's words, and what an engine says
to Blender: small valid ones are changed by seeds, each in a process of its own that is watched. No case may
crash, hang, take more memory than it may, say that it is a bug, reach outside, or leave anything behind. What
was run is kept in a folder and not run again; the same seed makes the same case.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.fuzz.case import Outcome
from tests.bench.fuzz.drivers import (
    BLENDER_KINDS,
    ENGINE_KINDS,
    BlenderDriver,
    Driver,
    EngineDriver,
    bpy_python,
)
from tests.bench.fuzz.record import Record
from tests.bench.pages import hostile as pages

ROOT = Path(__file__).parents[2]
KEEP = ROOT / "out/hostile"
PAGE = ROOT / "docs/hostile.md"
KINDS = (*ENGINE_KINDS, *BLENDER_KINDS)


def main(arguments: list[str] | None = None) -> int:
    """Run cases and say what came of them; 1 when one had a problem."""
    options = _parser().parse_args(arguments)
    if sys.platform != "linux":
        print("hostile: only Linux lets processes be watched so closely", file=sys.stderr)
        return 2
    options.keep.mkdir(parents=True, exist_ok=True)
    record = Record(options.keep / "cases.jsonl")
    one = options.case
    outcomes = [_one(options.keep, record, *one)] if one else _run(options, record, options.kind or KINDS)
    if options.page:
        PAGE.write_text(pages.page(record.outcomes), encoding="utf-8")
    print(pages.summary(record.outcomes if options.page else outcomes))
    return 1 if any(one.problems for one in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py bench hostile", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: %(default)s)")
    parser.add_argument("--kind", action="append", choices=KINDS, help="only this one; several times: these")
    parser.add_argument("--seed", type=int, default=0, help="the first (default: %(default)s)")
    parser.add_argument("--cases", type=int, help="of each kind, at most so many")
    parser.add_argument("--again", action="store_true", help="only those that had a problem, once more")
    parser.add_argument("--case", nargs=2, metavar=("KIND", "SEED"), help="only this one; its folder stays")
    parser.add_argument("--keep", type=Path, default=KEEP, help="folder of what was run")
    parser.add_argument("--page", action="store_true", help="write docs/hostile.md of all that was run")
    return parser


def _one(keep: Path, record: Record, kind: str, seed: str) -> Outcome:
    driver = _driver(kind in BLENDER_KINDS, keep)
    assert driver, "no Python with bpy"
    try:
        record.add(outcome := driver.run(kind, int(seed)))
    finally:
        driver.close()
    print(pages.details(outcome))
    return outcome


def _driver(in_blender: bool, keep: Path) -> Driver | None:
    if not in_blender:
        return EngineDriver(keep)
    python = bpy_python()
    return BlenderDriver(python, keep) if python else None


def _run(options: argparse.Namespace, record: Record, kinds: Sequence[str]) -> list[Outcome]:
    """Engine and Blender side by side, until time is over."""
    runs = []
    for own in (ENGINE_KINDS, BLENDER_KINDS):
        mine = [kind for kind in own if kind in kinds]
        driver = _driver(own == BLENDER_KINDS, options.keep) if mine else None
        if driver:
            runs.append(Run(driver, mine, record, options))
        elif mine:
            print("hostile: no Python with bpy was found, so Blender is left out", file=sys.stderr)
    threads = [threading.Thread(target=run.go) for run in runs]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        for run in runs:
            run.stopped = True
        for thread in threads:
            thread.join()
    return [outcome for run in runs for outcome in run.outcomes]


class Run:
    """Cases of ``kinds`` by one driver."""

    lock = threading.Lock()

    def __init__(
        self, driver: Driver, kinds: Sequence[str], record: Record, options: argparse.Namespace
    ) -> None:
        self._driver, self._kinds, self._record, self._options = driver, kinds, record, options
        self._again = [(one.kind, one.seed) for one in record.problems if one.kind in kinds]
        self._counts = dict.fromkeys(kinds, 0)
        self._end = time.monotonic() + 60 * options.minutes
        self.outcomes: list[Outcome] = []
        self.stopped = False

    def go(self) -> None:
        """Until time is over, or nothing is left."""
        try:
            while not self.stopped and time.monotonic() < self._end and (case := self._next()):
                outcome = self._driver.run(*case)
                self.outcomes.append(outcome)
                with self.lock:
                    self._record.add(outcome)
                    print(pages.line(outcome), flush=True)
        finally:
            self._driver.close()

    def _next(self) -> tuple[str, int] | None:
        """The kind that had least time so far, and its next seed."""
        if self._options.again:
            return self._again.pop(0) if self._again else None
        most = self._options.cases
        left = [kind for kind in self._kinds if most is None or self._counts[kind] < most]
        if not left:
            return None
        with self.lock:
            kind = min(left, key=self._record.seconds)
            self._counts[kind] += 1
            return kind, self._record.next_seed(kind, self._options.seed)


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)
    sys.exit(main())
