"""The story of a job, whatever its canvas: load, canvas, denoise and synchronise, finish, measure, export."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

from . import disk, memory
from . import settings as options
from .blend import Finish, unfinished
from .canvas import kinds, mesh, splats
from .canvas.canvas import Canvas, Prepare
from .denoise.denoiser import Denoiser
from .denoise.estimates import open_estimators
from .denoise.references import Reference
from .export import report, save
from .export.preview import LivePreview
from .generate import Watch, closer, generate, unwatched
from .host import Clock, Host
from .models import vocabulary
from .models.files import local
from .models.sources import completed, split
from .outputs import PREVIEWS, REPORT, Outputs
from .painter import Painter
from .pictures.read import flat
from .protocol import AnyRequest, ImageRequest, Request, Result, SplatsRequest
from .words import line

Model = Callable[[str, str, tuple[str, ...]], Denoiser]
CANVASES: Mapping[type, Prepare] = {
    Request: mesh.prepare,
    ImageRequest: kinds.prepare,
    SplatsRequest: splats.prepare,
}


def texture(
    request: AnyRequest,
    model: Model,
    host: Host,
    prepare: Prepare | None = None,
    finish: Finish = unfinished,
) -> Result:
    """Do one job; ``model(name, device, loras)`` gives the denoiser, ``prepare`` what is painted, if it isn't
    what CANVASES says for such a request, ``finish`` adds to its files. Raises UserError and Cancelled."""
    clock = Clock()
    clock.seconds["load"] = time.perf_counter() - host.start  # the imports
    options.check(request)
    outputs = Outputs.of(request)
    save.writable_folder(outputs.folder)
    prepared = (prepare or CANVASES[type(request)])(request, host, clock)
    outputs.check(prepared.files)
    painter = _painter(request, model, host, clock)
    with clock.part("geometry"):
        canvas = prepared.canvas(painter.settings, painter.denoiser)
    outputs.check(canvas.files)
    disk.require(outputs.folder, canvas.room, "out")
    warnings = [*map(line, [*prepared.warnings, *_unread(request, painter), *canvas.warnings])]
    with _watch(request, canvas, painter, outputs) as watch:
        pictures = generate(canvas, painter, watch)
        last, pictures = closer(canvas, pictures, painter)
    for painting in (painter.denoiser, *painter.estimators):
        warnings += map(line, painting.household.note)
    with clock.part("bake"):
        host.progress("bake", 0, 1, None)
        painted = last.finish(pictures)
    warnings += map(line, painted.warnings)
    with clock.part("measure"):
        host.progress("measure", 0, 1, None)
        found = canvas.report(warnings) | painted.measure()
    with save.staged(outputs, canvas.room) as stage:
        with clock.part("save"):
            host.progress("save", 0, 1, None)
            result = finish(painted.write(stage), stage)
            host.check()
        clock.seconds["total"] = time.perf_counter() - host.start
        values = report.values(request, painter.settings, painter.denoiser, found, clock.seconds)
        files = report.files(outputs, (file.name for file in stage.iterdir()))
        save.report({**values, **files}, stage / REPORT)
    return replace(result, warnings=[*warnings, *result.warnings, *_left(outputs, files["earlier_files"])])


def _left(outputs: Outputs, names: list[str]) -> list[str]:
    """A note where an earlier run had written more."""
    said = "the folder still has files of an earlier run, which this one didn't write"
    return [line(f"{said}: {', '.join(names)}")] if names else []


def _painter(request: AnyRequest, model: Model, host: Host, clock: Clock) -> Painter:
    with clock.part("load"):
        references = [
            Reference(flat(local(path)), weight) for path, weight in options.asked_references(request)
        ]
        host.check()
        host.progress("model", 0, 1, None)
        controls = options.asked_controls(request)
        name = completed(request.model, [one.source for one in controls if one.source])
        denoiser = model(name, request.device, request.lora)
        denoiser.steer_with(controls, host.check)
        denoiser.refer_to(references, request.ip_adapter, host.check)
        asked = request.estimator if isinstance(request, Request) else ()
        estimators = open_estimators(asked, denoiser, host.check)
    clock.settle = memory.settler(denoiser.device)
    told = [channel for estimator in estimators for channel in estimator.told]
    settings = options.resolve(request, denoiser.preset, told)
    return Painter(denoiser, settings, clock, host, estimators)


def _watch(
    request: AnyRequest, canvas: Canvas, painter: Painter, outputs: Outputs
) -> AbstractContextManager[Watch]:
    """Shows the steps, where the request wants that. Raises UserError where its files may not be written."""
    if not request.preview:
        return nullcontext(unwatched)
    preview = canvas.preview()
    outputs.check([PREVIEWS, *preview.files])
    return LivePreview(outputs.folder, preview, painter.denoiser.decode_linear, painter.host, painter.clock)


def _unread(request: AnyRequest, painter: Painter) -> list[str]:
    """Warnings when something isn't done as it was asked for, or by what nobody asked for, when the prompt is
    longer than the model reads, and when it has words that the model says it doesn't know."""
    denoiser = painter.denoiser
    prefix, prompts = painter.settings.prefix, request.prompts
    rests = denoiser.embed([prefix + prompt.strip() for prompt in prompts], painter.host.check).truncated
    limit = "the model reads no further than its token limit; left out of the prompt"
    cut = [f"{limit}: {rest!r}" for rest in rests if rest]
    base, _ = split(request.model)
    path = Path(base).expanduser()
    name = path.resolve().name if path.exists() else base
    left = options.notes(request, painter.settings)
    if denoiser.borrowed:
        left.append(f"the model has no ControlNet of its own: {denoiser.borrowed} is used")
    left += [note for estimator in painter.estimators for note in estimator.note]
    return left + cut + vocabulary.note(name, denoiser.vocabulary, " ".join(prompts))
