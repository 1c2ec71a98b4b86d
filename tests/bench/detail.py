"""What close-ups add: `build.py bench detail [--factor N] [--strengths X ...] [--write] [MESH ...]`.

Each mesh is textured once, and what that made is carried on by close-ups with each strength. Both textures
are drawn as the close-ups see them, a pixel a texel: power of fine detail against the first pass, by octaves
too, how much of the layout is left (dB between both), how well close-ups agree with their texture, seams, and
seconds. Without a MESH: as `build.py bench sharpness`. With --write, table and picture of docs/detail.md are
made of it.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.canvas.mesh import MeshCanvas
from engine.canvas.mesh_detail import STRENGTH
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.export.render import render_views, to_image
from engine.generate import closer, generate
from engine.host import Clock, Host
from engine.measure.quality import view_psnr
from engine.measure.seams import seam_error
from engine.measure.sharpness import BANDS, FINE, spectrum
from engine.painter import Painter
from engine.protocol import Request
from engine.views.surface import masks
from tests.bench.cases.meshes import usual_meshes
from tests.bench.cases.scenes import canvas_of
from tests.bench.pages.markdown import DOCS, put, table

Floats = NDArray[np.float32]

PROMPTS = ("red bricks", "oak wood", "cobblestone")
SIDE = 512  # pixels of a close-up at most
CROP, SHOWN = 224, 3  # of the picture: pixels of a crop, close-ups of a mesh
OCTAVES = {"8-4": (FINE, 8), "4-2": (8, BANDS)}  # texels: bands


@dataclass(frozen=True)
class DetailRow:
    """seconds: of the first pass and of the close-ups. power: of fine detail, and by OCTAVES, for each unit
    of it in the first pass. layout: dB between both textures. seams: before and after. said: as report.json
    has it. crops: (2, SHOWN, h, w, 3) of both textures."""

    name: str
    seconds: tuple[float, float]
    power: tuple[float, ...]
    layout: float
    seams: tuple[float, float]
    said: dict[str, Any]
    crops: Floats


def main(arguments: list[str] | None = None) -> int:
    """Print the table; 1 when close-ups of the usual strength add nothing."""
    given = _parser().parse_args(arguments)
    denoiser = load_denoiser(given.model, "auto", lambda: None)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for row in measured(denoiser, given.meshes or usual_meshes(Path(folder)), given):
            print(line(row), flush=True)
            rows.append(row)
    if given.write:
        put(DOCS / "detail.md", {"table": page(rows)})
        usual = [row for row in rows if row.said["strength"] == given.strengths[0]]
        sheet(usual).save(DOCS / "detail.jpg", quality=92)
    gained = [row.power[0] for row in rows if row.said["strength"] == STRENGTH]
    return 0 if all(power > 1 for power in gained) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py bench detail", description=__doc__.splitlines()[0])
    parser.add_argument("meshes", nargs="*", type=Path, metavar="MESH")
    parser.add_argument("--factor", default="2", choices=["2", "4"])
    parser.add_argument("--strengths", nargs="+", type=float, default=[STRENGTH])
    parser.add_argument("--texture-size", type=int, default=1024)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--write", action="store_true", help="put table and picture in docs/detail.md")
    return parser


def measured(denoiser: Denoiser, meshes: Sequence[Path], given: argparse.Namespace) -> Iterator[DetailRow]:
    """A row for every mesh, each of another prompt, and strength."""
    for path, prompt in zip(meshes, itertools.cycle(PROMPTS), strict=False):
        request = Request(
            mesh=str(path), prompt=prompt, out=".", detail=given.factor, texture_size=given.texture_size
        )
        canvas = canvas_of(request, denoiser)
        canvas = replace(canvas, channels=denoiser.channels)
        painter = Painter(denoiser, canvas.settings, Clock(), Host())
        start = time.perf_counter()
        pictures = generate(canvas, painter)
        seconds = time.perf_counter() - start
        for strength in given.strengths:
            yield measure(f"{path.stem}, {prompt}", canvas, painter, pictures, strength, seconds)


def measure(
    name: str, canvas: MeshCanvas, painter: Painter, pictures: Floats, strength: float, seconds: float
) -> DetailRow:
    """Carry the first pass' ``pictures`` on, and compare."""
    assert canvas.detail, "asked for"
    detail = replace(canvas.detail, strength=strength)
    first, own = canvas.finish(pictures), replace(canvas, detail=detail)
    last, finished = closer(own, pictures, painter)
    painted = last.finish(finished)
    cameras = [one for group in detail.groups for one in group]
    shots = canvas.surface.seen_by(cameras, _side(canvas, cameras[0].half_extent * 2 * cameras[0].distance))
    before, after = (render_views(one.texture, canvas.surface, shots) for one in (first, painted))
    inside = masks(shots)
    power = [spectrum(one, inside) for one in (after, before)]
    bands = [(FINE, BANDS), *OCTAVES.values()]
    ratios = tuple(float(power[0][a:b].sum() / power[1][a:b].sum()) for a, b in bands)
    seams = tuple(seam_error(canvas.surface, one.texture) or 1.0 for one in (first, painted))
    near = painted.close_ups
    crops = np.stack([one[:: max(1, len(shots) // SHOWN)][:SHOWN] for one in (before, after)])
    return DetailRow(
        name, (seconds, near["seconds"]), ratios, view_psnr(after, shots, before), seams, near, _middle(crops)
    )


def _side(canvas: MeshCanvas, width: float) -> int:
    """Pixels across a picture that shows ``width`` of the surface, a pixel a texel."""
    edge = canvas.surface.corners[:, 1:] - canvas.surface.corners[:, :1]
    area = np.linalg.norm(np.cross(edge[:, 0], edge[:, 1]), axis=1).sum()
    flat = canvas.surface.uvs[:, 1:, :2] - canvas.surface.uvs[:, :1, :2]
    covered = np.abs(flat[:, 0, 0] * flat[:, 1, 1] - flat[:, 0, 1] * flat[:, 1, 0]).sum()
    return int(min(SIDE, width * canvas.job.request.texture_size * np.sqrt(covered / area)))


def _middle(crops: Floats) -> Floats:
    """CROP pixels of each, or all where they are fewer."""
    side = crops.shape[2]
    start = max(0, (side - CROP) // 2)
    return crops[:, :, start : start + CROP, start : start + CROP]


HEAD = (
    *("mesh, prompt", "strength", "close-ups", "seconds", "fine detail", *(f"{n} texels" for n in OCTAVES)),
    *("layout", "agreement", "seams"),
)


def cells(row: DetailRow) -> list[str]:
    return [
        row.name,
        f"{row.said['strength']:g}",
        f"{row.said['count']}",
        f"{row.seconds[0]:.0f} + {row.seconds[1]:.0f}",
        *(f"{ratio:.2f}" for ratio in row.power),
        f"{row.layout:.1f} dB",
        f"{row.said['view_psnr']:.1f} dB",
        f"{row.seams[0]:.2f} -> {row.seams[1]:.2f}",
    ]


def line(row: DetailRow) -> str:
    return f"| {' | '.join(cells(row))} |"


def page(rows: Sequence[DetailRow]) -> str:
    return table(HEAD, [cells(row) for row in rows])


def sheet(rows: Sequence[DetailRow]) -> Image.Image:
    """A row for each mesh: crops of the first pass on the left, of the same with close-ups on the right."""
    gap, tall, wide = 8, max(row.crops.shape[2] for row in rows), max(row.crops.shape[3] for row in rows)
    picture = Image.new("RGB", (2 * SHOWN * wide + gap, len(rows) * (tall + gap) - gap), (24, 24, 24))
    for j, row in enumerate(rows):
        for i, crops in enumerate(row.crops):
            for k, crop in enumerate(crops):
                picture.paste(to_image(crop), (i * (SHOWN * wide + gap) + k * wide, j * (tall + gap)))
    return picture


if __name__ == "__main__":
    raise SystemExit(main())
