"""How a machine is divided among its engines: processor cores, GPUs."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Mapping

GPUS = "CUDA_VISIBLE_DEVICES"
THREADS = "OMP_NUM_THREADS"
LIST_GPUS = ("nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader")


def environments(workers: int, environ: Mapping[str, str]) -> list[dict[str, str]]:
    """An environment for each of ``workers`` engines: its part of the cores, and one GPU where there are
    several. A single engine gets all there is, and what ``environ`` says already stays."""
    if workers == 1:
        return [dict(environ)]
    gpus = _gpus(environ)
    threads = environ.get(THREADS) or str(max(1, cores() // workers))
    return [
        {**environ, THREADS: threads, **({GPUS: gpus[number % len(gpus)]} if gpus else {})}
        for number in range(workers)
    ]


def cores() -> int:
    """How many cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        return os.cpu_count() or 1


def _gpus(environ: Mapping[str, str]) -> list[str]:
    """NVIDIA GPUs by name, at least two of them, or none."""
    if GPUS in environ:
        found = [gpu.strip() for gpu in environ[GPUS].split(",")]
    elif shutil.which(LIST_GPUS[0], path=environ.get("PATH")):
        found = _listed_gpus(environ)
    else:
        found = []
    found = [gpu for gpu in found if gpu]
    return found if len(found) > 1 else []


def _listed_gpus(environ: Mapping[str, str]) -> list[str]:
    run = functools.partial(subprocess.run, capture_output=True, text=True, timeout=20, check=True)
    try:
        done = run(LIST_GPUS, env=dict(environ))
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines()]
