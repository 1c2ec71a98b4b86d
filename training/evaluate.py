"""Judge a model on held-out prompts and shapes: ``python -m training.evaluate MODEL [--out DIR]``.

Two small classifiers, each trained once on pictures that the model's training never sees, look at single
views and at textured meshes. Beside each figure stands the same one measured on real pictures of the same
pairs: no model can be expected to do better. Writes evaluation.json and sheet.png.
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
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from engine.errors import UserError
from engine.views.cameras import Camera
from training.fields import Fields
from training.judge import channels, examples, pairs, scale, second, seeds, textures, told, views
from training.judge.channels import Errors
from training.judge.classifier import Classifier, judge
from training.judge.pairs import Pair
from training.judge.patches import PatchClassifier, Told
from training.judge.report import ScoreRow, SheetEntry, sheet, table
from training.judge.score import Seen, autoencoder_rows, group_rows, joined, single_rows, textured_rows
from training.pool import SIZE

AROUND = tuple(Camera(azimuth, 15.0) for azimuth in (22.5, 112.5, 202.5, 292.5))  # between the rig's cameras
TURNS = (*AROUND, Camera(67.5, 70.0), Camera(247.5, -70.0))  # and from above and below
HELD_OUT = 400  # real pictures that the distance of distributions is measured to
QUICK = 12  # pairs that --quick judges
QUICK_MESHES = 1
QUICK_FOLLOWED = 3, 3  # materials in words of scale, and pairs with other seeds, of --quick


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
    ``channels``: mean errors of what an estimator tells of a surface, by channel and material. ``second``:
    what the second judge takes single views for."""

    pairs: list[Pair]
    rows: list[ScoreRow]
    real: Seen
    single: Seen
    which: list[int]
    textured: Seen | None
    channels: Errors = field(default_factory=dict)
    second: Told | None = None


@dataclass(frozen=True)
class Bench:
    """What is judged and what judges: ``others`` are the first judge's features (N, D) of held-out real
    pictures; none for --quick, whose pictures are too few for a distance of distributions."""

    denoiser: Denoiser
    noise: Fields
    first: Classifier
    second: PatchClassifier
    others: Tensor

    @classmethod
    def of(cls, settings: EvaluationSettings) -> Bench:
        """The judges are trained first where need be."""
        noise = examples.fields(settings.judge)
        first = examples.classifier(settings.judge, noise, log)
        seconded = second.classifier(settings.judge, noise, log)
        others = torch.zeros(0)
        if not settings.quick:
            held_out = examples.held_out(settings.judge, noise, HELD_OUT)
            others = judge(first, held_out.pictures, held_out.mask).features
        denoiser = textures.load_model(settings.model, settings.device)
        return cls(denoiser, noise, first, seconded, others)


