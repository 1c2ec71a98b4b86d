"""Which methods fail on which maps? `build.py bench ambiguous [--steps N] [--seeds N] [--write]`.

Ambiguous pictures are where the paper on SyncTweedies tells its cases apart: every element of the canonical
picture is seen by one pixel of each view (1-to-1), by several or none (1-to-n), or is one of several that a
pixel sees the mean of (n-to-1). A model paints each pair of prompts with every method on each of them, and on
1-to-n also with the g that is published, which turns views back by the nearest element and so isn't exact.
The picture, as its views show it, is compared with what the model paints with the same noise when nothing
ties the views together: how much fine detail is left (1: as much; less is blur, more is noise), and how far
the views are from one picture. With --write, the table and the picture of docs/ambiguous.md are made of it.
Fails where one of the paper's five cases loses less on its worst maps than synctweedies on its own.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from engine import settings as options
from engine.canvas.ambiguous import PreparedAmbiguous
from engine.canvas.looks import TURN, Looks, turned_disc
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.generate import generate
from engine.host import Clock, Host
from engine.measure.agreement import agreement
from engine.measure.sharpness import sharpness
from engine.painter import Painter
from engine.protocol import ImageRequest
from engine.sync.spaces import Averaging, LinearMaps
from tests.bench.pages.markdown import DOCS, put, table
from tests.bench.plots.ambiguous import sheet

Floats = NDArray[np.float32]

PAIRS = (
    ("red bricks", "zebra stripes"),
    ("tiger stripes", "old oak planks"),
    ("grey roof shingles", "green dragon scales"),
)
LAYERS = 10  # published
CASES = ("case1", "synctweedies", "case3", "case4", "case5")
FAR = 1.25  # times as much detail, or as little
SLACK = 0.05  # of the logarithm


@dataclass(frozen=True)
class Maps:
    """One kind of projection: how the second view looks, at the mean of how many pictures, and by which g."""

    name: str
    view: str
    layers: int = 1
    looks: type[Looks] = Looks


class PublishedLooks(Looks):
    """With g as published: each view is looked at by the inverse of its own look, at the nearest element, and
    the means of these are taken."""

    def maps(self, averaging: Averaging) -> LinearMaps:
        exact = super().maps(averaging)
        grid = np.arange(self.side**2).reshape(self.side, self.side)
        back = [grid if name == "identity" else turned_disc(grid, -TURN) for name in self.names]
        column = np.concatenate([one.reshape(-1) + i * grid.size for i, one in enumerate(back)])
        row = np.tile(np.arange(grid.size), len(back))
        share = np.full(len(row), 1 / len(back))
        average = csr_matrix((share, (row, column)), exact.average.shape)
        return replace(
            exact, average=average, confidence=np.ones(average.nnz) if averaging.reweighted else None
        )


@dataclass(frozen=True)
class Arm:
    """One method, and where it averages."""

    method: str
    space: str = "latent"

    @property
    def name(self) -> str:
        return f"{self.method}, colours" if self.space == "rgb" else self.method


@dataclass(frozen=True)
class AmbiguousRow:
    """What one method made. pictures: as the two views show it. sharpness: of that, against the same views
    painted alone. agreement: decibels, of what was painted with that."""

    maps: str
    arm: str
    pair: tuple[str, str]
    pictures: Floats
    sharpness: float
    agreement: float


KINDS = (
    Maps("1-to-1", "rotate_cw"),
    Maps("1-to-n", "inner_rotate"),
    Maps("1-to-n, published g", "inner_rotate", looks=PublishedLooks),
    Maps("n-to-1", "rotate_cw", LAYERS),
)
ALONE = Arm("independent")
ARMS = (
    *map(Arm, (*CASES, "syncmvd", "syncsde")),
    Arm("synctweedies", "rgb"),
    Arm("case5", "rgb"),
)


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; 1 when another method loses less."""
    given = _parser().parse_args(arguments)
    denoiser = load_denoiser(given.model, "auto", lambda: None)
    rows = []
    for row in measured(denoiser, given.steps, given.seeds):
        print(
            f"{row.maps}, {row.pair[0]}: {row.arm}: {row.sharpness:.2f}, {row.agreement:.1f} dB", flush=True
        )
        rows.append(row)
    told = table_of(rows)
    print(f"\n{told}")
    if given.write:
        command = f"python3 build.py bench ambiguous --steps {given.steps} --seeds {given.seeds} --write"
        pairs = "; ".join(" and ".join(pair) for pair in PAIRS)
        count = given.seeds * len(PAIRS)
        said = f"Made by `{command}`: `{given.model}`, means over {count} of pair and seed:\n{pairs}."
        put(DOCS / "ambiguous.md", {"table": f"{said}\n\n{told}"})
        first = [row for row in rows if row.pair == PAIRS[0]]
        sheet(first, [kind.name for kind in KINDS], [arm.name for arm in ARMS]).save(
            DOCS / "ambiguous.jpg", quality=82, optimize=True
        )
    return 0 if wins(rows) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py bench ambiguous", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--write", action="store_true", help="put the table and the picture in docs")
    return parser


