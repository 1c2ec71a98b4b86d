"""docs/speed.md: tables and growth of what tests/bench/speed.py measured."""

from __future__ import annotations

import math
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from tests.bench.pages import markdown

Figures = dict[str, float]

LINEAR = 1.0
SLACK = 0.1  # of an exponent: what a fit through three noisy points may be off
UPWARDS = 3  # points that growth is fitted to, the largest: below them constant costs hide it
SHARE, PUBLISHED_VIEWS, PUBLISHED_STEPS = 0.05, 10, 30
COLUMNS = {"setup_s": "set-up, s", "step_ms": "step, ms", "finish_s": "finish, s", "peak_mb": "peak, MB"}
UNITS = {"faces": "faces", "views": "views", "texture": "texels"}
HEADS = {"faces": "faces", "views": "views", "texture": "texture, a side"}
TITLES = {"faces": "Faces", "views": "Views", "texture": "Texture size"}


@dataclass(frozen=True)
class Sweep:
    """What changing ``name``, a field of cases.speed.Case, does: figures for each of its values."""

    name: str
    values: tuple[int, ...]
    figures: list[Figures]

    @property
    def amounts(self) -> list[float]:
        """What growth is counted in: texels, not the texture's side."""
        return [float(x) ** (2 if self.name == "texture" else 1) for x in self.values]

    def exponent(self, column: str) -> float:
        """Of the power of the amount that the largest figures grow by. Memory: without what Python and its
        libraries take before anything is measured."""
        floor = [figures["base_mb"] if column == "peak_mb" else 0.0 for figures in self.figures]
        heights = [figures[column] - low for figures, low in zip(self.figures, floor, strict=True)]
        return slope(self.amounts[-UPWARDS:], heights[-UPWARDS:])


@dataclass(frozen=True)
class Target:
    """What was found and what is asked for, at most."""

    what: str
    found: float
    limit: float
    unit: str

    @property
    def met(self) -> bool:
        return self.found <= self.limit


def slope(x: list[float], y: list[float]) -> float:
    """Of the straight line nearest to (log x, log y)."""
    across, up = [math.log(v) for v in x], [math.log(max(v, 1e-9)) for v in y]
    a, b = sum(across) / len(across), sum(up) / len(up)
    square = sum((v - a) ** 2 for v in across)
    return sum((v - a) * (u - b) for v, u in zip(across, up, strict=True)) / square


def growth(sweeps: list[Sweep]) -> list[Target]:
    """That nothing grows faster than what it is measured against."""
    return [
        Target(
            f"growth with {UNITS[sweep.name]}: {title.split(',')[0]}",
            sweep.exponent(column),
            LINEAR + SLACK,
            "",
        )
        for sweep in sweeps
        for column, title in COLUMNS.items()
    ]


def table(targets: list[Target]) -> list[str]:
    """Rows of what was asked for and found."""
    rows = ["| | found | at most | |", "|---|---:|---:|---|"]
    for target in targets:
        verdict = "met" if target.met else "**missed**"
        limit, unit = f"{target.limit:g}", f" {target.unit}" if target.unit else ""
        rows.append(f"| {target.what} | {_figure(target.found)}{unit} | {limit}{unit} | {verdict} |")
    return rows


def page(sweeps: list[Sweep], published: Figures, targets: list[Target], extremes: list[Figures]) -> str:
    """The whole page. extremes: the figures of the largest texture, and of a million faces without UVs."""
    asked = [target for target in targets if target.unit]
    lines = [
        _HEAD.format(machine=_machine(), base=published["base_mb"]),
        *table(asked),
        "",
        *_published(published),
        "",
        _GROWTH,
        "",
    ]
    lines += [*_exponents(sweeps), "", "![Set-up, step, finish and memory](speed.png)"]
    for sweep in sweeps:
        lines += ["", f"## {TITLES[sweep.name]}", "", *_rows(sweep)]
    lines += ["", *_extremes(*extremes), "", *_share(next(s for s in sweeps if s.name == "views"))]
    return "\n".join(lines) + "\n"


def _published(found: Figures) -> list[str]:
    text = (
        "The published case is ten views of 96 x 96 latents and a latent texture of 1536 x 1536, on a mesh "
        f"of {found['faces']:,.0f} faces: set-up {found['setup_s']:.2f} s, a step {found['step_ms']:.2f} ms; "
        f"by g and then f, two maps instead of one, a step takes {found['two_maps_ms']:.2f} ms."
    )
    return [markdown.filled(text)]


