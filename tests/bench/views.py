"""How much of a mesh each rig shows: `build.py bench views [--out FILE.md]`.

Coverage as report.json has it, of shapes made here and of the well-known meshes in the folder that
SYNC_TEXTURE_MESHES names in the environment; how many views a plan takes, how many of them close-ups, how
long it is in the making, and whether it reaches what it is made for.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.measure.quality import coverage
from engine.mesh.frame import to_unit_sphere
from engine.mesh.mesh import load
from engine.views.cameras import DISTANCE, even_rig, paper_rig
from engine.views.planner import MAX_VIEWS, plan
from engine.views.raster import EmbreeRaster
from tests.bench.cases.meshes import own_meshes
from tests.engine import brute

TARGET = 0.995
HEAD = "| mesh | faces | paper | 10 even | 16 even | auto | its views | close-ups | seconds |"


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when a plan misses the target."""
    parser = argparse.ArgumentParser(prog="build.py bench views", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="also write the table to this file")
    options = parser.parse_args(arguments)
    lines, met = [HEAD, "|---" + "|---:" * 8 + "|"], True
    print("\n".join(lines))
    for name, raster in meshes():
        line, good = row(name, raster)
        print(line, flush=True)
        lines.append(line)
        met &= good
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(
        f"{'met' if met else 'MISSED'}: at least {TARGET:.1%} of the outside with at most {MAX_VIEWS} views"
    )
    return 0 if met else 1


def meshes() -> Iterator[tuple[str, EmbreeRaster]]:
    """Shapes by name, made or read one at a time."""
    made = {
        "cube": brute.box((-1, -1, -1), (1, 1, 1)),
        "plate, 1 : 100": brute.box((-1, -1, -0.01), (1, 1, 0.01)),
        "chair": chair(),
        "torus": brute.torus(),
        "sphere": brute.sphere(),
        "torus, a million faces": brute.torus(rings=708, around=708),
    }
    for name, shape in made.items():
        yield name, raster_of(shape.vertices, shape.faces)
    for path in own_meshes():
        mesh = load(str(path))
        yield path.name, raster_of(mesh.vertices, mesh.faces)


def chair() -> brute.Made:
    legs = [brute.box((x, 0, z), (x + 0.1, 1, z + 0.1)) for x in (0, 0.9) for z in (0, 0.9)]
    return brute.join(*legs, brute.box((0, 1, 0), (1, 1.1, 1)), brute.box((0, 1.1, 0), (1, 2, 0.1)))


def raster_of(vertices: np.ndarray, faces: np.ndarray) -> EmbreeRaster:
    return EmbreeRaster(to_unit_sphere(vertices)[0], faces)


def row(name: str, raster: EmbreeRaster) -> tuple[str, bool]:
    """A line of the table, and whether its plan is good enough. Seconds are of one core."""
    start = time.process_time()
    planned = plan(raster)
    seconds = time.process_time() - start
    close = sum(camera.distance < DISTANCE for camera in planned)
    found = [coverage(raster, rig) for rig in (paper_rig(), even_rig(10), even_rig(16), planned)]
    shares = " | ".join(f"{share:.1%}" for share in found)
    line = f"| {name} | {len(raster.corners):,} | {shares} | {len(planned)} | {close} | {seconds:.1f} |"
    return line, found[-1] >= TARGET and len(planned) <= MAX_VIEWS


if __name__ == "__main__":
    sys.exit(main())
