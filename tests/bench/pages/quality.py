"""The page on quality, from the results alone."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tests.bench.cases.quality_grid import ALONE, DEFAULT, Arm
from tests.bench.pages.markdown import filled, table
from tests.bench.pages.quality_findings import (
    BROKEN_DB,
    BROKEN_DETAIL,
    BROKEN_SHARE,
    MEASURES,
    Data,
    Measure,
    against_default,
    blur,
    change,
    differences,
    ranking,
)
from tests.bench.pages.statistics import Estimate

MEANS = """
Means with 95 % intervals over {} textures; of seam_error and sharpness geometric ones. seam_error is best
at 1.0 or below, sharpness at 1.0, the rest is the better the more. `:latent`: means of latents, as
published; `:rgb`: colours, put together by the model's own defaults.
"""
PAIRS = """
The same combinations of mesh, prompt and seed in pairs: differences, factors where there is an x, with 95 %
intervals. Bold: significantly better or worse (sharpness: nearer to 1.0 or farther off) at 5 % among all the
{} comparisons of a column, by Student's t and Holm's correction.
"""
PAPERS = """
The papers found it with Stable Diffusion and averaged latents. All cases here are those with averaged
latents; the model differs.
"""
CAUTION = """
The model itself is weak: of its single views, made without any averaging, {:.0%} are taken for the material
asked for; of real pictures, {:.0%}. So material and colour tell methods apart poorly.
"""
DEFINITIONS = f"""
**seam_error**, **view_psnr** (dB), **coverage**: as in report.json. Coverage is a matter of the views, the
same for all methods.

**sharpness**: fine detail (8 pixels and less) of the generated views, and of the texture as these views show
it, over that of `{ALONE.name}`'s views with the same seed, never averaged.

**material**, **colour** (%): pictures from four cameras between the rig's that the classifier of the
starter's evaluation (`training/judge`) takes for what was asked for; colours where the prompt names one.
*Single views* are the views of `{ALONE.name}` themselves; *painted by the generator* are the training
generator's pictures of the same meshes: the classifier's own ceiling.

Intervals are over combinations of mesh, prompt and seed: they speak of these meshes and prompts, not of all.
Meshes that aren't primitives are the files in the folder that `SYNC_TEXTURE_MESHES` names.

