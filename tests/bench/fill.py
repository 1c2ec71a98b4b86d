"""How visible seams are with either way of filling: `build.py bench fill [--steps N] [--write] [MESH ...]`.

The starter paints each mesh once from each prompt, from the published views, which leave poles and bottoms
unpainted; the same pictures are then filled with each `--fill`. Without a MESH: a cube, a torus, and the
files in the folder that SYNC_TEXTURE_MESHES names in the environment. Fails when the default isn't the best.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.bake.bake import bake
from engine.bake.fill import fill
from engine.bake.texel_graph import TexelGraph
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.export.render import render_views
from engine.measure.quality import coverage, view_psnr
from engine.measure.seams import seam_error
from engine.options import choices
from tests.bench.cases.meshes import usual_meshes
from tests.bench.cases.scenes import PROMPTS, USUAL, canvas_of, views
from tests.bench.pages.markdown import DOCS, put, table

DEFAULT = USUAL.fill


@dataclass(frozen=True)
class FillRow:
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
    parser.add_argument("--write", action="store_true", help="put the table in docs/filling.md")
    given = parser.parse_args(arguments)
    denoiser = load_denoiser(USUAL.model, "auto", lambda: None)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for mesh in given.meshes or usual_meshes(Path(folder)):
            print(f"{mesh.stem} ...", flush=True)
            rows.append(
                averaged(mesh.stem, [measure(denoiser, mesh, prompt, given.steps) for prompt in PROMPTS])
            )
    told = shown(rows)
    print(told)
    if given.write:
        put(DOCS / "filling.md", {"table": told})
    mean = {how: float(np.mean([row.seam_error[how] for row in rows])) for how in choices.FILLS}
    return 0 if min(mean, key=lambda how: mean[how]) == DEFAULT else 1


def measure(denoiser: Denoiser, path: Path, prompt: str, steps: int) -> FillRow:
    """Texture the mesh in the file ``path`` once; fill it in every way."""
    request = replace(USUAL, mesh=str(path), prompt=prompt, steps=steps)
    canvas = canvas_of(request, denoiser)
    pictures, surface, seen = views(canvas, denoiser), canvas.surface, canvas.shots
    graph = TexelGraph.build(surface, request.texture_size)
    baked = bake(surface, graph.texels, seen, pictures)
    images = {how: fill(how, graph, baked) for how in choices.FILLS}
    return FillRow(
        path.stem,
        coverage(surface.raster, canvas.cameras),
        # None: the mesh has no seam.
        {how: seam_error(surface, image) or 1.0 for how, image in images.items()},
        {how: view_psnr(render_views(image, surface, seen), seen, pictures) for how, image in images.items()},
    )


def averaged(mesh: str, rows: list[FillRow]) -> FillRow:
    def mean(values: list[dict[str, float]]) -> dict[str, float]:
        return {how: float(np.mean([value[how] for value in values])) for how in choices.FILLS}

    seams, psnr = mean([row.seam_error for row in rows]), mean([row.view_psnr for row in rows])
    return FillRow(mesh, float(np.mean([row.coverage for row in rows])), seams, psnr)


def shown(rows: list[FillRow]) -> str:
    """The table, the means below."""
    head = ["mesh", "coverage"]
    head += [f"{what} {how}" for what in ("seam_error", "view_psnr") for how in choices.FILLS]
    return table(head, [_cells(row) for row in [*rows, averaged("mean", rows)]])


def _cells(row: FillRow) -> list[str]:
    seams = [f"{row.seam_error[how]:.2f}" for how in choices.FILLS]
    psnr = [f"{row.view_psnr[how]:.2f} dB" for how in choices.FILLS]
    return [row.mesh, f"{row.coverage:.1%}", *seams, *psnr]


if __name__ == "__main__":
    raise SystemExit(main())
