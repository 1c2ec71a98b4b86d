"""How well a canonical variable tells what it wasn't made from: views that are held out of it."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ..sync.solved import LEAST, SolvedSpace
from ..sync.spaces import pixels_of
from .quality import decibels

FOLDS = 4  # parts of the views, each of which is held out once
KNOWN = 0.9  # of a pixel's splats: others weren't seen by any view that was left


def held_out_psnr(space: SolvedSpace, views: Tensor, counted: Tensor) -> float | None:
    """dB between ``views`` (N, C, h, w) and what the views without them make the ``space`` show there; None
    where nothing is shown by several of them. Of every FOLDS-th view at a time. counted: (N h w,) bool, the
    pixels that show the space rather than what is behind it."""
    pixels, count = pixels_of(views), len(views)
    view = torch.div(space.pixel, len(pixels) // count, rounding_mode="floor") % min(FOLDS, count)
    error, number = 0.0, 0
    for fold in range(min(FOLDS, count)):
        rest = replace(space, trust=space.trust * (view != fold)[:, None]).weighed()
        known = (rest.total > LEAST).float()
        share = space.matrix @ known
        shown = (space.matrix @ (rest.unproject(views) * known)) / share.clamp(min=LEAST)
        chosen = (view == fold) & counted[space.pixel] & (share > KNOWN * space.coverage)[:, 0]
        difference = shown[chosen].clamp(0, 1) - pixels[space.pixel][chosen]
        error += float((difference**2).sum())
        number += difference.numel()
    return decibels(error / number) if number else None
