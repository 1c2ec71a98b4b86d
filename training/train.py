"""Train the starter model: ``python -m training.train``. Interrupted, the same command goes on.

Stages, each kept in the run's folder: noise volumes, geometry pool, tokenizer, autoencoders, diffusion, the
small decoder again.
"""

from __future__ import annotations

import argparse
import copy
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderDC, AutoencoderKL
from torch import nn
from transformers import CLIPTokenizer

from engine.denoise.denoiser import load_denoiser
from training import autoencoder, diffusion, export, networks, refinement, sheet, small_autoencoder
from training.buffer import Buffer
from training.captions import caption, every_phrase, random_look
from training.data import make_batch
from training.fields import Fields
from training.optim import Optimizer, checkpoint, cosine, resume
from training.pool import Pool
from training.pool import build as build_pool
from training.regression import Log, Regression
from training.stages import PLANS, Stage, stage_at
from training.tokenizer import write_tokenizer


@dataclass(frozen=True)
class TrainingSettings:
    """A run. ``hours`` is wall-clock time of the diffusion stage, over all resumptions."""

    run: Path = Path("training/runs/starter")
    hours: float = 1.0
    seed: int = 1
    threads: int = 2  # on the CPU; a GPU is fed by one
    device: str = "cuda" if torch.cuda.is_available() else "cpu"
    rate: float = 1e-3
    average: float = 0.998
    fresh: int = 4  # new samples a step; the rest of the batch is drawn from the buffer
    start: int = 512  # samples in the buffer before the first step
    capacity: int = 8_000
    save_minutes: float = 5.0
    begin_with: str = (
        ""  # a model's folder that training made, instead of random weights and new autoencoders
    )
    plan: str = "all"  # of training.stages.PLANS: what is seen when
    shapes: int = 800
    views: int = 4
    close_ups: float = 0.25  # share of the views
    autoencoder_pictures: int = 1500
    autoencoder_steps: int = 900
    arch: networks.Architecture = field(default_factory=networks.Architecture)


@dataclass(frozen=True)
class Prepared:
    """What the diffusion stage stands on."""

    fields: Fields
    pool: Pool
    held_out: Pool
    tokenizer: CLIPTokenizer
    vae: AutoencoderKL
    small: AutoencoderDC


def main(settings: TrainingSettings) -> None:
    torch.set_num_threads(1)
    torch.backends.cuda.enable_flash_sdp(False)  # on the CPU too: plain attention is faster for small heads
    settings.run.mkdir(parents=True, exist_ok=True)
    log = logger(settings.run / "log.txt")
    prepared = prepare(settings, log)
    train_diffusion(settings, prepared, log)
    refine_decoder(settings, prepared, log)
    sheet.draw(settings.run / "model", prepared.held_out, settings.run / "sheet.png")


