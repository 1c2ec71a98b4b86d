"""One texture of the benchmark of quality: made by the engine, measured, judged. Runs in worker processes.

Model, classifier and meshes are kept for all that a process does.
"""

from __future__ import annotations

import hashlib
import io
import os
import signal
import threading
import time
from dataclasses import dataclass, replace
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine import pipeline
from engine.canvas.mesh import MeshCanvas
from engine.canvas.mesh_painted import PaintedMesh
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.export.render import to_image
from engine.measure.quality import coverage, view_psnr
from engine.measure.seams import seam_error
from engine.measure.sharpness import FINE, spectrum
from engine.protocol import Request
from engine.views.cameras import Camera
from engine.views.surface import Surface, masks
from tests.bench.cases.quality_grid import ALONE, Cell, GridSettings, Prompt, Store
from tests.bench.cases.scenes import USUAL, asked, canvas_of, views
from training.captions import Look, random_look
from training.data import draw
from training.fields import Fields
from training.judge import examples
from training.judge.classifier import Classifier, judge
from training.judge.textures import Textured
from training.pool import SIZE, render

Floats = NDArray[np.float32]

TURNS = tuple(Camera(azimuth, 15.0) for azimuth in (22.5, 112.5, 202.5, 292.5))  # between the rig's cameras
THUMBNAIL = 192
WATCH_S = 2.0
ENGINE = Path(pipeline.__file__).parent


def begin(threads: int) -> None:
    """Make this a worker: ``threads`` of torch, gone at once with Ctrl-C or when its parent is."""
    torch.set_num_threads(threads)
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH_S)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run(cell: Cell, settings: GridSettings, folder: Path) -> float:
    """Make, measure and keep one texture; CPU seconds. Raises what the engine raises."""
    start = time.process_time()
    denoiser, kept = _denoiser(settings.model, settings.device), Store(folder)
    ground = _ground(cell.mesh, settings)
    request = _request(cell, settings)
    canvas = asked(request, ground.canvas, denoiser)
    painted = canvas.finish(views(canvas, denoiser))
    result = _measured(ground, painted) | _judged(ground, painted.texture, cell, settings)
    if cell.arm == ALONE:
        result["single"] = _named(_classifier(settings.judge), *_shown(painted), cell.prompt)
        result["painted"] = _painted(cell, painted.surface, settings.judge)
    said = {"mesh": cell.mesh.stem, "prompt": cell.prompt.text, "seed": cell.seed, "arm": cell.arm.name}
    seconds = time.process_time() - start
    kept.write(
        cell, said | result | {"engine": engine_hash(), "cpu_s": seconds}, _picture(ground, painted.texture)
    )
    return seconds


