"""Contact sheets of every material: ``python -m training.gallery MODEL MESH... --out docs``.

One PNG a mesh, gallery-NAME.png: each of the model's example prompts (its vocabulary.json) as a texture seen
from two sides. With --beside OTHER from one side, on the left as OTHER, a model, textures it, and all
meshes on one sheet, gallery-beside.png. Textures already made are kept in --cache; interrupted, the same
command goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from engine.denoise.denoiser import Denoiser
from engine.errors import UserError
from engine.export.render import to_image
from engine.models.catalogue import STARTER_FOLDER
from engine.views.cameras import Camera
from training.judge import textures

SIDES = (Camera(25.0, 15.0), Camera(205.0, 15.0))
CELL, LABEL, MOST_ACROSS = 200, 15, 6  # pixels of a picture and of the line above it; textures in a row
LARGEST = 1_500_000  # bytes of a sheet
SHRINK = (1.0, 0.85, 0.7, 0.6)  # of the cells, until the sheet is small enough


@dataclass(frozen=True)
class GallerySettings:
    """What is drawn and how; None is the model's own. beside: another model, "" for none."""

    model: str
    beside: str
    meshes: list[Path]
    out: Path
    cache: Path
    steps: int | None
    seed: int
    device: str
    prompts: list[str] | None


def main(settings: GallerySettings) -> None:
    """Draw a sheet for every mesh, or where two models are compared one for all."""
    prompts = settings.prompts or examples(_folder(settings.model))
    models = [_Model.load(name, settings.device) for name in (settings.beside, settings.model) if name]
    settings.out.mkdir(parents=True, exist_ok=True)
    together: list[Image.Image] = []
    for mesh in settings.meshes:
        cells = []
        for number, prompt in enumerate(prompts):
            cells.append(_cell(settings, models, mesh, prompt))
            print(f"{time.strftime('%H:%M:%S')} {mesh.stem}: {number + 1} of {len(prompts)}", file=sys.stderr)
        together += cells
        if not settings.beside:
            _write(settings.out, mesh.stem, cells, prompts)
    if settings.beside:
        _write(settings.out, "beside", together, prompts)


def _write(out: Path, name: str, cells: list[Image.Image], prompts: list[str]) -> None:
    path = out / f"gallery-{name}.png"
    path.write_bytes(smallest(cells, prompts))
    print(path)


@dataclass(frozen=True)
class _Model:
    """mark: its fingerprint."""

    denoiser: Denoiser
    mark: str

    @classmethod
    def load(cls, name: str, device: str) -> _Model:
        return cls(textures.load_model(name, device), fingerprint(_folder(name)))


def _folder(model: str) -> Path:
    return STARTER_FOLDER if model == "starter" else Path(model)


def examples(folder: Path) -> list[str]:
    """A prompt for each material that the model in ``folder`` knows. Raises UserError."""
    try:
        return list(json.loads((folder / "vocabulary.json").read_text())["examples"])
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder} has no vocabulary.json with example prompts", "name some with --prompts"
        ) from error


def fingerprint(folder: Path) -> str:
    """Changes with the model's files."""
    found = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def _cell(settings: GallerySettings, models: list[_Model], mesh: Path, prompt: str) -> Image.Image:
    """The two sides of ``mesh`` textured with ``prompt``, or where there are two ``models`` one side by
    each."""
    sides = [_sides(settings, model, mesh, prompt) for model in models]
    if len(sides) == 1:
        return sides[0]
    page = Image.new("RGB", sides[0].size)
    for index, both in enumerate(sides):
        page.paste(both.crop((0, 0, CELL, CELL)), (index * CELL, 0))
    return page


def _sides(settings: GallerySettings, model: _Model, mesh: Path, prompt: str) -> Image.Image:
    """Of ``mesh``, textured with ``prompt``, from the cache where they are in it."""
    steps, seed, mark = settings.steps, settings.seed, model.mark
    mesh_mark = hashlib.sha256(mesh.read_bytes()).hexdigest()
    key = hashlib.sha256(repr((mark, mesh_mark, prompt, steps, seed, SIDES, CELL)).encode()).hexdigest()
    kept = settings.cache / f"{key[:32]}.png"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            textured = textures.make(model.denoiser, mesh, prompt, Path(folder), steps, seed=seed)
        pictures = [textured.picture(camera, CELL, lit=True) for camera in SIDES]
        settings.cache.mkdir(parents=True, exist_ok=True)
        unfinished = kept.with_suffix(".part")
        to_image(np.concatenate(pictures, axis=1)).save(unfinished, "PNG")
        unfinished.replace(kept)
    with Image.open(kept) as image:
        return image.convert("RGB")


def smallest(cells: list[Image.Image], prompts: list[str], largest: int = LARGEST) -> bytes:
    """The sheet as a PNG of 256 colours; its cells are made smaller until it has at most ``largest`` bytes.
    Raises UserError where even the smallest is larger."""
    for factor in SHRINK:
        stream = io.BytesIO()
        page = sheet(
            [cell.resize(_times(cell.size, factor), Image.Resampling.LANCZOS) for cell in cells], prompts
        )
        page.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(stream, "PNG", optimize=True)
        if stream.tell() <= largest:
            return stream.getvalue()
    raise UserError(f"the sheet of {len(cells)} textures is too large", "draw fewer of them with --prompts")


def _times(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return round(size[0] * factor), round(size[1] * factor)


def sheet(cells: list[Image.Image], prompts: list[str]) -> Image.Image:
    """Cells of one size, each under its prompt; those of several meshes, one mesh after the other, each in
    rows of its own."""
    wide, high = cells[0].size
    across = min(MOST_ACROSS, len(prompts))
    rows = -(-len(prompts) // across)
    page = Image.new("RGB", (across * wide, len(cells) // len(prompts) * rows * (high + LABEL)), (24, 24, 24))
    pen = ImageDraw.Draw(page)
    for index, cell in enumerate(cells):
        mesh, number = divmod(index, len(prompts))
        row, column = mesh * rows + number // across, number % across
        pen.text((column * wide + 4, row * (high + LABEL) + 1), prompts[number][: wide // 6], (230, 230, 230))
        page.paste(cell, (column * wide, row * (high + LABEL) + LABEL))
    return page


def _arguments() -> GallerySettings:
    parser = argparse.ArgumentParser(
        prog="python -m training.gallery",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a model's name or folder")
    parser.add_argument("meshes", type=Path, nargs="+", metavar="MESH")
    parser.add_argument("--beside", default="", metavar="OTHER", help="a model to compare with")
    parser.add_argument("--out", type=Path, default=Path("docs"))
    parser.add_argument("--cache", type=Path, default=Path("training/runs/gallery"))
    parser.add_argument("--steps", type=int, help="fewer are faster; default: the model's")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--prompts", nargs="+", help="instead of the model's own examples")
    return GallerySettings(**vars(parser.parse_args()))


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main(_arguments())
    except UserError as error:
        sys.exit(f"{error}: {error.fix}")