def measured(denoiser: Denoiser, steps: int, seeds: int) -> Iterator[AmbiguousRow]:
    """A row for each kind of maps, pair, seed and method, as they come."""
    for kind, pair, seed in itertools.product(KINDS, PAIRS, range(seeds)):
        request = ImageRequest(
            "ambiguous",
            pair[0],
            "",
            other_prompts=pair[1:],
            view=(kind.view,),
            layers=kind.layers,
            steps=steps,
            seed=seed,
        )
        looks, alone = painted(denoiser, request, ALONE, Looks)
        inside, side = np.ones(alone.shape[:3], bool), looks.side
        for arm in ARMS:
            _, pictures = painted(denoiser, request, arm, kind.looks)
            shown = looks.shown(looks.joined(pictures, side, side))
            near = float(np.mean(agreement(shown, pictures)))
            yield AmbiguousRow(kind.name, arm.name, pair, shown, sharpness(shown, alone, inside), near)


def painted(denoiser: Denoiser, request: ImageRequest, arm: Arm, kind: type[Looks]) -> tuple[Looks, Floats]:
    """How the views of ``request`` look at the picture, and they, painted by ``arm``."""
    asked = replace(request, method=arm.method, sync_space=arm.space, sync_share="all")
    settings = options.resolve(asked, denoiser.preset)
    canvas = PreparedAmbiguous(asked).canvas(settings, denoiser)
    canvas = replace(canvas, layout=kind(canvas.layout.side, canvas.layout.names))
    return canvas.layout, generate(canvas, Painter(denoiser, settings, Clock(), Host()))


def means(rows: Sequence[AmbiguousRow], maps: str, arm: str) -> tuple[float, float]:
    """Sharpness, the geometric mean, and agreement."""
    found = [row for row in rows if (row.maps, row.arm) == (maps, arm)]
    logs = [math.log(max(row.sharpness, 1e-9)) for row in found]
    return math.exp(sum(logs) / len(logs)), sum(row.agreement for row in found) / len(found)


def table_of(rows: Sequence[AmbiguousRow]) -> str:
    """A line for each method, a column for each kind of maps; bold what lies more than FAR from what
    synctweedies, where it averages, makes of the same maps."""
    lines = []
    for arm in ARMS:
        cells = []
        for kind in KINDS:
            (detail, near), (usual, _) = (
                means(rows, kind.name, one.name) for one in (arm, replace(arm, method="synctweedies"))
            )
            bold = "**" if abs(math.log(detail / usual)) > math.log(FAR) else ""
            cells.append(f"{bold}{detail:.2f}{bold} ({near:.0f} dB)")
        lines.append([arm.name, *cells])
    return table(["method", *(kind.name for kind in KINDS)], lines)


def wins(rows: Sequence[AmbiguousRow]) -> bool:
    """Whether none of the five cases is nearer to all detail on its worst maps than synctweedies."""

    def worst(arm: Arm) -> float:
        return max(abs(math.log(means(rows, kind.name, arm.name)[0])) for kind in KINDS)

    return all(worst(Arm("synctweedies")) <= worst(arm) + SLACK for arm in map(Arm, CASES))


if __name__ == "__main__":
    raise SystemExit(main())
