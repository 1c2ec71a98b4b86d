"""Judge a model on held-out prompts and shapes: ``python -m training.evaluate MODEL [--out DIR]``.

A small classifier, trained once on pictures that the model's training never sees, looks at single views and
at textured meshes. Beside each figure stands the same one measured on real pictures of the same pairs: no
model can be expected to do better. Writes evaluation.json and sheet.png.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from engine.errors import UserError
from engine.views.cameras import Camera
from training.fields import Fields
from training.judge import channels, examples, pairs, textures, views
from training.judge.channels import Errors
from training.judge.classifier import Classifier, judge
from training.judge.pairs import Pair
from training.judge.report import ScoreRow, SheetEntry, sheet, table
from training.judge.score import Seen, autoencoder_rows, joined, single_rows, textured_rows
from training.pool import SIZE

TURNS = tuple(Camera(azimuth, 15.0) for azimuth in (22.5, 112.5, 202.5, 292.5))  # between the rig's cameras
HELD_OUT = 400  # real pictures that the distance of distributions is measured to
QUICK = 12  # pairs that --quick judges


@dataclass(frozen=True)
class EvaluationSettings:
    """What is judged and how. ``meshes``: how many of the pairs are textured too; None for ``steps`` and
    ``guidance`` is the model's own."""

    model: str
    out: Path
    judge: Path
    meshes: int
    steps: int | None
    guidance: float | None
    device: str
    quick: bool


@dataclass(frozen=True)
class Results:
    """``textured`` holds ``len(TURNS)`` pictures of each of the pairs ``which``; None if there are none.
    ``channels``: mean errors of what an estimator tells of a surface, by channel and material."""

    pairs: list[Pair]
    rows: list[ScoreRow]
    real: Seen
    single: Seen
    which: list[int]
    textured: Seen | None
    channels: Errors = field(default_factory=dict)


def log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def evaluate(settings: EvaluationSettings) -> Results:
    """Everything that is measured."""
    listed = pairs.load()
    chosen = [listed[i] for i in _spread(len(listed), QUICK)] if settings.quick else listed
    noise = examples.fields(settings.judge)
    classifier = examples.classifier(settings.judge, noise, log)
    reference = examples.of_pairs(chosen, noise)
    other = examples.held_out(settings.judge, noise, HELD_OUT)
    others = judge(classifier, other.pictures, other.mask).features
    denoiser = textures.load_model(settings.model, settings.device)
    generated = views.generate(denoiser, chosen, settings.steps, settings.guidance, log)
    real = Seen.of(classifier, reference.pictures, reference)
    single = Seen.of(classifier, _sized(generated), reference)
    told, by_material = channels.errors(denoiser, chosen, noise)
    rows = [*single_rows(single, real, others), *autoencoder_rows(denoiser, reference), *told]
    which = _spread(len(chosen), settings.meshes)
    if not which:
        return Results(chosen, rows, real, single, which, None, by_material)
    textured, painted = _textured(settings, denoiser, classifier, noise, [chosen[i] for i in which])
    rows += textured_rows(textured, painted, others, rows)
    return Results(chosen, rows, real, single, which, textured, by_material)


def _spread(count: int, wanted: int) -> list[int]:
    """``wanted`` indices, or all, evenly over ``count``."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(wanted, count)).round()})


def _sized(pictures: Tensor) -> Tensor:
    """Pictures of a model with another view size at the judge's."""
    if pictures.shape[-1] == SIZE:
        return pictures
    return F.interpolate(pictures, (SIZE, SIZE), mode="bilinear", antialias=True)


def _textured(
    settings: EvaluationSettings,
    denoiser: Denoiser,
    classifier: Classifier,
    noise: Fields,
    chosen: list[Pair],
) -> tuple[Seen, Seen]:
    """Pictures of the pairs' textured meshes from TURNS, and what the generator would paint there."""
    found, real = [], []
    for number, pair in enumerate(chosen):
        with tempfile.TemporaryDirectory() as folder:
            mesh = textures.write_mesh(pair.mesh, Path(folder) / "mesh.npz")
            textured = textures.make(
                denoiser, mesh, pair.prompt, Path(folder), settings.steps, settings.guidance, pair.seed
            )
        found += [torch.from_numpy(textured.picture(camera, SIZE)).permute(2, 0, 1) for camera in TURNS]
        real += examples.turned(pair, TURNS, noise)
        log(f"textured meshes: {number + 1} of {len(chosen)}")
    wanted = joined(real, [pair.material for pair in chosen], [pair.colour for pair in chosen])
    return Seen.of(classifier, torch.stack(found), wanted), Seen.of(classifier, wanted.pictures, wanted)


