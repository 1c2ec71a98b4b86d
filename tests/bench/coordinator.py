"""What a batch costs besides its engines: `build.py bench coordinator [--jobs N] [--workers N] [--out DIR]`.

Engines that are done at once, so that what remains is reading the job file, handing out, putting results in
place and the journal; and a commit alone, by which the disk bounds how many textures an hour there can be.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from engine import protocol
from engine.batch import folder, jobs
from engine.batch.coordinator import Coordinator
from engine.batch.engines import EnginePool, Events
from engine.batch.folder import BatchFolder
from engine.batch.tasks import tasks_of
from engine.json_lines import Event

# Bytes of what the starter makes by default, 1024 texels a side.
FILES = {
    "texture.png": 820_000,
    "mesh.glb": 830_000,
    "views.png": 570_000,
    "turntable.gif": 990_000,
    "report.json": 3_600,
}
TOLD = 10  # times that a job tells how far it is


class Instant:
    """An engine whose results, of ``size`` bytes each, are there before it is asked."""

    waiting = False
    tail: Sequence[str] = ()

    def __init__(self, events: Events) -> None:
        self._events, self.heard = events, time.monotonic()
        self._tell({"kind": protocol.HELLO})

    def send(self, msg: Event) -> None:
        self.heard = time.monotonic()
        name, out = msg["id"], Path(msg["request"]["out"])
        for i in range(TOLD):
            said = {"stage": "denoise", "i": i, "n": TOLD, "eta_s": 1}
            self._tell({"kind": protocol.PROGRESS, "id": name, **said})
        for file in FILES:
            (out / file).write_bytes(b"{}")
        self._tell({"kind": protocol.DONE, "id": name, "result": {"texture": str(out / "texture.png")}})

    def kill(self) -> None:
        """There is nothing to end."""

    def _tell(self, event: Event) -> None:
        self._events.put((self, event))


def main(arguments: list[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="build.py bench coordinator", description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--workers", type=int, default=1000, metavar="N", help="default: 1000")
    parser.add_argument("--out", metavar="DIR", help="on which disk; default: that of temporary files")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=options.out) as name:
        path = _write(Path(name), options.jobs)
        with folder.opened(Path(name, "out")) as there:
            _whole(there, path, options.workers)
        with folder.opened(Path(name, "commits")) as there:
            _commits(there, path)
    return 0


def _write(place: Path, count: int) -> Path:
    (place / "m.obj").write_text("v 0 0 0\n", encoding="utf-8")
    lines = [{"mesh": "m.obj", "prompt": "x", "out": f"{i:05}"} for i in range(count)]
    path = place / "jobs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def _whole(there: BatchFolder, path: Path, workers: int) -> None:
    cpu, start = time.process_time(), time.perf_counter()
    tasks = tasks_of(jobs.read(path, {})[0], there)
    pool = EnginePool(lambda _, __, events: Instant(events), workers)
    Coordinator(there, tasks, pool, None, lambda _: None).run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - start
    count = len(tasks)
    print(f"{count} jobs, {workers} workers: {1000 * cpu / count:.2f} ms of processor, ", end="")
    print(f"{1000 * wall / count:.2f} ms by the clock a job: at most {3600 * count / wall:,.0f} an hour")


def _commits(there: BatchFolder, path: Path, count: int = 50) -> None:
    found = jobs.read(path, {})[0][:count]
    stages = [there.new_staging() for _ in found]
    for stage in stages:
        for file, size in FILES.items():
            (stage / file).write_bytes(bytes(size))
    start = time.perf_counter()
    for job, stage in zip(found, stages, strict=True):
        there.commit(job, stage, {})
    each = (time.perf_counter() - start) / len(found)
    size = sum(FILES.values())
    print(f"putting {size / 1e6:.1f} MB in place: {1000 * each:.1f} ms: at most {3600 / each:,.0f} an hour")


if __name__ == "__main__":
    sys.exit(main())