Case 2 is *ahead* of a case that is significantly worse in something and better in nothing. A case is
*soft* when its texture has significantly less fine detail than case 2's, *broken* when its view_psnr is
{BROKEN_DB:g} dB lower, its texture has a fourth of the fine detail or {BROKEN_DETAIL:g} times, or the
material is recognised {BROKEN_SHARE:.0%} as often.
"""
WEAK = 0.5  # single views whose material is recognised less often than this say little about methods


@dataclass(frozen=True)
class Run:
    """What the page says about how its numbers came about. planned: blocks of the whole grid."""

    command: str
    model: str
    digest: str
    steps: int
    guidance: float
    views: int
    planned: int
    picture: str


def page(run: Run, data: Data) -> str:
    """The whole page, markdown."""
    parts = [
        "# Quality",
        filled(f"What each `--method` makes of the same meshes, prompts and seeds. Made by `{run.command}`."),
        *map(filled, _made(run, data)),
        "## Means",
        _means(data),
        filled(MEANS.format(len(data.blocks))),
        f"![Means with their intervals, and examples]({run.picture})",
        f"## Against {DEFAULT.name}",
        _differences(data),
        filled(PAIRS.format(len(data.arms) - 1)),
        _list([*differences(data), blur(data)]),
        "## The papers' ranking",
        filled(PAPERS),
        _list(ranking(data)),
        "## How it is measured",
        _list(DEFINITIONS.strip().split("\n\n")),
    ]
    return "\n\n".join(parts) + "\n"


def _made(run: Run, data: Data) -> list[str]:
    """Paragraphs on what was run."""
    meshes, prompts = ([*dict.fromkeys(block[i] for block in data.blocks)] for i in (0, 1))
    seeds = len({block[2] for block in data.blocks})
    done = "all" if len(data.blocks) == run.planned else len(data.blocks)
    said = [
        f"Model `{run.model}` (weights {run.digest[:12]}), {run.steps} steps, guidance {run.guidance:g},",
        f"{run.views}.",
        f"Meshes: {', '.join(meshes)}. Prompts: {', '.join(prompts)}. Seeds: {seeds}.",
        f"Measured: {done} of {run.planned} combinations, {len(data.blocks) * len(data.arms)} textures;",
        f"{_time(data, run.planned)}.",
    ]
    versions = {result["engine"] for row in data.blocks.values() for result in row.values()}
    if len(versions) > 1:
        said.append(f"The engine's sources changed during the run: {len(versions)} versions.")
    return [" ".join(said), *_caution(data)]


def _time(data: Data, planned: int) -> str:
    """How long a texture takes, and all of them."""
    taken = [sum(result["cpu_s"] for result in row.values()) for row in data.blocks.values()]
    each = sum(taken) / len(taken)
    hours = each * planned / 3600
    return f"{each / len(data.arms):.0f} s of one core each, {hours:.1f} hours of one core for the whole grid"


def _caution(data: Data) -> list[str]:
    single, painted = data.of("single", "material").mean, data.of("painted", "material").mean
    return [] if single >= WEAK * painted else [CAUTION.format(single, painted)]


def _means(data: Data) -> str:
    rows = [
        [arm.name, *(_value(data.mean(arm, m), m) for m in MEASURES), f"{_coverage(data, arm):.1%}"]
        for arm in data.arms
    ]
    for title, part in (("single views", "single"), ("painted by the generator", "painted")):
        agreed = [_value(data.of(part, m.name), m) for m in MEASURES[-2:]]
        one = "1.00" if part == "single" else ""
        rows.append([title, "", "", one, "", *agreed, ""])
    return table(["method", *(m.title for m in MEASURES), "coverage"], rows)


def _coverage(data: Data, arm: Arm) -> float:
    found = [row[arm.name]["coverage"] for row in data.blocks.values()]
    return float(sum(found) / max(len(found), 1))


def _differences(data: Data) -> str:
    compared = against_default(data)
    others = [arm for arm in data.arms if arm != DEFAULT]
    rows = []
    for number, arm in enumerate(others):
        cells = []
        for measure in MEASURES:
            entry = compared[measure.name][number]
            text = _interval(entry.found, measure)
            cells.append(f"**{text}**" if entry.ahead else text)
        rows.append([arm.name, *cells])
    return table(["method", *(m.title for m in MEASURES)], rows)


def _value(found: Estimate, measure: Measure) -> str:
    if math.isnan(found.mean):
        return ""
    low, high = (_number(end, measure) for end in (found.low, found.high))
    interval = "" if math.isnan(found.low) else f" ({low} to {high})"
    return f"{_number(found.mean, measure)}{interval}"


def _number(value: float, measure: Measure) -> str:
    """A mean as read: from its logarithm, in percent, in dB."""
    if math.isnan(value):
        return "?"
    if measure.unit == "%":
        return f"{100 * value:.0f}"
    return f"{math.exp(value):.2f}" if measure.ratio else f"{value:.1f}"


def _interval(found: Estimate, measure: Measure) -> str:
    if math.isnan(found.mean):
        return ""
    plain = change(found, measure).removesuffix(" points").removesuffix(" dB")
    if math.isnan(found.low):
        return plain
    low, high = (
        f"{math.exp(v):.2f}" if measure.ratio else f"{100 * v:+.0f}" if measure.unit == "%" else f"{v:+.1f}"
        for v in (found.low, found.high)
    )
    return f"{plain} ({low} to {high})"


def _list(lines: list[str]) -> str:
    return "\n".join(filled(line, "- ") for line in lines)
