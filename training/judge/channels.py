"""How well an estimator knows what held-out pictures are made of: mean errors against the generator."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from engine.denoise.denoiser import Denoiser
from engine.options.channels import columns
from training.coat import CHANNELS
from training.data import depth, pictured, position, shrunk
from training.fields import Fields
from training.judge.examples import coat_of
from training.judge.pairs import Pair
from training.judge.report import ScoreRow
from training.pool import render

Errors = Mapping[str, Mapping[str, float]]  # of each channel by material


def errors(denoiser: Denoiser, pairs: list[Pair], noise: Fields) -> tuple[list[ScoreRow], Errors]:
    """Of the pairs' real pictures, coded and decoded by the model's autoencoder as finished views are: a row
    for each channel, beside it what one value for all pictures would do; {} for a model without an
    estimator."""
    if not denoiser.estimated:
        return [], {}
    own = columns(denoiser.estimated)
    found: dict[str, list[tuple[str, Tensor, Tensor]]] = defaultdict(list)
    for pair in pairs:
        given, truth = _given_and_true(denoiser, pair, noise)
        for channel, part in own.items():
            found[channel.name].append((pair.material, given[:, part], truth[:, part]))
    rows = [_row(name, samples) for name, samples in found.items()]
    return rows, {name: _by_material(samples) for name, samples in found.items()}


@torch.no_grad()
def _given_and_true(denoiser: Denoiser, pair: Pair, noise: Fields) -> tuple[Tensor, Tensor]:
    """(n, 6) each, of the pixels that the object fills."""
    view = render(pair.mesh, pair.camera)
    coat = coat_of(view, pair, noise)
    picture, mask = pictured(view, coat)
    values = shrunk(view, coat.channels(), 0.0)
    glow = CHANNELS.index("glow")
    truth = torch.cat([values[:glow], values[glow:] * picture])
    inside = mask[0] > 0.99
    shown = denoiser.decode(denoiser.encode(picture[None])).clamp(0, 1).cpu()
    controls = {"position": position(view), "depth": depth(view)}
    places = {kind: one[None] for kind, one in controls.items()}
    text = denoiser.embed([denoiser.preset.prefix + pair.prompt])
    given = denoiser.estimate(shown, places, text)[0]
    return given[:, inside].T, truth[:, inside].T


def _row(name: str, samples: list[tuple[str, Tensor, Tensor]]) -> ScoreRow:
    each = [float((given - truth).abs().mean()) for _, given, truth in samples]
    middle = torch.cat([truth for *_, truth in samples]).median(0).values
    constant = np.mean([float((middle - truth).abs().mean()) for *_, truth in samples])
    error = float(np.std(each) / len(each) ** 0.5)
    return ScoreRow(f"{name}: mean error", float(np.mean(each)), "", len(each), float(constant), error=error)


def _by_material(samples: list[tuple[str, Tensor, Tensor]]) -> dict[str, float]:
    each: dict[str, list[float]] = defaultdict(list)
    for material, given, truth in samples:
        each[material].append(float((given - truth).abs().mean()))
    return {material: round(float(np.mean(values)), 4) for material, values in sorted(each.items())}
