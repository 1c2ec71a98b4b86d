"""How well g finds the colours of splats that f has shown: `build.py bench splats [--out FILE.md]`.

Splats on a torus whose true colours are known are shown by twelve evenly spread cameras. From these views
alone their colours are found again, as the average of the pixels that show a splat and by the solve in so
many steps, and compared with the truth: in the same views, and as cameras elsewhere see it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import trimesh
from scipy.sparse import vstack

from engine.canvas.splats import EXPONENT
from engine.measure.quality import decibels
from engine.mesh.frame import AXES
from engine.splats.cloud import Frame
from engine.splats.shots import Scene, Shot
from engine.sync import solved
from engine.sync.solved import SolvedSpace
from engine.sync.spaces import Averaging
from engine.views.cameras import Camera, even_rig
from tests.bench.pages import markdown
from tests.engine.splats import made

COUNT, SIZE, VIEWS = 30_000, 128, 12
ELSEWHERE = (Camera(77.0, 33.0), Camera(200.0, -22.0), Camera(300.0, 5.0))
STEPS = (0, 2, solved.STEPS, 60)
HEAD = ("steps of the solve", "in the views, dB", "elsewhere, dB")


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="build.py bench splats", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    parser.add_argument("--count", type=int, default=COUNT, help="splats")
    options = parser.parse_args(arguments)
    text = markdown.table(HEAD, rows(options.count))
    print(text)
    if options.out:
        options.out.write_text(text + "\n", encoding="utf-8")
    return 0


def rows(count: int) -> list[list[str]]:
    """Of the table, for so many splats."""
    splats = made.on_mesh(trimesh.creation.torus(1.0, 0.4, major_sections=96, minor_sections=48), count)
    scene = Scene(*Frame.around(splats, AXES["y"]).placed(splats), splats.opacity)
    shots, others = (list(scene.seen_by(cameras, SIZE)) for cameras in (even_rig(VIEWS), ELSEWHERE))
    confidence = np.concatenate([shot.confidence.reshape(-1) for shot in shots])
    weights = vstack([shot.weights for shot in shots], format="csr")
    space, truth = (
        SolvedSpace.build(weights, confidence, Averaging(EXPONENT)),
        torch.from_numpy(splats.colour),
    )
    views = space.project(truth, torch.full((VIEWS, 3, SIZE, SIZE), 0.5))
    found = []
    for steps in STEPS:
        solved.STEPS = steps
        colours = space.unproject(views).clamp(0, 1)
        errors = (_error(seen, (colours - truth).numpy()) for seen in (shots, others))
        found.append([str(steps) if steps else "the average alone", *errors])
    return found


def _error(shots: Sequence[Shot], wrong: np.ndarray) -> str:  # type: ignore[type-arg]
    """What an error of colours makes of the pixels that show the object."""
    seen = np.concatenate([(shot.weights @ wrong)[shot.mask.reshape(-1)] for shot in shots])
    return f"{decibels(float((seen**2).mean())):.1f}"


if __name__ == "__main__":
    sys.exit(main())
