"""Training samples: a view from the pool, painted with a random look, over mid-grey.

A sample depends on (seed, its index) alone, so any stretch of the data can be made again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.captions import Look, caption, random_look
from training.fields import Fields
from training.pool import FINE, SIZE, Pool, View
from training.surface import Surface

GREY = 0.5


@dataclass(frozen=True)
class Batch:
    """``pictures`` (N, 3, SIZE, SIZE) in [0, 1]; ``depth`` (N, SIZE, SIZE) uint8, the engine's depth picture;
    ``mask`` (N, 1, SIZE, SIZE), the object's share of each pixel."""

    pictures: Tensor
    depth: Tensor
    mask: Tensor
    captions: list[str]


def make_sample(
    pool: Pool, fields: Fields, seed: int, index: int, look: Look | None = None
) -> tuple[Tensor, ...]:
    """(picture, depth, mask, caption) number ``index`` of the endless series ``seed``; shapes as in Batch."""
    rng = np.random.default_rng([seed, index])
    view = pool[int(rng.integers(len(pool)))]
    look = look or random_look(rng)
    picture, mask = draw(view, look, fields, rng)
    depth = torch.from_numpy(view.depth)
    if rng.random() < 0.5:  # a mirrored object is an object; the anchored lattices are symmetric too
        picture, depth, mask = picture.flip(-1), depth.flip(-1), mask.flip(-1)
    return picture, depth, mask, caption(look, rng, view.azimuth, view.elevation)  # type: ignore[return-value]


def draw(view: View, look: Look, fields: Fields, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The albedo picture (3, SIZE, SIZE) and the mask (1, SIZE, SIZE)."""
    points, normals = torch.from_numpy(view.points), torch.from_numpy(view.normals)
    albedo = look.paint(Surface(points, normals, fields, rng))
    if rng.random() < 0.3:  # the faintest shading, so that depth still says something about plain colours
        facing = (normals @ torch.from_numpy(-view.camera.axes[2])).clamp(min=0)
        albedo = albedo * (0.94 + 0.06 * facing)[:, None]
    background = GREY if rng.random() < 0.95 else rng.random(3).astype(np.float32)
    inside = torch.from_numpy(view.mask)
    picture = torch.empty(FINE, FINE, 3)
    picture[:] = torch.as_tensor(background, dtype=torch.float32)
    picture[inside] = albedo
    shrink = FINE // SIZE
    return F.avg_pool2d(picture.permute(2, 0, 1), shrink), F.avg_pool2d(inside[None].float(), shrink)


def make_batch(pool: Pool, fields: Fields, seed: int, start: int, count: int) -> Batch:
    """Samples ``start`` to ``start + count`` of the series ``seed``."""
    pictures, depth, mask, captions = zip(
        *(make_sample(pool, fields, seed, start + i) for i in range(count)), strict=True
    )
    return Batch(torch.stack(pictures), torch.stack(depth), torch.stack(mask), list(captions))  # type: ignore[arg-type]
