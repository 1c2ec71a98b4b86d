"""How long f and g take to build, and f(g(.)) to run, on one core: `build.py bench speed [--sweep]`.

The case that the targets are for: ten views of 96 x 96, a latent texture of 1536 x 1536, clutch_bag.obj with
its 4,484 faces (from the folder SYNC_TEXTURE_MESHES names in the environment), else a torus with as many.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from engine import memory
from engine.mesh.frame import to_unit_sphere
from engine.mesh.mesh import Mesh, load
from engine.mesh.unwrap import ensure_uvs
from engine.sync.operators import MeshMaps, mesh_maps
from engine.sync.spaces import LinearSpace
from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.raster import EmbreeRaster
from tests.engine import brute

CHANNELS, RESOLUTION, SIZE = 4, 96, 1536
SETUP_TARGET, STEP_TARGET = 4.0, 1.0  # seconds, milliseconds


@dataclass(frozen=True)
class Timing:
    """Seconds to build the maps and to fold them; milliseconds a step, folded and by the two maps in turn."""

    build: float
    fold: float
    step: float
    unfolded: float
    memory: float
    texels: int


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="build.py bench speed", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sweep", action="store_true", help="also over views, texture sizes, pixels and faces"
    )
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    mesh = the_mesh()
    measure(mesh, paper_rig()[:1], 16, 64)  # imports and first calls are not what is measured
    print(f"{mesh.name}: {len(mesh.faces)} faces, one thread, {CHANNELS} channels")
    timing = measure(mesh, paper_rig(), RESOLUTION, SIZE)
    header()
    row("the published case", timing)
    good = verdicts(timing)
    if options.sweep:
        sweep(mesh)
    return 0 if good else 1


def the_mesh() -> Mesh:
    """clutch_bag.obj where it is at hand, else a torus of 4,512 faces."""
    path = Path(os.environ.get("SYNC_TEXTURE_MESHES", ""), "clutch_bag.obj")
    if path.is_file():
        return ensure_uvs(load(path), "auto", SIZE, lambda: None)[0]
    return torus(48, 48)


def torus(rings: int, around: int) -> Mesh:
    made = brute.torus(rings=rings, around=around)
    return Mesh(made.vertices, made.faces, made.uvs, name="torus")


def measure(mesh: Mesh, cameras: list[Camera], resolution: int, size: int) -> Timing:
    before = memory.peak_mb()
    start = time.perf_counter()
    maps = build(mesh, cameras, resolution, size)
    built = time.perf_counter()
    space = LinearSpace.build(maps.pixel, maps.element, maps.average)
    folded = time.perf_counter()
    grown = memory.peak_mb() - before
    w = torch.randn(
        len(cameras), CHANNELS, resolution, resolution, generator=torch.Generator().manual_seed(0)
    )
    step, unfolded = alternately(
        lambda: space.roundtrip(w), lambda: space.project(space.unproject(w), w), rounds=30
    )
    return Timing(built - start, folded - built, step, unfolded, grown, space.size)


def build(mesh: Mesh, cameras: list[Camera], resolution: int, size: int) -> MeshMaps:
    """Everything that a job sets up once, the ray-casting structure included."""
    assert mesh.uvs is not None
    raster = EmbreeRaster(to_unit_sphere(mesh.vertices)[0], mesh.faces)
    return mesh_maps(raster, cameras, mesh.faces, mesh.uvs, resolution, size)


def alternately(*calls: Callable[[], object], rounds: int) -> list[float]:
    """Median milliseconds of each call. Taken in turns: whatever else the machine does hits all alike."""
    for call in calls:
        call()
    taken = np.zeros((rounds, len(calls)))
    for i in range(rounds):
        for j, call in enumerate(calls):
            start = time.perf_counter()
            call()
            taken[i, j] = time.perf_counter() - start
    return [float(x) for x in 1000 * np.median(taken, axis=0)]


def header() -> None:
    print(" " * 28 + " set-up s  fold s  step ms  2 maps ms  ratio   texels    MB")


def row(name: str, t: Timing) -> None:
    print(
        f"{name:28}{t.build:9.2f}{t.fold:8.2f}{t.step:9.3f}{t.unfolded:11.3f}{t.unfolded / t.step:7.1f}"
        f"{t.texels:9}{t.memory:6.0f}"
    )


def verdicts(timing: Timing) -> bool:
    """Print whether the targets are met."""
    setup = timing.build + timing.fold
    checks = [
        (f"set-up {setup:.2f} s, at most {SETUP_TARGET:g} s", setup <= SETUP_TARGET),
        (f"f(g(.)) {timing.step:.3f} ms a step, at most {STEP_TARGET:g} ms", timing.step <= STEP_TARGET),
    ]
    for text, met in checks:
        print(f"  {'met   ' if met else 'MISSED'} {text}")
    return all(met for _, met in checks)


def sweep(mesh: Mesh) -> None:
    """One thing changed at a time. Memory only shows where a row needs more than all before it."""
    header()
    for views in (4, 20, 40):
        row(f"{views} views", measure(mesh, even_rig(views), RESOLUTION, SIZE))
    for resolution in (32, 64, 128):
        row(f"{resolution} x {resolution} pixels", measure(mesh, paper_rig(), resolution, SIZE))
    for size in (256, 768, 3072):
        row(f"{size} x {size} texels", measure(mesh, paper_rig(), RESOLUTION, size))
    for rings, around in ((15, 15), (150, 150), (500, 500)):
        made = torus(rings, around)
        row(f"torus, {len(made.faces)} faces", measure(made, paper_rig(), RESOLUTION, SIZE))


if __name__ == "__main__":
    sys.exit(main())
