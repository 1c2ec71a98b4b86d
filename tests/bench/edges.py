"""How far generated edges stray, and what their reach costs: `build.py bench edges [--write] [MESH ...]`.

The starter paints the published ten views of each mesh, in pictures of several sizes. Of each size: how much
of the background is in pixels 1, 2, 3, ... from the silhouette, and what the texture baked with each reach is
like: dB, sharpness and seams against the views, and how much of the background's colour is in texels that
views see far from any edge too. Without a MESH: a cube, a torus, and the files in the folder that
SYNC_TEXTURE_MESHES names in the environment.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from engine.bake.bake import Baked, bake
from engine.bake.fill import fill
from engine.bake.texel_graph import TexelGraph
from engine.canvas.mesh import MeshCanvas
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.export.render import render_views
from engine.measure.quality import view_psnr
from engine.measure.seams import seam_error
from engine.measure.sharpness import sharpness
from engine.pictures.channels import BACKGROUND
from engine.views import visibility
from engine.views.surface import masks
from tests.bench.cases.meshes import usual_meshes
from tests.bench.cases.scenes import USUAL, canvas_of, views
from tests.bench.pages.markdown import DOCS, put, table

Floats = NDArray[np.float32]

SIZES = (128, 256, 384)  # pixels of a view
REACHES = (0, 1, 2, 3, 4, 6)  # pixels
FAR = 8  # pixels from an edge: there it has no say
PROMPT = "weathered red bricks"
HEAD = ["view", "reach", "view_psnr", "sharpness", "seam_error", "background"]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="build.py bench edges", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--write", action="store_true", help="put the tables in docs/filling.md")
    given = parser.parse_args(arguments)
    denoiser = load_denoiser(USUAL.model, "auto", lambda: None)
    strays, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        meshes = given.meshes or usual_meshes(Path(folder))
        for size in SIZES:
            found, stray = [], []
            for path in meshes:
                canvas, pictures = painted(denoiser, path, size, given.steps)
                stray.append(straying(canvas, pictures))
                found.append(list(measured(canvas, pictures)))
                print(size, path.stem, np.round(stray[-1], 2), flush=True)
            strays.append([str(size), *(f"{share:.0%}" for share in np.nanmean(stray, axis=0))])
            for reach, row in zip(REACHES, np.mean(found, axis=0), strict=True):
                psnr, sharp, seams, behind = row
                rows.append(
                    [str(size), str(reach), f"{psnr:.2f} dB", f"{sharp:.3f}", f"{seams:.2f}", f"{behind:.4f}"]
                )
                print(*rows[-1], flush=True)
    parts = {
        "strays": table(["view", *(f"{k + 1} px" for k in range(FAR))], strays),
        "reaches": table(HEAD, rows),
    }
    print("\n\n".join(parts.values()))
    if given.write:
        put(DOCS / "filling.md", parts)
    return 0


def painted(denoiser: Denoiser, path: Path, size: int, steps: int) -> tuple[MeshCanvas, Floats]:
    """The canvas, and its views of ``size``^2 pixels, which the model wasn't made for but paints."""
    preset, latents = denoiser.preset, size // denoiser.downscale
    scale = size / preset.view_size
    sizes = {space: round(side * scale) for space, side in preset.texture_size.items()}
    other = copy.copy(denoiser)
    other.preset = replace(preset, view_size=size, latent_view_size=latents, texture_size=sizes)
    canvas = canvas_of(replace(USUAL, mesh=str(path), prompt=PROMPT, steps=steps), other)
    return canvas, views(canvas, other)


def straying(canvas: MeshCanvas, pictures: Floats) -> list[float]:
    """Of pixels 1 to FAR from the silhouette: how much of the background is in them, 0 to 1. What is inside
    is taken to look as it does at FAR."""
    inside = masks(canvas.shots)
    apart = np.abs(pictures - BACKGROUND).mean(axis=3)
    depth = np.stack([distance_transform_edt(mask, sampling=1.0) for mask in inside])
    near = [apart[(depth > k) & (depth <= k + 1)].mean() for k in range(2 * FAR)]
    return [float(1 - near[k] / np.mean(near[FAR:])) for k in range(FAR)]


def measured(canvas: MeshCanvas, pictures: Floats) -> Iterator[tuple[float, float, float, float]]:
    """(view_psnr, sharpness, seam_error, background) for each of REACHES."""
    surface, shots = canvas.surface, canvas.shots
    graph = TexelGraph.build(surface, USUAL.texture_size)
    edges = np.zeros((*pictures.shape[:3], 1), np.float32)
    for edge, view in zip(edges, shots, strict=True):
        with reaching(FAR):
            trust = visibility.edge_trust(view) < 1
        edge.reshape(-1)[view.fragments.pixel[trust]] = 1
    with reaching(FAR):
        well = bake(surface, graph.texels, shots, pictures)
    for reach in REACHES:
        with reaching(reach):
            baked = bake(surface, graph.texels, shots, np.concatenate([pictures, edges], axis=3))
        colours = Baked(np.ascontiguousarray(baked.colours[:, :3]), baked.trusted, baked.doubtful)
        image = fill("surface", graph, colours)
        rendered = render_views(image, surface, shots)
        both = well.trusted & baked.trusted
        grey = [np.abs(one.colours[both, :3] - BACKGROUND).mean() for one in (baked, well)]
        yield (
            view_psnr(rendered, shots, pictures),
            sharpness(rendered, pictures, masks(shots)),
            seam_error(surface, image) or 1.0,
            float(1 - grey[0] / grey[1]),
        )


@contextmanager
def reaching(pixels: int) -> Iterator[None]:
    """Inside, edges have a reach of so many pixels of a view."""
    usual = visibility.reach
    visibility.reach = lambda resolution: pixels
    try:
        yield
    finally:
        visibility.reach = usual


if __name__ == "__main__":
    raise SystemExit(main())
