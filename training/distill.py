"""Guidance put into the weights: one pass of the network does what two did.

``python -m training.distill --hours 1``; interrupted, the same command goes on.

A student begins as the teacher and learns its guided estimate (Meng and others, On Distillation of Guided
Diffusion Models, 2023), for the one guidance that the model is used with. What it learns from is

    TRUST * conditional + (1 - TRUST) * picture + (guidance - 1) * (conditional - unconditional),

whose mean, given what the network sees, is the guided estimate of a teacher without errors. The picture in
place of the teacher's conditional estimate takes its errors out (Tang and others, Diffusion Models without
Classifier-free Guidance, 2025), the estimate keeps the noise of the target low.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from torch import Tensor
from transformers import CLIPTokenizer

from engine.models import sidecar
from training import networks
from training.buffer import Buffer, Draw
from training.captions import later_look
from training.diffusion import CONTROL_DROPOUT, TEXT_DROPOUT, noised_to, predict, weighted
from training.fields import Fields
from training.networks import FASTER, Networks
from training.optim import Optimizer, checkpoint, cosine, fastest, resume
from training.pool import build as build_pool
from training.train import TrainingSettings, logger, report

TRUST = 0.5
STEPS = (8, 10, 12, 16, 20, 30)  # numbers of them that a model is run with: their levels are what it sees
WINDOW, WINDOWS, VIEWS = 16, 32, 8  # latents of a window; how many of them, and of whole views, by turns


@dataclass(frozen=True)
class DistillationSettings:
    """A run. ``hours``: of wall-clock time, over all resumptions. ``guidance``: what is put into the weights;
    None: what the model is used with. ``fresh``: new samples a step."""

    model: Path = Path("engine/models/starter")
    run: Path = Path("training/runs/distilled")
    hours: float = 1.0
    guidance: float | None = None
    seed: int = 4
    threads: int = 1
    rate: float = 3e-4
    average: float = 0.997
    fresh: int = 2
    start: int = 512
    capacity: int = 4000
    save_minutes: float = 5.0
    shapes: int = 600
    views: int = 4


@dataclass(frozen=True)
class Lesson:
    """A teacher's, in the ``fastest`` precision and at rest; ``empty`` (T,): tokens of ''; ``alphas``:
    cumulative products."""

    teacher: Networks
    guidance: float
    empty: Tensor
    alphas: Tensor

    @classmethod
    def of(cls, model: Path, guidance: float) -> Lesson:
        """Of the pipeline folder ``model``."""
        teacher = networks.load(model)
        for network in teacher.all:
            network.to(fastest(torch.device("cpu"))).requires_grad_(False)
        tokenizer = CLIPTokenizer.from_pretrained(model / "tokenizer")
        empty, alphas = networks.tokens(tokenizer, [""])[0], networks.scheduler().alphas_cumprod
        return cls(teacher, guidance, empty, alphas)

    def losses(self, student: Networks, draw: Draw, generator: torch.Generator) -> Tensor:
        """(N,) weighted squared errors of the student's estimates, in order of noise."""
        count = len(draw.latents)
        step = noised_to(visited(count, generator), draw.latents, self.alphas, generator)
        named = torch.rand(count, 1, generator=generator) >= TEXT_DROPOUT
        ids = torch.where(named, draw.tokens, self.empty)
        precision = self.teacher.unet.dtype
        keep = (torch.rand(count, 1, 1, 1, generator=generator) >= CONTROL_DROPOUT).to(precision)
        x, code = (t.to(precision).contiguous(memory_format=FASTER) for t in (step.x, draw.control))
        without, known = self.estimates(x, step.times, ids, code, keep)
        more = (self.guidance - 1) * named[..., None, None]
        target = torch.lerp(draw.latents, known, TRUST) + more * (known - without)
        predicted = predict(student, x, step.times, ids, code, keep).float()
        return weighted(predicted - target, step, draw.weight)

    @torch.no_grad()
    def estimates(
        self, x: Tensor, times: Tensor, ids: Tensor, code: Tensor, keep: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The teacher's, without words and with them."""
        both = torch.cat([self.empty.expand_as(ids), ids])
        x, times, code, keep = (t.repeat(2, *[1] * (t.dim() - 1)) for t in (x, times, code, keep))
        without, known = predict(self.teacher, x, times, both, code, keep).float().chunk(2)
        return without, known


def visited(count: int, generator: torch.Generator) -> Tensor:
    """(count,) int64, the noisiest last: times that samplers with numbers of STEPS visit, all as often."""
    steps = torch.tensor(STEPS)[torch.randint(len(STEPS), (count,), generator=generator)]
    spread = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    number = (spread * steps).long() + 1  # trailing: the last one is pure noise
    return (1000 * number / steps).round().long() - 1


def main(settings: DistillationSettings) -> None:
    """Train until the hours are spent; ``run``/model is ready to use every few minutes."""
    torch.set_num_threads(1)
    torch.backends.cuda.enable_flash_sdp(False)  # as in train
    settings.run.mkdir(parents=True, exist_ok=True)
    log = logger(settings.run / "log.txt")
    student = networks.load(settings.model)
    guidance = settings.guidance or float(sidecar.read(settings.model)["guidance"])
    lesson = Lesson.of(settings.model, guidance)
    optimizer = Optimizer(student.all, settings.average, decay=1e-3)
    spent, samples = resume(settings.run / "checkpoint", optimizer)
    buffer = _buffer(settings, student, samples)
    began = saved = time.monotonic()
    recent: list[Tensor] = []
    with ThreadPoolExecutor(settings.threads, initializer=lambda: torch.set_num_threads(1)) as threads:
        while (elapsed := spent + time.monotonic() - began) < settings.hours * 3600:
            rate = cosine(elapsed / (settings.hours * 3600), optimizer.steps, settings.rate, warm_up=100)
            recent.append(_update(settings, lesson, student, optimizer, threads, buffer, rate))
            if len(recent) == 100:
                log(report(recent, optimizer.steps, elapsed))
                recent = []
            if time.monotonic() - saved > 60 * settings.save_minutes:
                saved = time.monotonic()
                _save(settings, optimizer, student, elapsed, buffer.next)
    _save(settings, optimizer, student, settings.hours * 3600, buffer.next)
    log(f"done: {optimizer.steps} steps")


def _buffer(settings: DistillationSettings, student: Networks, first: int) -> Buffer:
    fields = Fields.cached(settings.run / "fields.npz")
    pool = build_pool(
        settings.run / "pool",
        settings.shapes,
        settings.views,
        1,
        settings.threads,
        TrainingSettings.close_ups,
    )
    vae = AutoencoderKL.from_pretrained(settings.model / "vae", torch_dtype=torch.float32).eval()
    embedding = copy.deepcopy(student.controlnet.controlnet_cond_embedding).float()
    tokenizer = CLIPTokenizer.from_pretrained(settings.model / "tokenizer")
    found = Buffer(
        pool, fields, vae, embedding, tokenizer, settings.capacity, settings.seed, first, later_look
    )
    for _ in range(settings.start // 64):
        found.extend(64)
    return found


def _update(
    settings: DistillationSettings,
    lesson: Lesson,
    student: Networks,
    optimizer: Optimizer,
    threads: ThreadPoolExecutor,
    buffer: Buffer,
    rate: float,
) -> Tensor:
    """One step, of windows and of whole views by turns; returns 8 losses in order of noise."""
    buffer.extend(settings.fresh)
    count, crop = ((WINDOWS, WINDOW), (VIEWS, None))[optimizer.steps % 2]
    generator = torch.Generator().manual_seed(settings.seed * 1_000_003 + optimizer.steps)
    draw = buffer.draw(count, generator, crop)
    found, gradients = optimizer.together(threads, [partial(lesson.losses, student, draw, generator)])
    optimizer.step(gradients, rate)
    return found[0].view(8, -1).mean(1)


def _save(
    settings: DistillationSettings, optimizer: Optimizer, student: Networks, elapsed: float, samples: int
) -> None:
    """The checkpoint, and ``run``/model: the teacher's folder with the student's averaged weights."""
    checkpoint(settings.run / "checkpoint", optimizer, elapsed, samples)
    with optimizer.averaged():
        copied = networks.finished(copy.deepcopy(student))
    folder = settings.run / "model"
    shutil.copytree(settings.model, folder, dirs_exist_ok=True)
    for name, network in zip(("text_encoder", "unet", "controlnet"), copied.all, strict=True):
        network.half().save_pretrained(folder / name, safe_serialization=True)
    said = sidecar.read(settings.model) | {"guidance": 1.0}
    (folder / sidecar.FILE).write_text(json.dumps(said) + "\n")


def _arguments() -> DistillationSettings:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--guidance", type=float, help="default: the model's")
    for name in ("model", "run", "hours", "seed", "threads", "rate", "save_minutes"):
        default = getattr(DistillationSettings, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    return DistillationSettings(**vars(parser.parse_args()))


if __name__ == "__main__":
    main(_arguments())