def log(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def evaluate(settings: EvaluationSettings) -> Results:
    """Everything that is measured."""
    listed = pairs.load()
    chosen = [listed[i] for i in _spread(len(listed), QUICK)] if settings.quick else listed
    bench = Bench.of(settings)
    reference = examples.of_pairs(chosen, bench.noise)
    sampling = settings.steps, settings.guidance, log
    generated = views.sized(views.generate(bench.denoiser, chosen, *sampling))
    real = Seen.of(bench.first, reference.pictures, reference)
    single = Seen.of(bench.first, generated, reference)
    tellings = [told.of(bench.second, seen, chosen) for seen in (single, real)]
    by_channel, by_material = channels.errors(bench.denoiser, chosen, bench.noise)
    rows = [
        *_single_rows(bench, chosen, single, real, tellings),
        *_followed_rows(settings, bench, chosen, single, real),
        *autoencoder_rows(bench.denoiser, reference),
        *by_channel,
    ]
    which = _spread(len(chosen), settings.meshes)
    if not which:
        return Results(chosen, rows, real, single, which, None, by_material, tellings[0])
    part = [chosen[i] for i in which]
    textured, painted = _textured(settings, bench, part)
    rows += textured_rows(textured, painted, bench.others, rows)
    seconds = [told.of(bench.second, seen, part) for seen in (textured, painted)]
    (held_to,) = (row for row in rows if row.name == told.SINGLE)
    rows += told.textured_rows(seconds[0], seconds[1], (textured, painted), held_to)
    return Results(chosen, rows, real, single, which, textured, by_material, tellings[0])


def _single_rows(
    bench: Bench, chosen: list[Pair], single: Seen, real: Seen, tellings: list[Told]
) -> list[ScoreRow]:
    """Of single views, by both judges; the first two are the first judge's shares."""
    numbered = list(enumerate(chosen))
    whole = [i for i, pair in numbered if not pair.is_close_up]
    close = [i for i, pair in numbered if pair.is_close_up]
    steep = [i for i, pair in numbered if pair.is_steep]
    return [
        *single_rows(single, real, bench.others, whole),
        *told.single_rows(tellings[0], tellings[1], (single, real), chosen),
        *group_rows(single, real, close, steep),
    ]


def _followed_rows(
    settings: EvaluationSettings, bench: Bench, chosen: list[Pair], single: Seen, real: Seen
) -> list[ScoreRow]:
    """Whether words of scale and seeds do what they should."""
    sampling = settings.steps, settings.guidance, log
    materials, variations = QUICK_FOLLOWED if settings.quick else (scale.COUNT, seeds.PAIRS)
    return [
        scale.scale_row(bench.denoiser, bench.noise, *sampling, materials),
        *seeds.seed_rows(bench.denoiser, chosen, single, real, bench.noise, *sampling, variations),
    ]


def _spread(count: int, wanted: int) -> list[int]:
    """``wanted`` indices, or all, evenly over ``count``."""
    return sorted({int(i) for i in np.linspace(0, count - 1, min(wanted, count)).round()})


def _textured(settings: EvaluationSettings, bench: Bench, chosen: list[Pair]) -> tuple[Seen, Seen]:
    """Pictures of the pairs' textured meshes from TURNS, and what the generator would paint there."""
    found, real = [], []
    for number, pair in enumerate(chosen):
        with tempfile.TemporaryDirectory() as folder:
            mesh = textures.write_mesh(pair.mesh, Path(folder) / "mesh.npz")
            textured = textures.make(
                bench.denoiser, mesh, pair.prompt, Path(folder), settings.steps, settings.guidance, pair.seed
            )
        found += [torch.from_numpy(textured.picture(camera, SIZE)).permute(2, 0, 1) for camera in TURNS]
        real += examples.turned(pair, TURNS, bench.noise)
        log(f"textured meshes: {number + 1} of {len(chosen)}")
    wanted = joined(real, [pair.material for pair in chosen], [pair.colour for pair in chosen])
    return Seen.of(bench.first, torch.stack(found), wanted), Seen.of(bench.first, wanted.pictures, wanted)


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
        taken: dict[str, object] = {
            "material": single.verdict.materials[i],
            "colour": single.verdict.colours[i],
        }
        if results.second:
            extras = sorted(results.second.extras[i])
            taken |= {"second judge": results.second.materials[i], "extras": extras}
        listed.append({**asdict(pair), "view": taken, "iou": overlaps[0][i], "iou_real": overlaps[1][i]})
    for place, index in enumerate(results.which if results.textured else []):
        assert results.textured
        part = slice(place * len(TURNS), (place + 1) * len(TURNS))
        verdict = results.textured.verdict
        listed[index]["mesh"] = {"material": verdict.materials[part], "colour": verdict.colours[part]}
    shown = {
        name: str(value) if isinstance(value, Path) else value for name, value in asdict(settings).items()
    }
    more = {"channels": results.channels} if results.channels else {}
    return {"settings": shown, "table": [row.as_dict() for row in results.rows], "pairs": listed, **more}


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
    parser.add_argument("--quick", action="store_true", help="twelve pairs, one mesh, ten steps")
    options = parser.parse_args()
    if options.quick:
        options.meshes, options.steps = min(options.meshes, QUICK_MESHES), options.steps or 10
    return EvaluationSettings(**vars(options))


if __name__ == "__main__":
    torch.set_num_threads(1)
    try:
        main(_arguments())
    except UserError as error:
        sys.exit(f"{error}: {error.fix}")
