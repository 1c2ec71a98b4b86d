"""Does synchronising blur? `build.py bench sharpness [--steps N] [--seeds N] [--write] [MESH ...]`.

A model textures each mesh from each prompt with each way of agreeing: colours or latents averaged, by the
mean or by the best view, in a share of the steps. Each texture, re-rendered in the job's views, is compared
with the views of `--method independent` and the same seed, which never were averaged: the power of what is
finer than eight pixels (engine/measure/sharpness.py), by octaves too. Without a MESH: a cube, a torus, and
the files in the folder that SYNC_TEXTURE_MESHES names in the environment. With --write, tables and picture of
docs/sharpness.md are made of it. Fails when the default is less sharp than the mean of colours, or shows
seams by a tenth more.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine import settings
from engine.canvas.mesh_painted import PaintedMesh
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.measure.quality import view_psnr
from engine.measure.seams import seam_error
from engine.measure.sharpness import sharpness, spectrum
from engine.models.presets import Preset
from engine.protocol import Request
from engine.views.surface import masks
from tests.bench.cases.meshes import usual_meshes
from tests.bench.cases.scenes import PROMPTS, USUAL, asked, canvas_of, views
from tests.bench.pages import sharpness as pages
from tests.bench.pages.markdown import DOCS, put
from tests.bench.pages.sharpness import OCTAVES, SharpnessRow
from tests.bench.plots.sharpness import sheet, shown

Floats = NDArray[np.float32]

SEAMS = 1.1  # so much more may show

ALONE, MEAN = "independent", "rgb, mean, all"
ARMS: dict[str, dict[str, str]] = {
    ALONE: {"method": "independent"},
    **{
        f"{space}, {aggregate}, {share}": {
            "sync_space": space,
            "aggregate": aggregate,
            "sync_share": share,
        }
        for space, aggregate, shares in (
            ("rgb", "best", ("all", "published", "ramp")),
            ("rgb", "mean", ("all",)),
            ("latent", "mean", ("all", "published", "ramp")),
            ("latent", "best", ("all",)),
        )
        for share in shares
    },
}


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 when the default loses."""
    given = _parser().parse_args(arguments)
    denoiser = load_denoiser(given.model, "auto", lambda: None)
    arms, default = with_default(denoiser.preset)
    rows: list[SharpnessRow] = []
    print(pages.row_head(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        meshes = given.meshes or usual_meshes(Path(folder))
        for row in measured(denoiser, meshes, given.steps, given.seeds, arms):
            print(pages.row_line(row), flush=True)
            rows.append(row)
    parts = pages.parts(rows, _command(given), _said(given, denoiser), default, MEAN)
    print("\n\n".join(parts.values()))
    if given.write:
        put(DOCS / "sharpness.md", parts)
        sheet(rows, (ALONE, MEAN, default)).save(DOCS / "sharpness.png", optimize=True)
    return 0 if wins(rows, default) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py bench sharpness", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--model", default=USUAL.model)
    parser.add_argument("--write", action="store_true", help="put tables and picture in docs/sharpness.md")
    return parser


def _command(given: argparse.Namespace) -> str:
    """What makes the same page of the usual meshes."""
    return f"python3 build.py bench sharpness --steps {given.steps} --seeds {given.seeds} --write"


def _said(given: argparse.Namespace, denoiser: Denoiser) -> str:
    """What the page says about where its numbers come from."""
    seeds = "seed 0" if given.seeds == 1 else f"{given.seeds} seeds"
    size = denoiser.preset.view_size
    return f"`{Path(given.model).name}` (views of {size} x {size} pixels), {given.steps} steps, {seeds}"


def with_default(preset: Preset) -> tuple[dict[str, dict[str, str]], str]:
    """All arms, and which of them a job takes that says nothing."""
    usual = settings.resolve(USUAL, preset)
    for name, fields in ARMS.items():
        if name != ALONE and settings.resolve(replace(USUAL, **fields), preset) == usual:
            return ARMS, name
    return {**ARMS, "default": {}}, "default"


def measured(
    denoiser: Denoiser, meshes: Sequence[Path], steps: int, seeds: int, arms: dict[str, dict[str, str]]
) -> Iterator[SharpnessRow]:
    """A row for every mesh, prompt, seed and arm, as they come; the first of ``arms`` is ALONE."""
    for path in meshes:
        canvas = canvas_of(replace(USUAL, mesh=str(path)), denoiser)
        for prompt, seed in itertools.product(PROMPTS, range(seeds)):
            request = Request(mesh=str(path), prompt=prompt, out=".", steps=steps, seed=seed)
            single = None
            for arm, fields in arms.items():
                own = asked(replace(request, **fields), canvas, denoiser)
                painted = own.finish(views(own, denoiser))
                single = painted.pictures if single is None else single
                yield measure(painted, single, (path.stem, prompt, seed), arm)


def measure(painted: PaintedMesh, single: Floats, block: tuple[str, str, int], arm: str) -> SharpnessRow:
    """Compare a texture with the views ``single``."""
    rendered, inside = painted.rendered, masks(painted.shots)
    ours, theirs = spectrum(rendered, inside), spectrum(single, inside)
    return SharpnessRow(
        block,
        arm,
        sharpness(rendered, single, inside),
        view_psnr(rendered, painted.shots, painted.pictures),
        seam_error(painted.surface, painted.texture) or 1.0,  # None: the mesh has no seam
        tuple(float(ours[low:high].sum() / theirs[low:high].sum()) for low, high in OCTAVES.values()),
        shown(painted.pictures if arm == ALONE else rendered),
    )


def wins(rows: Sequence[SharpnessRow], default: str) -> bool:
    """Whether the default is sharper than the mean of colours and doesn't show seams more."""
    if default == MEAN:
        return True
    sharp, seams = (
        [np.mean([measure(row) for row in rows if row.arm == arm]) for arm in (default, MEAN)]
        for measure in (lambda row: row.sharpness, lambda row: max(1.0, row.seam_error))  # below 1 none shows
    )
    return bool(sharp[0] > sharp[1] and seams[0] <= SEAMS * seams[1])


if __name__ == "__main__":
    raise SystemExit(main())
