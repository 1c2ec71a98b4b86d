"""Does synchronising blur? `build.py bench sharpness [--steps N] [--seeds N] [--picture FILE] [MESH ...]`.

The starter textures each mesh from each prompt with each way of agreeing. Each texture, re-rendered in the
job's views, is compared with the views of `--method independent` and the same seed, which never were
averaged: the power of what is finer than eight pixels (engine/texture/sharpness.py), by octaves too. Without
a MESH: a cube, a torus, and the files in the folder that SYNC_TEXTURE_MESHES names in the environment. Fails
when the default is less sharp than averaging, or shows seams by a tenth more.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine import options
from engine.denoise.model import Denoiser, load_denoiser
from engine.generate import Job, generate
from engine.host import Clock, Host
from engine.mesh.mesh import load
from engine.mesh.unwrap import ensure_uvs
from engine.protocol import Request
from engine.scene import Scene, build_scene
from engine.texture.bake import Atlas, bake
from engine.texture.fill import fill
from engine.texture.measure import view_psnr
from engine.texture.render import render_view, to_image
from engine.texture.seams import seam_error
from engine.texture.sharpness import BANDS, masks, sharpness, spectrum
from tests.bench.fill import the_meshes

Floats = NDArray[np.float32]

PROMPTS = ("weathered red bricks", "tiger stripes")
ARMS: dict[str, dict[str, str]] = {
    "independent": {"method": "independent"},
    "mean": {"aggregate": "mean"},
    "best (default)": {},
    "best, published share": {"sync_share": "published"},
    "best, ramp": {"sync_share": "ramp"},
}
MEAN, DEFAULT = "mean", "best (default)"
OCTAVES = {"32-16": (1, 2), "16-8": (2, 4), "8-4": (4, 8), "4-2": (8, BANDS)}  # pixels: bands
SEAMS = 1.1  # so much more may show
SHOWN = (4, 5, 3, 8)  # of the paper's ten views: front, right, left, front from above
CELL = 192


@dataclass(frozen=True)
class Row:
    """What one arm made of one mesh, prompt and seed. octaves: power in each for each unit of it in single
    views; rendered: (N, R, R, 3)."""

    sharpness: float
    view_psnr: float
    seam_error: float
    octaves: tuple[float, ...]
    rendered: Floats


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 when the default loses."""
    parser = argparse.ArgumentParser(prog="build.py bench sharpness", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--picture", type=Path, help="write the first mesh, as every arm textures it")
    given = parser.parse_args(arguments)
    rows: dict[str, list[Row]] = {arm: [] for arm in ARMS}
    header(("mesh", "prompt", "seed", "arm", "sharpness", "view_psnr", "seam_error"))
    with tempfile.TemporaryDirectory() as folder:
        for arm, row in measured(given.meshes or the_meshes(Path(folder)), given.steps, given.seeds):
            rows[arm].append(row)
    if given.picture:
        sheet({arm: found[0].rendered for arm, found in rows.items()}).save(given.picture)
    summary(rows)
    return 0 if wins(rows[DEFAULT], rows[MEAN]) else 1


def measured(meshes: Sequence[Path], steps: int, seeds: int) -> Iterator[tuple[str, Row]]:
    """Every arm with its row, for every mesh, prompt and seed; prints them as they come."""
    denoiser = load_denoiser("starter", "auto", lambda: None)
    for path in meshes:
        scene = scene_of(path, denoiser)
        atlas = Atlas.build(scene.raster, scene.uvs, 1024)
        for prompt, seed in itertools.product(PROMPTS, range(seeds)):
            request = Request(mesh=str(path), prompt=prompt, out="", steps=steps, seed=seed)
            single = None
            for arm, fields in ARMS.items():
                pictures = views(dataclasses.replace(request, **fields), scene, denoiser)
                single = pictures if single is None else single
                row = measure(scene, atlas, pictures, single)
                line(path.stem, prompt, seed, arm, *numbers([row]))
                yield arm, row


def scene_of(path: Path, denoiser: Denoiser) -> Scene:
    mesh, _, _ = ensure_uvs(load(str(path)), "auto", 1024, lambda: None)
    preset = denoiser.preset
    return build_scene(mesh, options.cameras("paper"), preset.view_size, preset.control, Host())


def views(request: Request, scene: Scene, denoiser: Denoiser) -> Floats:
    options.check(request)
    settings = options.resolve(request, denoiser.preset)
    return generate(Job(request.method, request.seed, settings, scene, denoiser, Clock(), Host()))


def measure(scene: Scene, atlas: Atlas, pictures: Floats, single: Floats) -> Row:
    baked = bake(scene.raster, atlas, scene.cameras, scene.fragments, pictures)
    image = fill("surface", scene.raster, scene.uvs, atlas, baked)
    rendered = np.stack([render_view(image, scene.uvs, view, scene.resolution) for view in scene.fragments])
    inside = masks(scene.fragments, scene.resolution)
    ours, theirs = spectrum(rendered, inside), spectrum(single, inside)
    return Row(
        sharpness(rendered, single, inside),
        view_psnr(image, scene.uvs, scene.fragments, pictures),
        seam_error(scene.raster, scene.uvs, image) or 1.0,  # None: the mesh has no seam
        tuple(float(ours[low:high].sum() / theirs[low:high].sum()) for low, high in OCTAVES.values()),
        rendered,
    )


def wins(ours: list[Row], theirs: list[Row]) -> bool:
    """Whether ``ours`` are sharper and don't show seams more."""
    sharper = np.mean([row.sharpness for row in ours]) > np.mean([row.sharpness for row in theirs])
    seams = [float(np.mean([row.seam_error for row in rows])) for rows in (ours, theirs)]
    return bool(sharper and seams[0] <= SEAMS * seams[1])


def summary(rows: dict[str, list[Row]]) -> None:
    """The means over meshes, prompts and seeds."""
    print()
    header(("arm", "sharpness", "view_psnr", "seam_error", *(f"{name} px" for name in OCTAVES)))
    for arm, found in rows.items():
        octaves = np.mean([row.octaves for row in found], axis=0)
        line(arm, *numbers(found), *(f"{value:.2f}" for value in octaves))


def numbers(rows: list[Row]) -> tuple[str, str, str]:
    sharp, psnr, seam = np.mean([(row.sharpness, row.view_psnr, row.seam_error) for row in rows], axis=0)
    return f"{sharp:.2f}", f"{psnr:.1f} dB", f"{seam:.2f}"


def header(names: tuple[str, ...]) -> None:
    line(*names)
    line(*("---" for _ in names))


def line(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


def sheet(rendered: dict[str, Floats]) -> Image.Image:
    """The arms side by side, two in a row: some views of each texture."""
    width, height = CELL * len(SHOWN), CELL + 16
    picture = Image.new("RGB", (2 * width + 8, height * -(-len(rendered) // 2)), (24, 24, 24))
    draw = ImageDraw.Draw(picture)
    for i, (arm, pictures) in enumerate(rendered.items()):
        left, top = i % 2 * (width + 8), i // 2 * height
        draw.text((left + 4, top + 2), arm, fill=(220, 220, 220))
        for k, view in enumerate(SHOWN):
            image = to_image(pictures[view]).resize((CELL, CELL), Image.Resampling.LANCZOS)
            picture.paste(image, (left + k * CELL, top + 16))
    return picture


if __name__ == "__main__":
    raise SystemExit(main())
