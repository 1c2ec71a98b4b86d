"""How visible seams are with either way of filling: `build.py bench fill [--steps N] [MESH ...]`.

The starter paints each mesh once from each prompt, from the published views, which leave poles and bottoms
unpainted; the same pictures are then filled with each `--fill`. Without a MESH: a cube, a torus, and the
files in the folder that SYNC_TEXTURE_MESHES names in the environment. Fails when the default isn't the best.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh

from engine import options, protocol
from engine.denoise.model import Denoiser, load_denoiser
from engine.generate import Job, generate
from engine.host import Clock, Host
from engine.mesh.mesh import load
from engine.mesh.unwrap import ensure_uvs
from engine.protocol import Request
from engine.scene import build_scene
from engine.texture.bake import Atlas, bake
from engine.texture.fill import fill
from engine.texture.measure import coverage, view_psnr
from engine.texture.seams import seam_error

PROMPTS = ("weathered red bricks", "tiger stripes")
DEFAULT = Request(mesh="", prompt="", out="").fill


@dataclass(frozen=True)
class Row:
    """One mesh: coverage, and for each fill seam_error and view_psnr, averaged over the prompts."""

    mesh: str
    coverage: float
    seam_error: dict[str, float]
    view_psnr: dict[str, float]


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when another fill than the default has the lowest mean seam_error."""
    parser = argparse.ArgumentParser(prog="build.py bench fill", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--steps", type=int, default=6)
    given = parser.parse_args(arguments)
    denoiser = load_denoiser("starter", "auto", lambda: None)
    header()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for mesh in given.meshes or the_meshes(Path(folder)):
            rows.append(
                averaged(mesh.stem, [measure(denoiser, mesh, prompt, given.steps) for prompt in PROMPTS])
            )
            show(rows[-1])
    mean = {how: float(np.mean([row.seam_error[how] for row in rows])) for how in protocol.FILLS}
    print(f"mean seam_error: {', '.join(f'{how} {value:.2f}' for how, value in mean.items())}")
    return 0 if min(mean, key=lambda how: mean[how]) == DEFAULT else 1


def the_meshes(folder: Path) -> list[Path]:
    made = [folder / "cube.stl", folder / "torus.stl"]
    trimesh.creation.box().export(made[0])
    trimesh.creation.torus(1.0, 0.4, major_sections=48, minor_sections=32).export(made[1])
    known = os.environ.get("SYNC_TEXTURE_MESHES")
    given = sorted(Path(known).iterdir()) if known else []
    return [*made, *(path for path in given if path.suffix in (".obj", ".glb", ".ply", ".stl"))]


def measure(denoiser: Denoiser, path: Path, prompt: str, steps: int) -> Row:
    """Texture the mesh in the file ``path`` once; fill it in every way."""
    request, host = Request(mesh=str(path), prompt=prompt, out="", steps=steps), Host()
    mesh, _, _ = ensure_uvs(load(request.mesh), request.unwrap, request.texture_size, host.check)
    preset, cameras = denoiser.preset, options.cameras(request.views)
    scene = build_scene(mesh, cameras, preset.view_size, preset.control, host)
    settings = options.resolve(request, preset)
    pictures = generate(Job(request.method, request.seed, settings, scene, denoiser, Clock(), host))
    atlas = Atlas.build(scene.raster, scene.uvs, request.texture_size)
    baked = bake(scene.raster, atlas, cameras, scene.fragments, pictures)
    images = {how: fill(how, scene.raster, scene.uvs, atlas, baked) for how in protocol.FILLS}
    return Row(
        path.stem,
        coverage(scene.raster, cameras),
        # None: the mesh has no seam.
        {how: seam_error(scene.raster, scene.uvs, image) or 1.0 for how, image in images.items()},
        {how: view_psnr(image, scene.uvs, scene.fragments, pictures) for how, image in images.items()},
    )


def averaged(mesh: str, rows: list[Row]) -> Row:
    def mean(values: list[dict[str, float]]) -> dict[str, float]:
        return {how: float(np.mean([value[how] for value in values])) for how in protocol.FILLS}

    seams, psnr = mean([row.seam_error for row in rows]), mean([row.view_psnr for row in rows])
    return Row(mesh, float(np.mean([row.coverage for row in rows])), seams, psnr)


def header() -> None:
    names = ["mesh", "coverage"]
    names += [f"{what} {how}" for what in ("seam_error", "view_psnr") for how in protocol.FILLS]
    print(f"| {' | '.join(names)} |\n|{' --- |' * len(names)}")


def show(row: Row) -> None:
    cells = [row.mesh, f"{row.coverage:.1%}"]
    cells += [f"{row.seam_error[how]:.2f}" for how in protocol.FILLS]
    cells += [f"{row.view_psnr[how]:.2f} dB" for how in protocol.FILLS]
    print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
