"""Training samples: a view from the pool, painted with a random look, over mid-grey.

A sample depends on (seed, its index) alone, so any stretch of the data can be made again.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.controls import noise
from engine.controls.noise import FIELDS
from engine.views.cameras import DISTANCE, FOV
from training.captions import Look, caption, random_look
from training.coat import Coat
from training.fields import Fields
from training.pool import FINE, SIZE, Pool, View
from training.surface import Surface

GREY = 0.5
PIXEL = 2 * DISTANCE * math.tan(math.radians(FOV / 2)) / FINE  # of a view of the whole, in units

DEPTH_SHARE = 0.04  # of the samples show the depth picture instead of positions, so that either controls


@dataclass(frozen=True)
class TrainingBatch:
    """``pictures`` (N, 3, SIZE, SIZE) in [0, 1]; ``control`` (N, CONTROL, SIZE, SIZE) in [0, 1], the engine's
    position map and noise, or its depth picture; ``mask`` (N, 1, SIZE, SIZE), the object's share of each
    pixel."""

    pictures: Tensor
    control: Tensor
    mask: Tensor
    captions: list[str]


Sample = tuple[Tensor, Tensor, Tensor, str]


def make_sample(
    pool: Pool,
    fields: Fields,
    seed: int,
    index: int,
    choose: Callable[[np.random.Generator], Look] = random_look,
) -> Sample:
    """(picture, control, mask, caption) number ``index`` of the endless series ``seed``, of a look that
    ``choose`` draws; shapes as in TrainingBatch."""
    rng = np.random.default_rng([seed, index])
    view = pool[int(rng.integers(len(pool)))].turned(45.0 * rng.integers(8))
    if rng.random() < 0.5:  # a mirrored object is an object
        view = view.mirrored()
    look = choose(rng)
    picture, mask = draw(view, look, fields, rng)
    text = caption(look, rng, view.azimuth, view.elevation)
    return picture, control(view, rng.random() < DEPTH_SHARE), mask, text


def control(view: View, by_depth: bool) -> Tensor:
    """The control picture (CONTROL, SIZE, SIZE) in [0, 1]: positions and the noise there, or depth in three
    equal channels and no noise."""
    if by_depth:
        return torch.cat([depth(view).expand(3, SIZE, SIZE), torch.zeros(FIELDS, SIZE, SIZE)])
    return torch.cat([position(view), torch.from_numpy(noise.picture(view.seen, view.inside))])


def position(view: View) -> Tensor:
    """(3, SIZE, SIZE) in [0, 1]: the engine's position map."""
    return torch.from_numpy(np.ascontiguousarray(view.places.transpose(2, 0, 1)))


def depth(view: View) -> Tensor:
    """(1, SIZE, SIZE) in [0, 1]: the engine's depth picture."""
    return torch.from_numpy(np.ascontiguousarray(view.depth[None])) / 255


def draw(view: View, look: Look, fields: Fields, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """The albedo picture (3, SIZE, SIZE), mid-grey behind the object, and the mask (1, SIZE, SIZE), on the
    device of ``fields``. Were other grounds among them, the network would see some in its noise."""
    return pictured(view, painted(view, look, fields, rng))


def painted(view: View, look: Look, fields: Fields, rng: np.random.Generator) -> Coat:
    """What the n points of ``view`` are made of, on the device of ``fields``."""
    device = fields.noise.device
    points, normals = (torch.from_numpy(values).to(device) for values in (view.points, view.normals))
    pixel = 0.0 if view.zoom == 1 else PIXEL / view.zoom
    return look.paint(Surface(points, normals, fields, rng, pixel=pixel))


def pictured(view: View, coat: Coat) -> tuple[Tensor, Tensor]:
    """The same of what its points are made of."""
    return shrunk(view, coat.albedo, GREY), shrunk(view, torch.ones_like(coat.albedo[:, :1]), 0.0)


def shrunk(view: View, values: Tensor, behind: float) -> Tensor:
    """The picture (C, SIZE, SIZE) of ``values`` (n, C) at the view's points, ``behind`` beside the object."""
    inside = torch.from_numpy(np.ascontiguousarray(view.mask)).to(values.device)
    picture = torch.full((FINE, FINE, values.shape[1]), behind, device=values.device)
    picture[inside] = values
    return F.avg_pool2d(picture.permute(2, 0, 1), FINE // SIZE)


def make_batch(
    pool: Pool,
    fields: Fields,
    seed: int,
    start: int,
    count: int,
    choose: Callable[[np.random.Generator], Look] = random_look,
) -> TrainingBatch:
    """Samples ``start`` to ``start + count`` of the series ``seed``."""
    samples = [make_sample(pool, fields, seed, start + i, choose) for i in range(count)]
    *tensors, captions = zip(*samples, strict=True)
    return TrainingBatch(*(torch.stack(values) for values in tensors), list(captions))
