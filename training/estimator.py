"""Teach the starter's estimator of materials: ``python -m training.estimator``.

From a finished view it tells each pixel's roughness, metalness, height and glow, which the generator knows:
one pass of a small UNet over 4x4-pixel patches. It sees the picture, where its points lie on the object, how
far they are, and what the prompt says: gold and yellow plastic differ in words more than in colour. Half of
its pictures went through the model's autoencoder, since that is how it will meet them.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel, CLIPTokenizer

from engine.denoise.denoiser import Denoiser, load_denoiser
from training.captions import caption, random_look
from training.coat import CHANNELS
from training.data import depth, painted, pictured, position, shrunk
from training.fields import Fields
from training.networks import tokens
from training.optim import Optimizer, checkpoint, cosine, resume
from training.pool import SIZE, Pool
from training.pool import build as build_pool

PATCH = 4  # pixels along an edge of what the network takes as one
SEEN = 7  # numbers a pixel: colour, position, depth
WIDTHS = (48, 48, 64)  # 1.4 million weights: 2.9 MB in float16
CROP = 128  # pixels along an edge of a training picture
EDGES = 4.0  # weight of errors in how a channel changes from pixel to pixel
CODED = 0.5  # share of the pictures that went through the autoencoder
PLACELESS, DEPTHLESS = 0.1, 0.2  # shares of the samples without: pictures of no object have none


@dataclass(frozen=True)
class EstimatorSettings:
    """``hours`` is wall-clock time over all resumptions; ``capacity`` how many samples are kept at once.
    ``begin_with``: a trained estimator's folder, None for random weights. ``relief``: how many times as much
    an error in height is as one in the other channels."""

    run: Path = Path("training/runs/estimator")
    model: Path = Path("engine/models/starter")
    hours: float = 1.0
    seed: int = 11
    threads: int = 2
    rate: float = 1.5e-3
    batch: int = 8
    fresh: int = 1
    capacity: int = 1600
    shapes: int = 600
    views: int = 4
    save_minutes: float = 5.0
    begin_with: Path | None = None
    relief: float = 1.0


def network(text_width: int, seed: int = 0) -> UNet2DConditionModel:
    """The estimator with random weights."""
    torch.manual_seed(seed)
    return UNet2DConditionModel(
        sample_size=SIZE // PATCH,
        in_channels=SEEN * PATCH**2,
        out_channels=len(CHANNELS) * PATCH**2,
        block_out_channels=WIDTHS,
        down_block_types=("DownBlock2D",) * len(WIDTHS),
        up_block_types=("UpBlock2D",) * len(WIDTHS),
        mid_block_type="UNetMidBlock2DCrossAttn",
        layers_per_block=1,
        attention_head_dim=2,
        cross_attention_dim=text_width,
        norm_num_groups=8,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )


def estimate(unet: UNet2DConditionModel, seen: Tensor, text: Tensor) -> Tensor:
    """(N, 4, H, W), about [0, 1], of ``seen`` (N, SEEN, H, W) in [-1, 1] under the prompts' embeddings
    ``text`` (N, T, D)."""
    found = unet(F.pixel_unshuffle(seen, PATCH), 0, text).sample
    return F.pixel_shuffle(found, PATCH)


@dataclass(frozen=True)
class Samples:
    """``seen`` (N, SEEN, H, W) and ``truth`` (N, 4, H, W) uint8 of [0, 1]; ``mask`` (N, 1, H, W) uint8, 255
    where the object is; ``text`` (N, T, D) float16."""

    seen: Tensor
    truth: Tensor
    mask: Tensor
    text: Tensor


@dataclass
class Painter:
    """Paints samples of the endless series ``seed``."""

    pool: Pool
    fields: Fields
    denoiser: Denoiser
    text: CLIPTextModel
    tokenizer: CLIPTokenizer
    seed: int
    next: int = 0

    def make(self, count: int) -> Samples:
        found = [self._one(self.next + i) for i in range(count)]
        self.next += count
        pictures, places, truth, masks, captions, coded = map(list, zip(*found, strict=True))
        with torch.no_grad():
            text = self.text(tokens(self.tokenizer, captions))[0]
        shown = self._through_autoencoder(torch.stack(pictures), torch.tensor(coded))
        seen = torch.cat([shown, torch.stack(places)], 1)
        return Samples(_bytes(seen), _bytes(torch.stack(truth)), _bytes(torch.stack(masks)), text.half())

    def _one(self, index: int) -> tuple[Tensor, Tensor, Tensor, Tensor, str, bool]:
        rng = np.random.default_rng([self.seed, index])
        view = self.pool[int(rng.integers(len(self.pool)))].turned(45.0 * rng.integers(8))
        if rng.random() < 0.5:
            view = view.mirrored()
        look = random_look(rng)
        coat = painted(view, look, self.fields, rng)
        picture, mask = pictured(view, coat)
        truth = shrunk(view, coat.channels(), 0.0) / mask.clamp(min=0.25)
        places = torch.cat([position(view), depth(view)])
        places[:3] *= rng.random() >= PLACELESS
        places[3:] *= rng.random() >= DEPTHLESS
        words = caption(look, rng, view.azimuth, view.elevation)
        return picture, places, truth, mask, words, rng.random() < CODED

    def _through_autoencoder(self, pictures: Tensor, chosen: Tensor) -> Tensor:
        if chosen.any():
            with torch.no_grad():
                pictures[chosen] = self.denoiser.decode(self.denoiser.encode(pictures[chosen])).clamp(0, 1)
        return pictures


def _bytes(values: Tensor) -> Tensor:
    return (values.clamp(0, 1) * 255).round().to(torch.uint8)


class Buffer:
    """The last ``capacity`` samples, in memory."""

    def __init__(self, painter: Painter, capacity: int) -> None:
        self.painter, self.capacity, self.made = painter, capacity, 0
        self.kept: Samples | None = None

    def extend(self, count: int) -> None:
        """Paint ``count`` new samples over the oldest."""
        new = self.painter.make(count)
        if self.kept is None:
            self.kept = Samples(*(_room(values, self.capacity) for values in vars(new).values()))
        where = torch.arange(self.made, self.made + count) % self.capacity
        for name, values in vars(new).items():
            getattr(self.kept, name)[where] = values
        self.made += count

    def draw(self, count: int, generator: torch.Generator) -> Samples:
        """``count`` windows of CROP^2 pixels, each showing some of an object."""
        assert self.kept
        parts: list[Samples] = []
        while len(parts) < count:
            i = int(torch.randint(min(self.made, self.capacity), (), generator=generator))
            y, x = (PATCH * torch.randint((SIZE - CROP) // PATCH + 1, (2,), generator=generator)).tolist()
            window = (slice(i, i + 1), slice(None), slice(y, y + CROP), slice(x, x + CROP))
            kept = self.kept
            if (mask := kept.mask[window]).float().mean() > 0.1 * 255:
                parts.append(Samples(kept.seen[window], kept.truth[window], mask, kept.text[i : i + 1]))
        return Samples(*(torch.cat([getattr(part, name) for part in parts]) for name in vars(parts[0])))


def _room(values: Tensor, capacity: int) -> Tensor:
    return torch.zeros(capacity, *values.shape[1:], dtype=values.dtype)


def loss(unet: UNet2DConditionModel, samples: Samples, relief: float = 1.0) -> Tensor:
    """Mean squared error on the object, of the channels and of how they change from pixel to pixel; errors in
    height count ``relief`` times. By the absolute error a network learns medians first: no metal, no mortar,
    since most of the world is neither."""
    seen = samples.seen.float() / 127.5 - 1
    found = estimate(unet, seen.to(unet.dtype), samples.text.to(unet.dtype)).float()
    weight = torch.tensor([relief if name == "height" else 1.0 for name in CHANNELS])[:, None, None]
    error, mask = weight * (found - samples.truth.float() / 255), samples.mask.float() / 255
    across = (error.diff(dim=3) ** 2 * mask[..., 1:]).sum() + (
        error.diff(dim=2) ** 2 * mask[..., 1:, :]
    ).sum()
    return ((error**2 * mask).sum() + EDGES * across) / (mask.sum() * len(CHANNELS))


def main(settings: EstimatorSettings) -> None:
    """Train until ``settings.hours`` are spent; interrupted, the same command goes on."""
    torch.set_num_threads(1)
    settings.run.mkdir(parents=True, exist_ok=True)
    denoiser = load_denoiser(str(settings.model), "cpu", lambda: None)
    painter = _painter(settings, denoiser)
    unet = network(painter.text.config.hidden_size, settings.seed)
    if settings.begin_with:
        unet.load_state_dict(UNet2DConditionModel.from_pretrained(settings.begin_with).float().state_dict())
    print(f"{sum(p.numel() for p in unet.parameters()) / 1e6:.2f} M parameters", flush=True)
    unet.to(memory_format=torch.channels_last)
    optimizer = Optimizer([unet], average=0.998, decay=1e-3)
    spent, painter.next = resume(settings.run, optimizer)
    buffer = Buffer(painter, settings.capacity)
    for _ in range(settings.capacity // 32):
        buffer.extend(16)
    _train(settings, unet, optimizer, buffer, spent)


def _painter(settings: EstimatorSettings, denoiser: Denoiser) -> Painter:
    pool = build_pool(
        settings.run / "pool", settings.shapes, settings.views, seed=1, workers=settings.threads
    )
    fields = Fields.cached(settings.run / "fields.npz")
    text = CLIPTextModel.from_pretrained(settings.model / "text_encoder").float().eval()
    tokenizer = CLIPTokenizer.from_pretrained(settings.model / "tokenizer")
    return Painter(pool, fields, denoiser, text, tokenizer, settings.seed)


def _train(
    settings: EstimatorSettings,
    unet: UNet2DConditionModel,
    optimizer: Optimizer,
    buffer: Buffer,
    spent: float,
) -> None:
    began = saved = time.monotonic()
    total, recent = settings.hours * 3600, []
    with ThreadPoolExecutor(settings.threads + 1, initializer=lambda: torch.set_num_threads(1)) as threads:
        while (elapsed := spent + time.monotonic() - began) < total:
            painting = threads.submit(buffer.extend, settings.fresh)
            parts = [_part(settings, unet, optimizer.steps, buffer, k) for k in range(settings.threads)]
            losses, gradients = optimizer.together(threads, parts)
            painting.result()
            optimizer.step(gradients, cosine(elapsed / total, optimizer.steps, settings.rate, 100))
            recent.append(float(torch.stack(losses).mean()))
            if len(recent) == 100:
                print(f"step {optimizer.steps} at {elapsed:.0f} s: loss {np.mean(recent):.4f}", flush=True)
                recent = []
            if time.monotonic() - saved > 60 * settings.save_minutes:
                _save(settings.run, unet, optimizer, elapsed, buffer.painter.next)
                saved = time.monotonic()
    _save(settings.run, unet, optimizer, total, buffer.painter.next)


def _part(
    settings: EstimatorSettings, unet: UNet2DConditionModel, step: int, buffer: Buffer, part: int
) -> Callable[[], Tensor]:
    generator = torch.Generator().manual_seed((settings.seed * 1_000_003 + step) * settings.threads + part)
    samples = buffer.draw(settings.batch // settings.threads, generator)
    return lambda: loss(unet, samples, settings.relief)


def _save(run: Path, unet: UNet2DConditionModel, optimizer: Optimizer, elapsed: float, samples: int) -> None:
    """The checkpoint, and the averaged network in float16 as it is shipped."""
    checkpoint(run, optimizer, elapsed, samples)
    with optimizer.averaged():
        shipped = copy.deepcopy(unet)
    shipped.to(torch.float16).save_pretrained(run / "estimator", safe_serialization=True)


def _arguments() -> EstimatorSettings:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    for name in ("run", "model", "hours", "seed", "threads", "rate", "save_minutes", "relief"):
        default = getattr(EstimatorSettings, name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(default), default=default)
    parser.add_argument("--begin-with", type=Path, help="folder of a trained estimator (default: none)")
    return EstimatorSettings(**vars(parser.parse_args()))


if __name__ == "__main__":
    main(_arguments())
