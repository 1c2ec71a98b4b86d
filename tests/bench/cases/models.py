"""One measurement of `build.py bench models`, in a process of its own: a whole texture by a model in its
published size with random weights, and how much of it the network took.

    python -m tests.bench.cases.models '{"folder": "/tmp/sd15", "views": 2, "steps": 2, "view_size": 256}'

prints its figures as one line of JSON. The network's time is that between the beginning and the end of each
call of it and of its ControlNet, in the same run: on a processor its time, of all threads together, as all
other seconds here; on a card by the card's own events, which nothing waits for, others by the clock.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from engine import memory
from engine.denoise.compiled import VARIABLE as COMPILE
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.families.family import NETWORK, TEXT
from engine.host import Host
from engine.models import presets
from engine.pipeline import texture
from engine.protocol import Request
from tests.bench.cases import meshes

PROMPT = "red bricks"
PARTS = ("geometry", "denoise", "sync", "decode", "bake", "measure", "save")


@dataclass(frozen=True)
class Case:
    """folder: of the pipeline, or a model's name. view_size: pixels of a view; None: the model's own. device:
    as of a request. threads: of a processor. compiled: whether repeated blocks are."""

    folder: str
    views: int = 2
    steps: int = 2
    view_size: int | None = None
    device: str = "cpu"
    threads: int = 1
    compiled: bool = False


def main(argument: str) -> None:
    """Measure the case that is ``argument``, JSON, and print what is found."""
    case = Case(**json.loads(argument))
    if case.device == "cpu":
        torch.set_num_threads(case.threads)
        time.perf_counter = time.process_time  # whatever else the machine does meanwhile
    if case.compiled:
        os.environ[COMPILE] = "1"
    print(json.dumps(measured(case)))


def measured(case: Case) -> dict[str, Any]:
    """Seconds of the run by parts, without loading, and those of the networks in it."""
    start = time.perf_counter()
    denoiser = load_denoiser(case.folder, case.device, lambda: None)
    if case.view_size:
        sizes = presets.sized(denoiser.preset, case.view_size // denoiser.downscale)
        denoiser.preset = replace(denoiser.preset, **sizes)
    denoiser.embed([denoiser.preset.prefix + PROMPT])  # the job itself does so before its clock runs
    denoiser.ready()
    load = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder:
        if denoiser.device.type == "cuda":
            _run(case, denoiser, Path(folder))  # kernels are chosen, or made, in the first run
        watches = {stage: Watch(denoiser, stage) for stage in (NETWORK, TEXT)}
        watches["control"] = Watch(denoiser)
        denoiser._family.steer = watches["control"].around(denoiser._family.steer)
        report = _run(case, denoiser, Path(folder))
    seconds, usual = report["seconds"], denoiser.preset
    return {
        **{part: seconds[part] for part in PARTS},
        **{stage: watch.seconds() for stage, watch in watches.items()},
        "total": seconds["total"] - seconds["load"],
        "load": load,
        "rows": case.views * (1 if report["guidance"] == 1.0 else 2),
        "steps": report["steps"],
        "usual_steps": usual.steps,
        "view": usual.view_size,
        "views": case.views,
        "device": str(denoiser.device),
        "precision": str(denoiser.dtype).removeprefix("torch."),
        "peak_mb": memory.peak_mb(),
    }


class Watch:
    """Notes when calls begin and end: those of the networks of a stage (family.py) that are in memory, the
    ControlNet's too, where one is given."""

    def __init__(self, denoiser: Denoiser, stage: str = "") -> None:
        self.spans: list[tuple[Any, Any]] = []
        self._card = denoiser.device.type == "cuda"
        networks = [part.network() for part in denoiser.household.parts(stage) if part.is_loaded]
        for network in networks:
            network.register_forward_pre_hook(lambda *_: self._begin())
            network.register_forward_hook(lambda *_: self._end())

    def around(self, run: Callable[..., Any]) -> Callable[..., Any]:
        """``run``, whose calls are noted."""

        def noted(*given: Any, **named: Any) -> Any:
            self._begin()
            found = run(*given, **named)
            self._end()
            return found

        return noted

    def _now(self) -> Any:
        if not self._card:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def _begin(self) -> None:
        self.spans.append((self._now(), None))

    def _end(self) -> None:
        self.spans[-1] = (self.spans[-1][0], self._now())

    def seconds(self) -> float:
        """Of all calls so far together."""
        if not self._card:
            return float(sum(end - begin for begin, end in self.spans))
        torch.cuda.synchronize()
        return float(sum(begin.elapsed_time(end) for begin, end in self.spans)) / 1e3


def _run(case: Case, denoiser: Denoiser, folder: Path) -> dict[str, Any]:
    request = Request(
        mesh=str(meshes.torus(folder)),
        prompt=PROMPT,
        out=str(folder / "out"),
        model=case.folder,
        views=str(case.views),
        steps=case.steps,
        device=case.device,
        overwrite=True,
    )
    result = texture(request, lambda *_: denoiser, Host())
    report: dict[str, Any] = json.loads(Path(result.report).read_text(encoding="utf-8"))
    return report


if __name__ == "__main__":
    main(sys.argv[1])
