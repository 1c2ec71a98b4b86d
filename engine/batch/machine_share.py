"""What each of several engines on one machine may use: processor cores, graphics cards."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

CARDS = "CUDA_VISIBLE_DEVICES"
THREADS = "OMP_NUM_THREADS"
ASK = ("nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader")


def environments(workers: int, environ: Mapping[str, str]) -> list[dict[str, str]]:
    """An environment for each of ``workers`` engines: its share of the cores, and one card where there are
    several. A single engine gets all there is, and what ``environ`` says already stays."""
    if workers == 1:
        return [dict(environ)]
    cards = _cards(environ)
    threads = environ.get(THREADS) or str(max(1, cores() // workers))
    return [
        {**environ, THREADS: threads, **({CARDS: cards[number % len(cards)]} if cards else {})}
        for number in range(workers)
    ]


def cores() -> int:
    """How many cores this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # only Linux has it
        return os.cpu_count() or 1


def _cards(environ: Mapping[str, str]) -> list[str]:
    """NVIDIA cards by name, at least two of them, or none."""
    if CARDS in environ:
        found = [card.strip() for card in environ[CARDS].split(",")]
    elif shutil.which(ASK[0], path=environ.get("PATH")):
        found = _asked(environ)
    else:
        found = []
    found = [card for card in found if card]
    return found if len(found) > 1 else []


def _asked(environ: Mapping[str, str]) -> list[str]:
    try:
        said = subprocess.run(ASK, capture_output=True, text=True, timeout=20, env=dict(environ), check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in said.stdout.splitlines()]
