"""Whether another seed is another variation, and one seed stays itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from engine.canvas.mesh_views import in_object
from engine.controls.placement import placed
from engine.denoise.denoiser import Denoiser
from training.data import painted, pictured
from training.fields import Fields
from training.judge import views
from training.judge.examples import HELD_OUT
from training.judge.measures import Bools, likeness
from training.judge.pairs import Pair
from training.judge.report import ScoreRow, share
from training.judge.score import Seen
from training.pool import View, render

OTHER = 1000  # added to a seed
PAIRS, AGAIN = 8, 2  # seen with another seed; with their own once more
PATTERN = 0.03  # deviation of a real picture's colours, below which there is no pattern to be another


def seed_rows(
    denoiser: Denoiser,
    pairs: list[Pair],
    found: Seen,
    real: Seen,
    noise: Fields,
    steps: int | None,
    guidance: float | None,
    log: Callable[[str], None],
    count: int = PAIRS,
) -> list[ScoreRow]:
    """How much views of another seed differ from the ``found`` ones (1 - correlation on the object), beside
    what the generator paints with other noise on the object moved alike; and whether the same seed, asked
    again with other views made between, gives the same bits."""
    which = patterned(pairs, real, count)
    if not which:
        return []
    chosen, inside = [pairs[i] for i in which], [real.wanted.mask[i][0].numpy() > 0.5 for i in which]

    def made(other: int, part: list[Pair]) -> Tensor:
        return views.sized(views.generate(denoiser, part, steps, guidance, log, other))

    before, others, after = made(0, chosen[:AGAIN]), made(OTHER, chosen), made(0, chosen[:AGAIN])
    painted_others = torch.stack([_real(pair, noise) for pair in chosen])
    same: list[bool | None] = [bool(torch.equal(a, b)) for a, b in zip(before, after, strict=True)]
    return [
        _difference(found.pictures[which], others, real.pictures[which], painted_others, inside),
        share("one seed twice: equal to the bit", same, [], 100.0),
    ]


def patterned(pairs: list[Pair], real: Seen, count: int) -> list[int]:
    """``count`` of the whole views that show a pattern, or all, evenly."""
    found = [
        i
        for i, pair in enumerate(pairs)
        if not pair.is_close_up
        and float(real.pictures[i][:, real.wanted.mask[i][0] > 0.99].std(1).mean()) > PATTERN
    ]
    places = np.linspace(0, len(found) - 1, min(count, len(found))).round()
    return [found[int(place)] for place in sorted(set(places))]


def _difference(
    first: Tensor, others: Tensor, real: Tensor, real_others: Tensor, inside: list[Bools]
) -> ScoreRow:
    columns = [
        [1 - likeness(a, b, where) for a, b, where in zip(one, other, inside, strict=True)]
        for one, other in ((first, others), (real, real_others))
    ]
    error = float(np.std(columns[0]) / len(inside) ** 0.5)
    found, ceiling = (float(np.mean(values)) for values in columns)
    return ScoreRow("other seeds: 1 - correlation", found, "", len(inside), ceiling, error=error)


def _real(pair: Pair, noise: Fields) -> Tensor:
    """(3, SIZE, SIZE): what the generator paints with another seed, the object where that seed's layout has
    it."""
    seed = np.random.default_rng([HELD_OUT, pair.seed + OTHER])
    view = moved(render(pair.mesh, pair.camera), pair)
    return pictured(view, painted(view, pair.look, noise, seed))[0]


def moved(view: View, pair: Pair) -> View:
    """``view`` with the points and normals that the layout of OTHER gives it."""
    placement = placed(in_object(views.surface_of(pair)), views.layout(pair, OTHER))
    size = np.linalg.norm(placement.matrix[0])
    return replace(view, points=placement.of(view.points), normals=view.normals @ placement.matrix / size)
