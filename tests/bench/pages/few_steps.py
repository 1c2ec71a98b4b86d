"""The table of docs/few-steps.md, from what tests/bench/few_steps.py measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.pages.markdown import table
from tests.bench.pages.sharpness import LEAST, SharpnessRow


@dataclass(frozen=True)
class Means:
    """Of one way: geometric, but for dB."""

    sharpness: float
    view_psnr: float
    seam_error: float


def label(steps: int, arm: str) -> str:
    """What a row calls ``arm`` at so many steps."""
    return f"{steps} steps: {arm}"


def row_line(row: SharpnessRow) -> str:
    numbers = f"sharpness {row.sharpness:.2f}, view_psnr {row.view_psnr:.1f}, seam_error {row.seam_error:.2f}"
    return f"{row.block[0]}, {row.block[1]}, seed {row.block[2]}, {row.arm}: {numbers}"


def means(rows: Sequence[SharpnessRow], steps: int, arm: str) -> Means:
    """Of ``arm`` at so many steps, over all of mesh, prompt and seed."""
    found = [row for row in rows if row.arm == label(steps, arm)]
    psnr = sum(row.view_psnr for row in found) / len(found)
    return Means(_geometric([r.sharpness for r in found]), psnr, _geometric([r.seam_error for r in found]))


def _geometric(values: Sequence[float]) -> float:
    return math.exp(sum(math.log(max(value, LEAST)) for value in values) / len(values))


def table_of(rows: Sequence[SharpnessRow], counts: Sequence[int], arms: Sequence[str], chosen: str) -> str:
    """A line for each of the ``arms``, three columns for each number of steps."""
    head = ["averaged, by, in steps"]
    for steps in counts:
        head += [f"{steps}: sharpness", f"{steps}: view_psnr", f"{steps}: seam_error"]
    lines = []
    for arm in arms:
        cells = [f"**{arm}** (accelerators)" if arm == chosen else arm]
        for steps in counts:
            mean = means(rows, steps, arm)
            cells += [f"{mean.sharpness:.2f}", f"{mean.view_psnr:.1f} dB", f"{mean.seam_error:.2f}"]
        lines.append(cells)
    return table(head, lines)
