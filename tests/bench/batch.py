"""Textures an hour: `build.py bench batch [--jobs N] [--default]`.

A process for each job against a batch with one engine and with one for each core, on small meshes with the
starter; and what the coordinator costs. Small textures by default, which is where loading weighs most;
--default takes the engine's own settings. An engine starts once for the thousand jobs of a real batch; of the
36 here, reckoned to take seven or eight minutes in all on two idle cores, starting is a few per cent. Both
wall clock and processor seconds are printed: on a machine that does other things too, only the latter mean
anything.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import trimesh

from engine.batch.resources import THREADS, cores

SMALL = ("--views", "4", "--steps", "8", "--texture-size", "256")
JOBS, DEFAULT_JOBS = 36, 12  # in a batch: of small textures, with the engine's own settings
SINGLE_JOBS = 3  # by a process each: they don't differ
BATCH_TARGET, WORKERS_TARGET, OVERHEAD_TARGET = 3.0, 1.6, 0.02
PROMPTS = ("weathered red bricks", "blue denim", "mossy cobblestone", "polished gold", "tiger stripes")


@dataclass(frozen=True)
class Timing:
    """Of ``jobs`` textures: seconds by the clock, and of processors."""

    jobs: int
    wall: float
    cpu: float

    @property
    def an_hour(self) -> float:
        return 3600 * self.jobs / self.wall

    def line(self, name: str) -> str:
        each = f"{self.wall / self.jobs:7.2f} s each, {self.cpu / self.jobs:7.2f} s of processor"
        return f"{name:34}{self.an_hour:7.0f} an hour {each}"


def main(arguments: list[str] | None = None) -> int:
    """Print the figures; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="build.py bench batch", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--jobs", type=int, metavar="N", help=f"in a batch; default: {JOBS}, with --default {DEFAULT_JOBS}"
    )
    parser.add_argument("--default", action="store_true", help="the engine's own settings, published views")
    options = parser.parse_args(arguments)
    settings = ("--views", "paper") if options.default else SMALL
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = _write(folder, options.jobs or (DEFAULT_JOBS if options.default else JOBS))
        single = timed(SINGLE_JOBS, lambda: _one_by_one(jobs[:SINGLE_JOBS], folder, settings))
        print(single.line("a process for each job"))
        one = _batch(jobs, folder / "one", settings, 1)
        print(one.line("batch, one engine"))
        alone = _batch(jobs, folder / "alone", settings, 1, {THREADS: "1"})
        print(alone.line("batch, one engine on one core"))
        many = _batch(jobs, folder / "many", settings, cores())
        print(many.line(f"batch, {cores()} engines"))
        overhead = _overhead(folder / "one")
    best = max(one.an_hour, many.an_hour)
    return 0 if _verdicts(single, best, many.an_hour / alone.an_hour, overhead) else 1


def _verdicts(single: Timing, best: float, scaling: float, overhead: float) -> bool:
    gain = best / single.an_hour
    checks = [
        (
            f"a batch does {gain:.1f}x the jobs of a process each, at least {BATCH_TARGET:g}x",
            gain >= BATCH_TARGET,
        ),
        (
            f"{cores()} engines do {scaling:.2f}x the jobs of one on one core, at least {WORKERS_TARGET:g}x",
            scaling >= WORKERS_TARGET,
        ),
        (f"the coordinator takes {overhead:.2%}, at most {OVERHEAD_TARGET:.0%}", overhead <= OVERHEAD_TARGET),
    ]
    for text, met in checks:
        print(f"  {'met   ' if met else 'MISSED'} {text}")
    return all(met for _, met in checks)


def _write(folder: Path, count: int) -> list[dict[str, object]]:
    """Jobs on three meshes of a few hundred faces."""
    meshes = {
        "box.obj": trimesh.creation.box(),
        "ball.ply": trimesh.creation.icosphere(subdivisions=2),
        "torus.stl": trimesh.creation.torus(1.0, 0.4, major_sections=24, minor_sections=12),
    }
    for name, mesh in meshes.items():
        mesh.export(folder / name)
    names = list(meshes)
    return [
        {"mesh": str(folder / names[i % 3]), "prompt": PROMPTS[i % 5], "seed": i, "out": f"{i:03}"}
        for i in range(count)
    ]


def timed(jobs: int, work: Callable[[], object]) -> Timing:
    """How long ``work`` and the processes that it starts take for ``jobs``."""
    before, start = _cpu(), time.perf_counter()
    work()
    return Timing(jobs, time.perf_counter() - start, _cpu() - before)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _one_by_one(jobs: list[dict[str, object]], folder: Path, settings: tuple[str, ...]) -> None:
    for job in jobs:
        words = [word for name in ("mesh", "prompt", "seed") for word in (f"--{name}", str(job[name]))]
        out = ("--out", str(folder / "single" / str(job["out"])), "--quiet")
        command = [sys.executable, "-m", "engine", "texture", *words, *out, *settings]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _batch(
    jobs: list[dict[str, object]],
    out: Path,
    settings: tuple[str, ...],
    workers: int,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Timing:
    file = out.with_suffix(".jsonl")
    file.write_text("".join(json.dumps(job) + "\n" for job in jobs), encoding="utf-8")
    command = [sys.executable, "-m", "engine", "batch", str(file), "--out", str(out), "--quiet", *settings]
    command += ["--workers", str(workers)]
    env = {**os.environ, **environment}
    return timed(len(jobs), lambda: subprocess.run(command, check=True, env=env, stdout=subprocess.DEVNULL))


def _overhead(out: Path) -> float:
    """Of a batch's time, the share between jobs: what the coordinator saw less what the engine worked. The
    first job's engine was still starting."""
    seen = worked = 0.0
    for mark in sorted(out.glob("*/job.json"))[1:]:
        seen += json.loads(mark.read_text(encoding="utf-8"))["seconds"]
        report = json.loads((mark.parent / "report.json").read_text(encoding="utf-8"))
        worked += report["seconds"]["total"]
    return (seen - worked) / seen


if __name__ == "__main__":
    sys.exit(main())