@cache
def engine_hash() -> str:
    """Of all sources of the engine: results of one comparison should come from the same."""
    digest = hashlib.sha256()
    for path in sorted(ENGINE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class _Ground:
    """What all textures of a mesh share. turned: (4, 1, SIZE, SIZE) in [0, 1], where TURNS see the mesh."""

    canvas: MeshCanvas
    coverage: float
    turned: Tensor


@cache
def _denoiser(model: str, device: str) -> Denoiser:
    return load_denoiser(model, device, lambda: None)


@cache
def _classifier(folder: Path) -> Classifier:
    return examples.classifier(folder, _fields(folder), print)


@cache
def _fields(folder: Path) -> Fields:
    return examples.fields(folder)


@cache
def _ground(path: Path, settings: GridSettings) -> _Ground:
    request = replace(USUAL, mesh=str(path), views=settings.views, texture_size=settings.texture_size)
    canvas = canvas_of(request, _denoiser(settings.model, settings.device))
    inside = masks(canvas.surface.seen_by(TURNS, 2 * SIZE))
    turned = torch.from_numpy(inside)[:, None].float()
    turned = torch.nn.functional.avg_pool2d(turned, 2)
    return _Ground(canvas, coverage(canvas.surface.raster, canvas.cameras), turned)


def _request(cell: Cell, settings: GridSettings) -> Request:
    return Request(
        mesh=str(cell.mesh),
        prompt=cell.prompt.text,
        out=".",
        model=settings.model,
        method=cell.arm.method,
        sync_space=cell.arm.space,
        aggregate="mean" if cell.arm.space == "latent" else None,  # as published, or as the model has it
        views=settings.views,
        steps=settings.steps,
        guidance=settings.guidance,
        seed=cell.seed,
        texture_size=settings.texture_size,
    )


def _measured(ground: _Ground, painted: PaintedMesh) -> dict[str, Any]:
    """What needs no judge. fine: power of fine detail in the views and in the texture as they show it."""
    shown, pictures = painted.rendered, painted.pictures
    inside = masks(painted.shots)
    return {
        "seam_error": seam_error(painted.surface, painted.texture),
        "view_psnr": view_psnr(shown, painted.shots, pictures),
        "coverage": ground.coverage,
        "fine": {
            name: float(spectrum(these, inside)[FINE:].sum())
            for name, these in (("views", pictures), ("texture", shown))
        },
    }


def _judged(ground: _Ground, image: Floats, cell: Cell, settings: GridSettings) -> dict[str, Any]:
    """Shares of pictures of the textured mesh that are taken for what was asked for."""
    textured = Textured(ground.canvas.surface, image)
    pictures = torch.stack([torch.from_numpy(textured.picture(c, SIZE)).permute(2, 0, 1) for c in TURNS])
    return _named(_classifier(settings.judge), pictures, ground.turned, cell.prompt)


def _shown(painted: PaintedMesh) -> tuple[Tensor, Tensor]:
    """The generated views and where they show the mesh, at the classifier's size."""
    inside = torch.from_numpy(masks(painted.shots))[:, None].float()
    both = torch.cat([torch.from_numpy(painted.pictures).permute(0, 3, 1, 2), inside], 1)
    sized = torch.nn.functional.interpolate(both, (SIZE, SIZE), mode="bilinear", antialias=True)
    return sized[:, :3], sized[:, 3:]


def _painted(cell: Cell, surface: Surface, folder: Path) -> dict[str, float | None]:
    """What the classifier says where the generator itself paints the prompt on the mesh: the ceiling."""
    corners = surface.corners
    shape = corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3)
    look = _look(cell.prompt, cell.seed)
    drawn = [
        draw(render(shape, camera), look, _fields(folder), np.random.default_rng(cell.seed))
        for camera in TURNS
    ]
    pictures, inside = (torch.stack(column) for column in zip(*drawn, strict=True))
    return _named(_classifier(folder), pictures, inside, cell.prompt)


def _look(prompt: Prompt, seed: int) -> Look:
    """The ``seed``-th plain look of the generator that the prompt describes."""
    looks = (random_look(np.random.default_rng([seed, i]), prompt.material, plain=True) for i in count())
    return next(look for look in looks if prompt.colour in (None, look.colour))


def _named(
    classifier: Classifier, pictures: Tensor, inside: Tensor, prompt: Prompt
) -> dict[str, float | None]:
    """The shares of ``pictures`` (N, 3, SIZE, SIZE) taken for the prompt's material and colour."""
    verdict = judge(classifier, pictures, inside)
    colour = None if prompt.colour is None else float(np.mean([c == prompt.colour for c in verdict.colours]))
    return {"material": float(np.mean([m == prompt.material for m in verdict.materials])), "colour": colour}


def _picture(ground: _Ground, image: Floats) -> bytes:
    """A PNG: the mesh from the first of TURNS, lit, and the texture."""
    seen = Textured(ground.canvas.surface, image).picture(TURNS[0], THUMBNAIL, lit=True)
    sheet = Image.new("RGB", (2 * THUMBNAIL, THUMBNAIL))
    sheet.paste(to_image(seen), (0, 0))
    sheet.paste(to_image(image).resize((THUMBNAIL, THUMBNAIL)), (THUMBNAIL, 0))
    with io.BytesIO() as file:
        sheet.save(file, "PNG")
        return file.getvalue()
