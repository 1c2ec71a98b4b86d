"""The tables of docs/sharpness.md, from what tests/bench/sharpness.py measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.measure.sharpness import BANDS
from tests.bench.pages.markdown import table
from tests.bench.pages.statistics import Estimate, mean

Floats = NDArray[np.float32]

OCTAVES = {"32-16": (1, 2), "16-8": (2, 4), "8-4": (4, 8), "4-2": (8, BANDS)}  # pixels: bands
FACTORS, LEAST = ("sharpness", "seam_error"), 1e-6


@dataclass(frozen=True)
class SharpnessRow:
    """What one arm made of ``block``: mesh, prompt, seed. octaves: power in each of OCTAVES for each unit of
    it in single views; pictures: (k, R, R, 3), some of the views."""

    block: tuple[str, str, int]
    arm: str
    sharpness: float
    view_psnr: float
    seam_error: float
    octaves: tuple[float, ...]
    pictures: Floats


def row_head() -> str:
    return table(("mesh", "prompt", "seed", "arm", "sharpness", "view_psnr", "seam_error"), [])


def row_line(row: SharpnessRow) -> str:
    mesh, prompt, seed = row.block
    numbers = f"{row.sharpness:.2f} | {row.view_psnr:.1f} dB | {row.seam_error:.2f}"
    return f"| {mesh} | {prompt} | {seed} | {row.arm} | {numbers} |"


def mean_of(rows: Sequence[SharpnessRow], arm: str, measure: str) -> Estimate:
    """Over the blocks; ``measure``: a field of SharpnessRow. Geometric where it is a factor."""
    found = [float(getattr(row, measure)) for row in rows if row.arm == arm]
    if measure not in FACTORS:
        return mean(found)
    logs = mean([math.log(max(value, LEAST)) for value in found])
    return replace(logs, mean=math.exp(logs.mean), low=math.exp(logs.low), high=math.exp(logs.high))


def parts(
    rows: Sequence[SharpnessRow], command: str, said: str, default: str, averaged: str
) -> dict[str, str]:
    """The page's tables by the names of their places. command: that makes them; said: model, steps, seeds;
    default, averaged: arms."""
    blocks = len({row.block for row in rows})
    meshes = ", ".join(dict.fromkeys(row.block[0] for row in rows))
    made = f"Made by `{command}`: {said}; means with 95 % intervals (but for dB"
    made = f"{made} geometric) over {blocks} of mesh and prompt: {meshes}."
    arms = list(dict.fromkeys(row.arm for row in rows))
    return {
        "summary": f"{made}\n\n{_summary(rows, arms, default)}\n\n{_words(rows, default, averaged)}",
        "octaves": _octaves(rows, arms),
    }


def _summary(rows: Sequence[SharpnessRow], arms: Sequence[str], default: str) -> str:
    lines = []
    for arm in arms:
        sharp, psnr, seam = (mean_of(rows, arm, name) for name in ("sharpness", "view_psnr", "seam_error"))
        cells = [_interval(sharp, 2), f"{_interval(psnr, 1)} dB", _interval(seam, 2)]
        lines.append([f"**{arm}** (default)" if arm == default else arm, *cells])
    return table(("averaged, by, in which steps", "sharpness", "view_psnr", "seam_error"), lines)


def _words(rows: Sequence[SharpnessRow], default: str, averaged: str) -> str:
    ours, theirs = (mean_of(rows, arm, "sharpness").mean for arm in (default, averaged))
    return (
        f"Of the fine detail of single views the mean of colours leaves {theirs:.0%}, the default {ours:.0%}."
    )


def _octaves(rows: Sequence[SharpnessRow], arms: Sequence[str]) -> str:
    lines = []
    for arm in arms:
        found = np.mean([row.octaves for row in rows if row.arm == arm], axis=0)
        lines.append([arm, *(f"{value:.2f}" for value in found)])
    return table(("", *(f"{name} pixels" for name in OCTAVES)), lines)


def _interval(found: Estimate, digits: int) -> str:
    """A mean and, of more than one, its 95 % interval."""
    if found.n < 2:
        return f"{found.mean:.{digits}f}"
    return f"{found.mean:.{digits}f} ({found.low:.{digits}f} to {found.high:.{digits}f})"