def entries(results: Results) -> list[SheetEntry]:
    """The contact sheet's cells."""
    return [_entry(results, index) for index in range(len(results.pairs))]


def _entry(results: Results, index: int) -> SheetEntry:
    pair, single = results.pairs[index], results.single
    pictures = [results.real.pictures[index], single.pictures[index]]
    lines: list[tuple[str, bool | None]] = [(pair.prompt, None)]
    lines.append((f"view: {_taken(single, index)}", _is_right(single, index)))
    if results.textured and index in results.which:
        first = results.which.index(index) * len(TURNS)
        pictures.append(results.textured.pictures[first])
        lines.append((f"mesh: {_taken(results.textured, first)}", _is_right(results.textured, first)))
    else:
        lines.append(("", None))
    return SheetEntry([picture.permute(1, 2, 0).numpy() for picture in pictures], lines)


def _taken(seen: Seen, index: int) -> str:
    colour = seen.verdict.colours[index] if seen.wanted.colours[index] else ""
    return f"{colour} {seen.verdict.materials[index]}".strip()


def _is_right(seen: Seen, index: int) -> bool:
    return bool(seen.materials[index]) and seen.colours[index] is not False


def as_json(settings: EvaluationSettings, results: Results) -> dict[str, Any]:
    """The table, and what every pair was taken for."""
    single, overlaps = results.single, (results.single.overlaps, results.real.overlaps)
    listed = []
    for i, pair in enumerate(results.pairs):
        taken = {"material": single.verdict.materials[i], "colour": single.verdict.colours[i]}
        listed.append({**asdict(pair), "view": taken, "iou": overlaps[0][i], "iou_real": overlaps[1][i]})
    for place, index in enumerate(results.which if results.textured else []):
        assert results.textured
        part = slice(place * len(TURNS), (place + 1) * len(TURNS))
        verdict = results.textured.verdict
        listed[index]["mesh"] = {"material": verdict.materials[part], "colour": verdict.colours[part]}
    shown = {
        name: str(value) if isinstance(value, Path) else value for name, value in asdict(settings).items()
    }
    told = {"channels": results.channels} if results.channels else {}
    return {"settings": shown, "table": [row.as_dict() for row in results.rows], "pairs": listed, **told}


def main(settings: EvaluationSettings) -> None:
    """Evaluate, print the table, write evaluation.json and sheet.png."""
    began = time.process_time()
    results = evaluate(settings)
    settings.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(as_json(settings, results), indent=1)
    (settings.out / "evaluation.json").write_text(text + "\n")
    sheet(entries(results)).save(settings.out / "sheet.png")
    print(table(results.rows))
    log(f"{(time.process_time() - began) / 60:.1f} CPU-minutes; more in {settings.out}")


def _arguments() -> EvaluationSettings:
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a model's name or folder")
    parser.add_argument("--out", type=Path, default=Path("training/runs/evaluation"))
    parser.add_argument(
        "--judge", type=Path, default=Path("training/runs/judge"), help="the judge's own data"
    )
    parser.add_argument("--meshes", type=int, default=20, help="how many of the pairs are textured too")
    parser.add_argument("--steps", type=int, help="default: the model's")
    parser.add_argument("--guidance", type=float, help="default: the model's")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quick", action="store_true", help="twelve pairs, three meshes, ten steps")
    options = parser.parse_args()
    if options.quick:
        options.meshes, options.steps = min(options.meshes, 3), options.steps or 10
    return EvaluationSettings(**vars(options))


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main(_arguments())
    except UserError as error:
        sys.exit(f"{error}: {error.fix}")
