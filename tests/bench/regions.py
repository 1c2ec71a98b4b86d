"""Colours inside regions: `build.py bench regions [--steps N]`.

A sphere whose halves are two materials, painted by the starter: both halves in one run by each method asked
for, and each prompt alone on all of it. In each half, a fifth of the radius away from the border: the mean
colour, and the share of texels of the other half's colour. Beside it how well the views agree.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.bake.texels import SurfaceTexels
from engine.host import Host
from engine.protocol import Request, Result
from engine.worker import Worker
from tests.engine import shapes

Floats = NDArray[np.float32]

LEFT, RIGHT = "red bricks", "blue ceramic tiles"
SIZE = 512
INSIDE = 0.2  # of the radius away from the border
APART = 0.1  # that much redder than blue, or the other way round, is a colour


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py bench regions", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--views", default="6")
    options = parser.parse_args(arguments)
    region = {"region": (f"material:right={RIGHT}",)}
    runs: dict[str, dict[str, Any]] = {
        f"{LEFT} alone": {},
        f"{RIGHT} alone": {"prompt": RIGHT},
        "synctweedies": region,
        "syncsde": {**region, "method": "syncsde"},
        "independent": {**region, "method": "independent"},
    }
    print("| run | left: mean colour | blue there | right: mean colour | red there | views agree |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        worker, mesh = Worker(), shapes.write_halves(Path(folder) / "ball.npz")
        for number, (name, fields) in enumerate(runs.items()):
            said = {"mesh": str(mesh), "prompt": LEFT, "out": str(Path(folder) / str(number)), **fields}
            asked = Request(views=options.views, texture_size=SIZE, steps=options.steps, seed=1, **said)
            print(f"| {name} | {_measured(worker, asked)} |", flush=True)
    return 0


def _measured(worker: Worker, asked: Request) -> str:
    """The cells of a run."""
    result = worker.run(asked, Host())
    assert isinstance(result, Result), result
    texels = SurfaceTexels.build(shapes.sphere().surface, SIZE)
    picture = np.asarray(Image.open(result.texture), np.float32) / 255
    colours, side = picture.reshape(-1, 3)[texels.index], texels.point[:, 0]
    left, right = colours[side < -INSIDE], colours[side > INSIDE]
    psnr = json.loads(Path(result.report).read_text(encoding="utf-8"))["view_psnr"]
    blue, red = _share(left[:, 2] - left[:, 0]), _share(right[:, 0] - right[:, 2])
    return f"{_mean(left)} | {blue} | {_mean(right)} | {red} | {psnr:.1f} dB"


def _share(more: Floats) -> str:
    return f"{float((more > APART).mean()):.1%}"


def _mean(colours: Floats) -> str:
    return ", ".join(f"{value:.2f}" for value in colours.mean(axis=0))


if __name__ == "__main__":
    sys.exit(main())
