"""How long textures took on this computer, so as to say how long the next one will. No bpy."""

from __future__ import annotations

import contextlib
import json
import math
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from ...engine import inputs
from ...engine.protocol import UserError

FILE = "pace.json"
WORK = ("denoise", "sync", "decode")  # of a report's seconds: what grows with views and steps
CLOSER = {"off": 0.0, "2": 10.0, "4": 35.0, "auto": 10.0}  # views' worth of close-ups, before any were seen
AFTER = ("bake", "measure", "save")  # what comes when all views are painted, and grows with the texture


@dataclass(frozen=True)
class Durations:
    """Of the last texture by one model on one device. step: seconds that a step of one view took; rest: those
    that everything else took. steps: how many the model chose by itself, None when it never did. views: how
    many there were, by what was chosen for them. after: seconds of the rest that came when all views were
    painted, for each texel. closer: how many views more the close-ups were worth, which take fewer steps, by
    what was chosen for them.
    """

    step: float
    rest: float
    steps: int | None = None
    views: dict[str, int] = field(default_factory=dict)
    after: float = 0.0
    closer: dict[str, float] = field(default_factory=dict)

    def seconds(self, views: int, steps: int, detail: str = "off", whole: int | None = None) -> float:
        """For a texture from so many views in so many steps, with close-ups as ``detail`` says; whole: steps
        from noise to picture, where ``steps`` are only some of them."""
        return self.step * views * steps + self.closer_seconds(detail, whole or steps) + self.rest

    def closer_seconds(self, detail: str, steps: int) -> float:
        """Of the close-ups alone; steps: from noise to picture."""
        return self.step * self.closer.get(detail, CLOSER.get(detail, 0.0)) * steps

    @classmethod
    def of(cls, report: dict[str, Any], views: str, own_steps: bool, before: Self | None) -> Self:
        """From a job's report; views: as they were chosen. Raises whatever comes of others."""
        seconds, count = report["seconds"], len(report["views"])
        run = math.ceil(int(report["steps"]) * float(report.get("strength") or 1.0))
        work = sum(float(seconds[part]) for part in WORK)
        near = report.get("close_ups") or {"count": 0, "steps": 0}
        rows = int(near["count"]) * int(near["steps"])
        steps = int(report["steps"]) if own_steps else before.steps if before else None
        known = {**(before.views if before else {}), views: count}
        closer = {
            **(before.closer if before else {}),
            str(report.get("detail", "off")): rows / int(report["steps"]),
        }
        step, rest, after = work / (count * run + rows), float(seconds["total"]) - work, _after(report)
        if not all(map(math.isfinite, (step, rest, after))):
            raise ValueError("no seconds")
        return cls(step, rest, steps, known, after, closer)


def _after(report: dict[str, Any]) -> float:
    texels = int(report.get("texture_size", 0)) ** 2 * len(report.get("textures", ()))
    return sum(float(report["seconds"].get(part, 0.0)) for part in AFTER) / texels if texels else 0.0


def read(folder: Path, key: str) -> Durations | None:
    """What is known of ``key``; None for nothing."""
    try:
        return Durations(**_all(folder)[key])
    except (KeyError, TypeError):
        return None


def remember(folder: Path, key: str, report: Path, views: str, own_steps: bool) -> None:
    """Remember how long the job of the file ``report`` took; what can't be read or written is left."""
    try:
        durations = Durations.of(inputs.read_json(report), views, own_steps, read(folder, key))
    except (UserError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError):
        return  # whatever it is, it is no report of ours
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        new = folder / f"{FILE}.{os.getpid()}"
        new.write_text(json.dumps({**_all(folder), key: asdict(durations)}), encoding="utf-8")
        os.replace(new, folder / FILE)


def key(model: str, device: str) -> str:
    """What durations belong to."""
    return f"{model or 'starter'} on {device}"


def _all(folder: Path) -> dict[str, Any]:
    try:
        data = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def in_words(seconds: float) -> str:
    """``seconds`` for people: "8 s", "3 min", "1 h 20 min"."""
    seconds = max(0, round(seconds))
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
