"""One measurement of `build.py bench speed`, in a process of its own: its peak memory is nobody else's.

    python -m tests.bench.cases.speed '{"faces": 40000, "views": 10, "texture": 1536}'

prints its figures as one line of JSON. Seconds and milliseconds are the processor's, of all threads together:
what one core alone would take, whatever else the machine does meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
import trimesh

from engine import memory
from engine.bake.bake import bake
from engine.bake.fill import doubtful_used, fill
from engine.bake.relief import normal_map
from engine.bake.texel_graph import TexelGraph
from engine.canvas.mesh_maps import mesh_maps
from engine.canvas.mesh_views import take_views
from engine.host import Host
from engine.mesh.mesh import Mesh, load
from engine.mesh.unwrap import ensure_uvs
from engine.options.channels import main_channel
from engine.sync.spaces import LinearSpace
from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.surface import Surface, View
from tests.engine import brute

LATENT, DOWNSCALE, CHANNELS = 96, 8, 4  # Stable Diffusion's, for views of 768 x 768 pixels
ROUNDS = 50


@dataclass(frozen=True)
class Case:
    """What is measured. faces: of a torus, about; mesh: a file instead. widths: numbers a texel of each
    channel. relief: a normal map, too. unwrap: new UVs, nothing else."""

    faces: int = 40_000
    views: int = 10
    texture: int = 1536
    mesh: str | None = None
    widths: Sequence[int] = (3,)
    relief: bool = False
    unwrap: bool = False


def main(argument: str) -> None:
    """Measure the case that is ``argument``, JSON, and print what is found."""
    torch.set_num_threads(1)
    case = Case(**json.loads(argument))
    measure = unwrapping if case.unwrap else texturing
    measure(Case(faces=200, views=2, texture=64))  # imports and first calls are not what is measured
    base = memory.peak_mb()
    print(json.dumps({**measure(case), "base_mb": base}))


def texturing(case: Case) -> dict[str, float]:
    """Set-up and finish in seconds, a step in milliseconds, folded and by f and g in turn; MB at most, up to
    the steps and in all."""
    mesh, cameras = _mesh(case), paper_rig() if case.views == 10 else even_rig(case.views)
    start = time.process_time()
    surface, shots, space = set_up(mesh, cameras, case.texture)
    ready = time.process_time()
    w = torch.randn(len(cameras), CHANNELS, LATENT, LATENT, generator=torch.Generator().manual_seed(0))
    step, maps = alternately(lambda: space.roundtrip(w), lambda: space.project(space.unproject(w), w))
    setup_mb, steps = memory.peak_mb(), time.process_time()
    finish(surface, shots, case)
    return {
        "faces": len(mesh.faces),
        "setup_s": ready - start,
        "step_ms": step,
        "two_maps_ms": maps,
        "finish_s": time.process_time() - steps,
        "setup_mb": setup_mb,
        "peak_mb": memory.peak_mb(),
    }


def set_up(mesh: Mesh, cameras: list[Camera], size: int) -> tuple[Surface, list[View], LinearSpace]:
    """All that a job does once before its first step, but for reading files: the check of the UVs, the
    ray-casting structure, 768 x 768 depth pictures, f and g for 96 x 96 latents, f(g(.))."""
    mesh, _, _ = ensure_uvs(mesh, "auto", size, lambda: None)
    assert mesh.uvs is not None
    surface = Surface.build(mesh.vertices, mesh.faces, mesh.uvs)
    shots = take_views(surface, cameras, LATENT * DOWNSCALE, ["depth"], Host())
    maps = mesh_maps(surface, surface.seen_by(cameras, LATENT), size)
    return surface, shots, LinearSpace.build(maps)


def finish(surface: Surface, shots: list[View], case: Case) -> None:
    """From the finished views to the texture: baked, filled along the surface, padded, as the engine does."""
    side, main, size, widths = shots[0].resolution, main_channel(), case.texture, case.widths
    channels = [replace(main, name=f"{main.name} {i}", width=width) for i, width in enumerate(widths)]
    pictures = np.random.default_rng(0).random((len(shots), side, side, sum(widths)), np.float32)
    graph = TexelGraph.build(surface, size)
    doubtful = partial(doubtful_used, "surface", graph)
    baked = bake(surface, graph.texels, shots, pictures, doubtful_too=doubtful)
    image = fill("surface", graph, baked, channels)
    if case.relief:
        normal_map(image[..., :1], graph.texels)


def unwrapping(case: Case) -> dict[str, float]:
    """Seconds that new UVs take, of the engine and of xatlas together, and the longest wait for a look at
    whether the job is cancelled, in seconds of this process's own."""
    mesh, looks = _bare(case.faces), [time.process_time()]
    start = sum(_processors())
    ensure_uvs(mesh, "auto", case.texture, lambda: looks.append(time.process_time()))
    looks.append(time.process_time())
    return {
        "faces": len(mesh.faces),
        "unwrap_s": sum(_processors()) - start,
        "silence_s": float(np.diff(looks).max()),
        "peak_mb": memory.peak_mb(),
    }


def _processors() -> tuple[float, float]:
    """Seconds of this process and of the children that it has waited for."""
    times = os.times()
    return times.user + times.system, times.children_user + times.children_system


def _mesh(case: Case) -> Mesh:
    """The case's file, unwrapped where it has to be, or a torus that is one chart."""
    if case.mesh:
        return ensure_uvs(load(Path(case.mesh)), "auto", case.texture, lambda: None)[0]
    made = _torus(case.faces)
    return Mesh(made.vertices, made.faces, made.uvs, name="torus")


def _bare(faces: int) -> Mesh:
    """A bumpy sphere without UVs, of at least ``faces`` faces."""
    level = int(np.ceil(np.log2(faces / 20) / 2))
    ball = trimesh.creation.icosphere(subdivisions=level)
    x, y, z = ball.vertices.T
    bumps = 1 + 0.1 * np.sin(9 * x) * np.cos(7 * y) * np.sin(8 * z)
    return Mesh((ball.vertices * bumps[:, None]).astype(np.float32), ball.faces.astype(np.int32))


def _torus(faces: int) -> brute.Made:
    side = round((faces / 2) ** 0.5) + 1
    return brute.torus(rings=side, around=side - 1)


def alternately(*calls: Callable[[], object]) -> list[float]:
    """Median milliseconds of each call. Taken in turns: whatever else the machine does hits all alike."""
    for call in calls:
        call()
    taken = np.zeros((ROUNDS, len(calls)))
    for i in range(ROUNDS):
        for j, call in enumerate(calls):
            start = time.process_time()
            call()
            taken[i, j] = time.process_time() - start
    return [float(x) for x in 1000 * np.median(taken, axis=0)]


if __name__ == "__main__":
    main(sys.argv[1])