def prepare(settings: TrainingSettings, log: Log) -> Prepared:
    """Every stage before diffusion; finished ones are only read."""
    run = settings.run
    fields = Fields.cached(run / "fields.npz").to(settings.device)
    shapes = build_pool(
        run / "pool", settings.shapes, settings.views, 1, settings.threads, settings.close_ups
    )
    held_out = build_pool(
        run / "held_out", max(settings.shapes // 30, 2), 3, seed=2, workers=settings.threads
    )
    if settings.begin_with:
        _take_over(Path(settings.begin_with), run)
    if not (run / "tokenizer" / "merges.txt").exists():
        write_tokenizer(run / "tokenizer", _captions(2000))
    tokenizer = CLIPTokenizer.from_pretrained(run / "tokenizer")
    vae, small = _autoencoders(settings, fields, shapes, held_out, log)
    return Prepared(fields, shapes, held_out, tokenizer, vae, small)


def _take_over(model: Path, run: Path) -> None:
    """What a run needs of ``model`` beside its networks, unless the run has it."""
    for source, name in (
        ("tokenizer", "tokenizer"),
        ("vae", "autoencoder"),
        ("tiny_autoencoder", "small_autoencoder"),
    ):
        if not (run / name).exists():
            shutil.copytree(model / source, run / name)


def _autoencoders(
    settings: TrainingSettings, fields: Fields, shapes: Pool, held_out: Pool, log: Log
) -> tuple[AutoencoderKL, AutoencoderDC]:
    """The large one and the small one, trained where the run has none yet."""
    large, small = settings.run / "autoencoder", settings.run / "small_autoencoder"
    if missing := [path for path in (large, small) if not (path / "config.json").exists()]:
        data = make_batch(shapes, fields, settings.seed, 0, settings.autoencoder_pictures)
        check = make_batch(held_out, fields, settings.seed + 1, 0, min(64, settings.autoencoder_pictures))
    steps, seed, threads = settings.autoencoder_steps, settings.seed, settings.threads
    if large in missing:
        vae = autoencoder.train(data, steps, seed, threads, log)
        log(f"autoencoder: {autoencoder.psnr(vae, check):.2f} dB on held-out shapes")
        vae.save_pretrained(large)
    vae = AutoencoderKL.from_pretrained(large, torch_dtype=torch.float32)
    vae = vae.to(settings.device).eval().requires_grad_(False)
    if small in missing:
        found = small_autoencoder.train(vae, data, steps, seed, threads, log)
        log(f"small autoencoder: {autoencoder.psnr(found, check):.2f} dB on held-out shapes")
        found.save_pretrained(small)
    found = AutoencoderDC.from_pretrained(small, torch_dtype=torch.float32)
    return vae, found.eval().requires_grad_(False)


def _captions(count: int) -> list[str]:
    rng = np.random.default_rng(0)
    views = rng.uniform(-90, 90, (count, 2))
    return every_phrase() + [caption(random_look(rng), rng, 2 * a, e) for a, e in views]


def train_diffusion(settings: TrainingSettings, prepared: Prepared, log: Log) -> None:
    """Train until ``settings.hours`` are spent, with checkpoints and exports on the way."""
    nets, stages = _begun(settings, prepared), PLANS[settings.plan]
    size = sum(
        p.numel() for network in [*nets.all, prepared.vae, prepared.small] for p in network.parameters()
    )
    log(f"{size / 1e6:.2f} M parameters, {2 * size / 1e6:.1f} MB in float16")
    optimizer = Optimizer(nets.all, settings.average, decay=1e-3)
    spent, samples = resume(settings.run / "checkpoint", optimizer)
    total = settings.hours * 3600
    stage = stage_at(stages, spent / total)
    embedding = nets.controlnet.controlnet_cond_embedding
    buffer = _buffer(settings, prepared, embedding, samples, stage)
    began = saved = time.monotonic()
    recent: list[torch.Tensor] = []

    def elapsed() -> float:
        return spent + time.monotonic() - began

    def save() -> None:
        checkpoint(settings.run / "checkpoint", optimizer, elapsed(), buffer.next)
        publish(settings.run, optimizer, nets, prepared)

    workers = settings.threads + 1  # one paints
    with ThreadPoolExecutor(workers, initializer=lambda: torch.set_num_threads(1)) as threads:
        empty, alphas = networks.tokens(prepared.tokenizer, [""])[0], networks.scheduler().alphas_cumprod
        empty, alphas = empty.to(settings.device), alphas.to(settings.device)
        step = TrainStep(settings, nets, optimizer, threads, empty, alphas)
        while elapsed() < total:
            before, stage = stage, stage_at(stages, elapsed() / total)
            if stage is not before:
                log(f"step {optimizer.steps}: {stage.name}")
                recent = []
            if stage.looks is not before.looks:
                buffer = _buffer(settings, prepared, embedding, buffer.next, stage)
            rate = cosine(elapsed() / total, optimizer.steps, settings.rate, warm_up=150)
            recent.append(step.run(stage, buffer, rate))
            if len(recent) == 100:
                log(report(recent, optimizer.steps, elapsed()))
                recent = []
            if time.monotonic() - saved > 60 * settings.save_minutes:
                save()
                saved = time.monotonic()
    save()
    log(f"done: {optimizer.steps} steps in {elapsed() / 3600:.2f} hours")


def _begun(settings: TrainingSettings, prepared: Prepared) -> networks.Networks:
    """The networks before the first step."""
    if not settings.begin_with:
        nets = networks.build(prepared.tokenizer, settings.arch, settings.seed)
        return nets.to(settings.device)
    nets = networks.load(Path(settings.begin_with))
    nets.text.requires_grad_(False)  # the estimator of materials reads it, too
    nets.text.exact = True
    return nets.to(settings.device)


def _buffer(
    settings: TrainingSettings, prepared: Prepared, embedding: nn.Module, first: int, stage: Stage
) -> Buffer:
    buffer = Buffer(
        prepared.pool,
        prepared.fields,
        prepared.vae,
        embedding,
        prepared.tokenizer,
        settings.capacity,
        settings.seed,
        first,
        stage.looks,
    )
    for _ in range(settings.start // 64):
        buffer.extend(64)
    return buffer


def refine_decoder(settings: TrainingSettings, prepared: Prepared, log: Log) -> None:
    """Teach the small decoder what the run's model makes, and export it again."""
    folder, model = settings.run / "refined_autoencoder", settings.run / "model"
    if not (folder / "config.json").exists():
        network = copy.deepcopy(prepared.small).to(settings.device)
        unseen = settings.seed + 2  # by any other stage
        data = partial(make_batch, prepared.pool, prepared.fields, unseen)
        count = settings.autoencoder_pictures
        denoiser = load_denoiser(str(model), settings.device, lambda: None)
        samples = refinement.made(denoiser, data, max(count // 6, 1), settings.seed, log)
        plan = Regression(settings.autoencoder_steps, settings.seed, settings.threads, rate=5e-4, warm_up=50)
        refinement.refine(network, data(count, count), samples, plan, log)
        network.save_pretrained(folder)
    export.save_small(model, AutoencoderDC.from_pretrained(folder))


@dataclass(frozen=True)
class TrainStep:
    """One update, its batch split over ``threads``."""

    settings: TrainingSettings
    nets: networks.Networks
    optimizer: Optimizer
    threads: ThreadPoolExecutor
    empty: torch.Tensor  # tokens of the empty prompt
    alphas: torch.Tensor  # cumulative products, one for each time

    def run(self, stage: Stage, buffer: Buffer, rate: float) -> torch.Tensor:
        """Update at this learning rate; returns the mean losses in order of noise."""
        painting = self.threads.submit(buffer.extend, self.settings.fresh)
        parts = [self._part(stage, buffer, part) for part in range(self.settings.threads)]
        found, gradients = self.optimizer.together(self.threads, parts)
        painting.result()
        self.optimizer.step(gradients, rate)
        return torch.stack(found).mean(0)

    def _part(self, stage: Stage, buffer: Buffer, part: int) -> Callable[[], torch.Tensor]:
        seed = (self.settings.seed * 1_000_003 + self.optimizer.steps) * self.settings.threads + part
        generator = torch.Generator().manual_seed(seed)
        draw = buffer.draw(stage.batch // self.settings.threads, generator, stage.crop)
        return lambda: diffusion.losses(self.nets, draw, self.empty, self.alphas, generator, stage.layout)


def publish(run: Path, optimizer: Optimizer, nets: networks.Networks, prepared: Prepared) -> None:
    """Export the averaged weights to ``run``/model."""
    with optimizer.averaged():
        copied = networks.finished(copy.deepcopy(nets).to("cpu"))
    vae = copy.deepcopy(prepared.vae).to("cpu")
    small = copy.deepcopy(prepared.small).to("cpu")
    export.save(run / "model", copied, vae, small, prepared.tokenizer, run / "tokenizer")


def report(recent: list[torch.Tensor], steps: int, elapsed: float) -> str:
    by_noise = torch.stack(recent).mean(0).view(4, -1).mean(1)
    quarters = " ".join(f"{float(quarter):.3f}" for quarter in by_noise)
    return f"step {steps} at {elapsed:.0f} s: loss {float(by_noise.mean()):.4f}, by noise {quarters}"


def logger(path: Path) -> Log:
    def log(text: str) -> None:
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        with path.open("a") as file:
            file.write(line + "\n")

    return log


def _arguments() -> TrainingSettings:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name in (
        "run",
        "hours",
        "seed",
        "threads",
        "device",
        "rate",
        "fresh",
        "save_minutes",
        "begin_with",
        "plan",
    ):
        default = getattr(TrainingSettings, name)
        choices = tuple(PLANS) if name == "plan" else None
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default, choices=choices
        )
    return TrainingSettings(**vars(parser.parse_args()))


if __name__ == "__main__":
    main(_arguments())
