"""A texturing job in this process, with a tiny model that is there already: the least that a job can do."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.bench.fuzz.case import (
    LEFT_FILES,
    REFUSED,
    UNCLEAR,
    WORKED,
    WRONG,
    Case,
    Ended,
    message_problems,
    printed_problems,
)

QUICK = {"prompt": "red bricks", "steps": 1, "views": "2", "texture_size": 64, "device": "cpu"}
CODES = (2, 4, 6)
"""Of a refusal: bad input, memory, the disk."""

_worker: Any = None


def prepare(shared: Path) -> Path:
    """Import what a job needs, make the model in ``shared`` and load it; the model's folder."""
    global _worker
    os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1")
    import torch

    torch.set_num_threads(1)
    from engine.host import Host
    from engine.worker import Worker
    from tests.engine.pipelines import make_pipeline
    from tests.engine.schedules import STARTER

    model = shared / "model"
    if not (model / "model_index.json").exists():
        make_pipeline(model, STARTER, seed=1)
    if _worker is None:
        _worker = Worker()
        _worker.import_libraries()
        _worker._load(str(model), "cpu", (), Host())
        _import_the_rest()
    return model


def _import_the_rest() -> None:
    """What jobs import when they come to it."""
    import importlib

    for name in ("trimesh", "PIL.Image", "embreex.rtcore", "OpenEXR", "scipy.ndimage", "scipy.sparse.linalg"):
        importlib.import_module(name)


def run(case: Case, model: str, **fields: Any) -> Ended:
    """Do the job that ``fields`` ask for; how it ended."""
    from engine.host import Host
    from engine.protocol import Request
    from engine.worker import Failure

    request = Request(**{**QUICK, "model": model, "out": str(case.out), **fields})
    outcome = _worker.run(request, Host())
    problems = printed_problems((case.root / "log" / "stderr").read_text("utf-8", "replace"))
    if outcome is None:
        return Ended("", "cancelled", [WRONG])
    if isinstance(outcome, Failure):
        problems += message_problems(outcome.error, outcome.fix)
        problems += [] if outcome.code in CODES else [WRONG]
        problems += [LEFT_FILES] if case.out.exists() and any(case.out.iterdir()) else []
        return Ended(REFUSED, f"{outcome.error} -> {outcome.fix}", problems)
    for warning in outcome.warnings:
        problems += [one for one in message_problems(warning) if one != UNCLEAR or len(warning) < 1000]
    missing = [name for name in ("report.json", "mesh.glb") if not (case.out / name).is_file()]
    return Ended(WORKED, "; ".join(outcome.warnings), problems + [WRONG] * bool(missing))