def _exponents(sweeps: list[Sweep]) -> list[str]:
    rows = []
    for sweep in sweeps:
        found = [sweep.exponent(column) for column in COLUMNS]
        cells = [f"**{power:.2f}**" if power > LINEAR + SLACK else f"{power:.2f}" for power in found]
        rows.append([UNITS[sweep.name], *cells])
    return markdown.table(["with", *(title.split(",")[0] for title in COLUMNS.values())], rows).splitlines()


def _rows(sweep: Sweep) -> list[str]:
    rows = []
    for value, figures in zip(sweep.values, sweep.figures, strict=True):
        shown = figures["faces"] if sweep.name == "faces" else value
        rows.append([f"{shown:,.0f}", *(_figure(figures[column]) for column in COLUMNS)])
    return markdown.table([HEADS[sweep.name], *COLUMNS.values()], rows).splitlines()


def _extremes(texture: Figures, unwrapped: Figures) -> list[str]:
    return [
        "## Extremes",
        "",
        f"- A texture of 8192 x 8192: set-up {texture['setup_s']:.1f} s, finish {texture['finish_s']:.0f} s, "
        f"at most {texture['peak_mb'] / 1024:.1f} GB.",
        f"- New UVs for a bumpy sphere of {unwrapped['faces']:,.0f} faces: {unwrapped['unwrap_s']:.0f} s, at "
        f"most {unwrapped['peak_mb'] / 1024:.1f} GB.",
    ]


def _share(views: Sweep) -> list[str]:
    """From how long a run on all that isn't the network's is at most SHARE of it."""
    found = views.figures[views.values.index(PUBLISHED_VIEWS)]
    steps = PUBLISHED_STEPS * found["step_ms"] / 1000
    own = found["setup_s"] + steps + found["finish_s"]
    text = (
        f"With ten views and the published {PUBLISHED_STEPS} steps, set-up takes {found['setup_s']:.1f} s, "
        f"all steps {steps:.2f} s and the finish {found['finish_s']:.1f} s of one core: {own:.1f} s. "
        f"That is {SHARE:.0%} of a run whose network and decoder take {own * (1 / SHARE - 1):.0f} s, less "
        "of a longer one; where there are more cores they share set-up and finish. Stable Diffusion takes "
        "hours on a processor ([a step](attention.md)). The starter takes seconds, so there it is more: "
        "`python3 build.py bench run` shows where the time of its runs goes."
    )
    return ["## Of a whole run", "", markdown.filled(text)]


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _machine() -> str:
    name, path = platform.machine(), Path("/proc/cpuinfo")
    if path.is_file():
        names = [line.split(":")[1].strip() for line in path.read_text().splitlines() if "model name" in line]
        name = names[0] if names else name
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


_HEAD = """# Speed

What synchronising costs besides the network, and how that grows. Made by `python3 build.py bench speed
--sweep`, with clutch_bag.obj in SYNC_TEXTURE_MESHES, on
{machine}. It fails when a target is missed.

- *Set-up*: all that a job does once on a mesh with UVs before its first step: the check of the UVs, the
  ray-casting structure, depth pictures of 768 x 768 pixels, f and g for Stable Diffusion's 96 x 96 latents.
- *Step*: one f(g(.)) of the latents of all views, 4 channels, float32.
- *Finish*: from the finished views to the texture: bake, fill along the surface, padding;
  of six channels the normal map, too.
- *Peak*: the process's largest memory, {base:.0f} MB for Python and its libraries included.

Seconds are processor time, of all threads together: what one core alone takes. Each figure comes from
processes of its own. One thing changes at a time, around a torus of 40,000 faces, ten views and a texture of
1536 x 1536, which is both the one that latents are averaged in and the finished one.
"""

_GROWTH = f"""## Growth

Exponents of the power law through the {UPWARDS} largest of each: 1 is linear, 0 constant. A texture is
counted in texels: twice the side is four times as many. None should be above {LINEAR + SLACK:g}.

With views, a step grows by more: each pixel averages every view that sees its place, so there are as many
products as pairs of views that see one place, and ever more of set-up goes into finding these pairs. Fewer
would be another average than the published one. It stays a matter of milliseconds, and ends where views read
every texel: there it is linear in them, as the published way is from the start, which averages all texels in
every view whether they are read or not."""
