"""Denoising the views of a canvas together: the sampler, its network, its maps, its fallbacks.

Knows canvases, models and what a job asks for; what a canvas is made of it doesn't know.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import memory
from .canvas.canvas import Closer, Pass, Seen, Start
from .canvas.finished import FinishedViews
from .canvas.rows import PromptRows, links, means
from .canvas.trajectories import TrajectoryCanvas
from .denoise.estimates import Estimating, channels_of
from .denoise.levels import Schedule
from .errors import OutOfMemory
from .host import Clock, Host, Progress
from .models.accelerators import NONE
from .options.channels import Channel, columns, main_channel, painted
from .painter import Autoencoder, Painter, controls_of, network_of
from .sync import backgrounds
from .sync.methods import AGGREGATES
from .sync.sampler import Present, Step, Sync, initial_noise, sample
from .sync.spaces import Averaging, DecodedRoundtrip, Space

Floats = NDArray[np.float32]
Watch = Callable[[Step], None]


def unwatched(step: Step) -> None:
    pass


def generate(canvas: Pass, painter: Painter, watch: Watch = unwatched) -> Floats:
    """The synchronised views, (N, H, W, K) float32 in [0, 1]; ``watch`` is told of every step.

    When memory runs out all begins again with what takes less of it, down the ladder (models/ladder.py); at
    its foot it raises OutOfMemory.
    """
    pictures = _lowering(
        canvas, painter, lambda: _with_estimates(canvas, painter, _denoise(canvas, painter, watch))
    )
    return np.ascontiguousarray(pictures.permute(0, 2, 3, 1).cpu().numpy(), np.float32)


def _lowering(canvas: Pass, painter: Painter, paint: Callable[[], Tensor]) -> Tensor:
    """What ``paint`` gives, which begins again, with what takes less memory, as often as that runs out."""
    while True:
        try:
            return paint()
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
        if not painter.denoiser.household.step_down():
            lower = " or ".join(f"{{{name}}}" for name in canvas.lighter)
            fix = f"lower {lower}, use a smaller model, or close other programs"
            what = "memory ran out, even with one view at a time"
            raise OutOfMemory(what, fix, **dict.fromkeys(canvas.lighter))


def closer(canvas: Pass, pictures: Floats, painter: Painter) -> tuple[Pass, Floats]:
    """The last of the passes that carry a ``canvas`` on from nearer, and its finished views; the canvas and
    its ``pictures`` themselves where there are none. Arguments, results and errors as of :func:`generate`."""
    last = canvas
    while (then := _next(last, pictures, painter)) is not None:
        settings = replace(painter.settings, strength=then.strength)
        host = replace(painter.host, progress=_as_detail(then, painter.host))
        last, pictures = then, generate(then, replace(painter, settings=settings, host=host))
    return last, pictures


def _next(last: Pass, pictures: Floats, painter: Painter) -> Closer | None:
    with painter.clock.part("bake"):
        return last.closer(pictures)


def _as_detail(one: Closer, host: Host) -> Progress:
    """Tells ``host`` of the painting of ``one`` as a part of the stage of all passes from nearer."""

    def progress(stage: str, i: int, n: int, eta_s: float | None) -> None:
        if stage == "denoise":
            stage, i, n = "detail", one.number * n + i, one.count * n
        host.progress(stage, i, n, eta_s)

    return progress


def _denoise(canvas: Seen, painter: Painter, watch: Watch) -> Tensor:
    """The finished views of ``canvas``, (N, K, H, W) in [0, 1]."""
    settings, host, autoencoder = painter.settings, painter.host, painter.autoencoder()
    seen, count = _seen(canvas, painter), len(canvas.views)
    schedule = _schedule(canvas, painter)
    with painter.clock.part("geometry"):
        sync, start = _sync(seen, painter), seen.start()
    present = None if start is None else _present(start, autoencoder, painter)
    generator = torch.Generator().manual_seed(settings.seed)
    behind = _around_known(_backgrounds(seen, painter, schedule, generator), present)
    x = initial_noise(sync.space, behind(0), generator)
    network, pace = network_of(seen, painter, schedule), _Pace()
    host.progress(painter.stage, 0, settings.steps_run, None)
    with _attention(seen, painter):
        for step in sample(network, schedule, sync, x, behind, generator, present):
            x = step.x
            host.progress(painter.stage, step.i + 1, step.n, pace.left_after(step))
            watch(replace(step, x=x[:count], x0=step.x0[:count]))
    return autoencoder.decode(x[:count]).clamp(0, 1)


def _seen(canvas: Seen, painter: Painter) -> Seen:
    """What is denoised: SyncSDE has trajectories of its own for prompts that meet in a view, behind those
    that are the views."""
    several = any(len(view.prompts) > 1 for view in canvas.views)
    return TrajectoryCanvas.build(canvas) if several and painter.method.inverse_lambda else canvas


def _with_estimates(canvas: Pass, painter: Painter, pictures: Tensor) -> Tensor:
    """``pictures`` (N, 3, H, W) with what the canvas wants to be told of them behind, (N, K, H, W); without
    their light where that is asked for."""
    base, told = main_channel(), painter.settings.estimated
    wanted = [one for one in painted(canvas.channels, told) if one not in painter.denoiser.channels]
    asked = {*wanted, *([base] if painter.settings.delight else [])}
    found: dict[Channel, Tensor] = {}
    for estimator in painter.estimators:
        if (asked - found.keys()) & estimator.told.keys():
            found = {**_estimated(canvas, painter, estimator, pictures), **found}
    if not found.keys() >= set(wanted):
        found = {**_by_its_own(canvas, painter, pictures), **found}
    shown = found[base] if painter.settings.delight else pictures
    return torch.cat([shown, *(found[one] for one in wanted)], dim=1)


def _estimated(
    canvas: Pass, painter: Painter, estimator: Estimating, pictures: Tensor
) -> dict[Channel, Tensor]:
    """What ``estimator`` tells of the finished ``pictures``, synchronised as those were."""
    finished = FinishedViews(canvas, pictures.cpu().numpy())
    settings, host = painter.settings, painter.host
    space = "rgb" if estimator.turns and settings.method != "independent" else settings.sync_space
    alone = replace(
        settings,
        sync_space=space,
        method="independent" if settings.method == "independent" else "synctweedies",
        steps=estimator.files.steps,
        guidance=1.0,
        accelerator=NONE,
        strength=1.0,
        attention="off",
    )
    own = Painter(estimator, alone, Clock(), host, stage="estimate")
    with painter.clock.part("estimate"):
        estimator.begin([view.axes for view in canvas.views])
        try:
            told = _lowering(canvas, own, lambda: _denoise(finished, own, unwatched))
        finally:
            estimator.end()
    return channels_of(told, estimator.told)


def _by_its_own(canvas: Pass, painter: Painter, pictures: Tensor) -> dict[Channel, Tensor]:
    """What the model itself tells of the ``pictures`` that it painted."""
    denoiser, host = painter.denoiser, painter.host
    rows = PromptRows.build(canvas.views, 1)
    shown = controls_of(canvas, rows, denoiser.device)
    text = denoiser.embed([one.positive for view in canvas.views for one in view.prompts], host.check)
    with painter.clock.part("estimate"):
        values = rows.merged(denoiser.estimate(rows.of(pictures), shown, text, host.check))
    return {channel: values[:, own] for channel, own in columns(denoiser.estimated).items()}


def _present(start: Start, autoencoder: Autoencoder, painter: Painter) -> Present:
    clean = autoencoder.encode(torch.from_numpy(start.pictures))
    if start.known is None:
        return Present(clean)
    known = torch.from_numpy(means(start.known, painter.denoiser.downscale)[:, None])
    return Present(clean, known.to(painter.home))


def _schedule(canvas: Seen, painter: Painter) -> Schedule:
    """The levels that are visited, for views of the canvas's size."""
    settings, scale, view = painter.settings, painter.denoiser.downscale, canvas.views[0]
    latents = (view.height // scale) * (view.width // scale)
    whole = painter.denoiser.schedule(settings.steps, latents, settings.accelerator)
    return whole.started(settings.strength)


def _sync(canvas: Seen, painter: Painter) -> Sync:
    """f and g for the latents, and for RGB pictures where that is where x0 is averaged."""
    settings, steady = painter.settings, painter.settings.aggregate != "mean"
    latent, fg0, rough = _space(canvas, painter, painter.denoiser.downscale), None, None
    if settings.sync_space == "rgb":
        quick = painter.autoencoder(quick=True)
        fg0 = DecodedRoundtrip(_space(canvas, painter, 1), quick.difference, quick.decode)
        rough = replace(fg0, decode=quick.decode_roughly)
    share, fading, order = settings.share, settings.fading, settings.order
    return Sync(settings.method, latent, fg0, rough, share, fading, steady=steady, order=order)


def _space(canvas: Seen, painter: Painter, scale: int) -> Space:
    painter.host.check()
    method, aggregate = painter.method, painter.settings.aggregate
    ramped = method.ramped and aggregate == "mean"
    averaging = Averaging(AGGREGATES[aggregate], reweighted=ramped, earlier=method.inverse_lambda > 0)
    return painter.clock.timed("sync", canvas.space(scale, averaging, painter.home))


def _backgrounds(
    canvas: Seen, painter: Painter, schedule: Schedule, generator: torch.Generator
) -> Callable[[int], Tensor]:
    """The clean latents (N, C, h, w) behind what is painted at a step; methods that denoise views have their
    own."""
    denoiser, count = painter.denoiser, len(canvas.views)
    height, width = canvas.views[0].height, canvas.views[0].width
    if not painter.method.canonical:
        size = height // denoiser.downscale, width // denoiser.downscale
        nothing = torch.zeros(count, denoiser.latent_channels, *size, device=painter.home)
        return lambda i: nothing
    colourful = painter.settings.background == "colours"
    colours = painter.autoencoder().encode(backgrounds.pictures(height, width, colourful))
    chosen = backgrounds.choices(schedule, count, colourful, generator).to(painter.home)
    return lambda i: colours[chosen[i]]


def _around_known(behind: Callable[[int], Tensor], present: Present | None) -> Callable[[int], Tensor]:
    """What lies ``behind`` what is painted at a step, with what is known beside it."""
    if present is None or present.known is None:
        return behind
    clean, known = present.clean, present.known
    return lambda i: torch.lerp(behind(i), clean, known)


def _attention(canvas: Seen, painter: Painter) -> AbstractContextManager[None]:
    """Inside, views attend to those beside them where the settings say so, and to references."""
    if painter.settings.attention == "off":
        return painter.denoiser.attending()
    scale = painter.denoiser.downscale
    rows = PromptRows.build(canvas.views, scale)
    return painter.denoiser.attending(rows.links(links(canvas.views, canvas.order[0], scale)))


class _Pace:
    """How long painting will take, by how long its steps took."""

    def __init__(self) -> None:
        self._ended = [time.perf_counter()]

    def left_after(self, step: Step) -> float:
        """Seconds, when ``step`` has just ended. The first one, which sets things up and which may be shown
        at leisure, counts only while there is no other."""
        self._ended.append(time.perf_counter())
        start = min(1, len(self._ended) - 2)
        mean = (self._ended[-1] - self._ended[start]) / (len(self._ended) - 1 - start)
        return mean * (step.n - step.i - 1)
