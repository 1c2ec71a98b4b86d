"""What the results of the benchmark of quality say: means, paired differences, the papers' ranking."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from tests.bench.cases.quality_grid import ALONE, DEFAULT, PUBLISHED, Arm
from tests.bench.pages.statistics import Estimate, difference, holm, mean

Result = dict[str, Any]
Block = tuple[str, str, int]

LEAST_POWER = 1e-9  # of fine detail: flatter counts as this flat
# A case is called broken on meshes when, against case 2, its views and texture differ by so much more, or
BROKEN_DB = 6.0
BROKEN_DETAIL = 4.0  # its texture has a fourth, or four times, the fine detail, or
BROKEN_SHARE = 0.5  # the material is recognised half as often, or less.


@dataclass(frozen=True)
class Measure:
    """title: in tables. better: +1 where more is better, -1 where less is, 0 where 1.0 is best. ratio:
    compared by factors rather than by differences, on a logarithmic scale. unit: "%", "dB" or ""."""

    name: str
    title: str
    better: int
    ratio: bool
    unit: str

    def score(self, value: float) -> float:
        """``value`` (a logarithm where this is a ratio), made so that more is better."""
        return -abs(value) if self.better == 0 else self.better * value


MEASURES = (
    Measure("seam_error", "seam_error", -1, True, ""),
    Measure("view_psnr", "view_psnr", 1, False, "dB"),
    Measure("sharp_views", "sharpness of views", 0, True, ""),
    Measure("sharp_texture", "sharpness of texture", 0, True, ""),
    Measure("material", "material", 1, False, "%"),
    Measure("colour", "colour", 1, False, "%"),
)
NAMED = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True)
class Data:
    """Results by block and arm; every block has all ``arms``."""

    arms: list[Arm]
    blocks: dict[Block, dict[str, Result]]

    @classmethod
    def complete(cls, arms: list[Arm], results: Iterable[tuple[Block, Arm, Result]]) -> Data:
        """Of ``results`` the blocks of which no arm is missing."""
        found: dict[Block, dict[str, Result]] = {}
        for block, arm, result in results:
            found.setdefault(block, {})[arm.name] = result
        return cls(arms, {block: row for block, row in found.items() if len(row) == len(arms)})

    def has(self, arm: Arm) -> bool:
        return arm in self.arms

    def values(self, arm: Arm, measure: Measure) -> list[float | None]:
        """One for each block; logarithms where the measure is a ratio; None where it can't be measured."""
        return [_value(row, arm, measure) for row in self.blocks.values()]

    def of(self, part: str, kind: str) -> Estimate:
        """The agreement ``kind`` of single views ("single") or the generator's own pictures ("painted")."""
        found = [row[ALONE.name][part][kind] for row in self.blocks.values()]
        return mean([value for value in found if value is not None])

    def mean(self, arm: Arm, measure: Measure) -> Estimate:
        found = mean([value for value in self.values(arm, measure) if value is not None])
        if measure.unit != "%":
            return found
        return replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))  # NaN stays NaN

    def versus(self, arm: Arm, base: Arm, measure: Measure) -> Estimate:
        """The paired difference of ``arm`` less ``base``, in logarithms where the measure is a ratio."""
        ours, theirs = self._both(arm, base, measure)
        return difference(ours, theirs)

    def nearer(self, arm: Arm, base: Arm, measure: Measure) -> Estimate:
        """By how much ``arm`` is better than ``base``, paired: above 0 where it is."""
        ours, theirs = self._both(arm, base, measure)
        return difference([measure.score(v) for v in ours], [measure.score(v) for v in theirs])

    def _both(self, arm: Arm, base: Arm, measure: Measure) -> tuple[list[float], list[float]]:
        """The values of two arms where neither is missing."""
        pairs = zip(self.values(arm, measure), self.values(base, measure), strict=True)
        both = [(a, b) for a, b in pairs if a is not None and b is not None]
        return [a for a, _ in both], [b for _, b in both]


def _value(row: dict[str, Result], arm: Arm, measure: Measure) -> float | None:
    result = row[arm.name]
    if measure.name.startswith("sharp_"):
        single = row[ALONE.name]["fine"]["views"]
        found = result["fine"][measure.name.removeprefix("sharp_")]
        return math.log(max(found, LEAST_POWER) / max(single, LEAST_POWER))
    value = result[measure.name]
    if value is None:
        return None
    return math.log(value) if measure.ratio else float(value)


@dataclass(frozen=True)
class Compared:
    """``arm`` against another in one measure. ahead: +1 significantly better, -1 worse, 0 neither, after
    Holm's correction for all the arms that were compared in this measure."""

    arm: Arm
    measure: Measure
    found: Estimate
    ahead: int


def compare(data: Data, arms: list[Arm], base: Arm, measure: Measure) -> list[Compared]:
    """Each of ``arms`` against ``base``. That the views of ALONE are as sharp as themselves is no finding."""
    nearer = [data.nearer(arm, base, measure) for arm in arms]
    defined = ALONE if measure.name == "sharp_views" else None
    pairs = zip(arms, nearer, strict=True)
    chances = holm([math.nan if arm == defined else estimate.p for arm, estimate in pairs])
    return [
        Compared(arm, measure, data.versus(arm, base, measure), _ahead(estimate, chance))
        for arm, estimate, chance in zip(arms, nearer, chances, strict=True)
    ]


def _ahead(nearer: Estimate, chance: float) -> int:
    if not chance < 0.05:  # NaN: too few to say
        return 0
    return 1 if nearer.mean > 0 else -1


def against_default(data: Data) -> dict[str, list[Compared]]:
    """Every other arm against the default, by measure."""
    others = [arm for arm in data.arms if arm != DEFAULT]
    return {measure.name: compare(data, others, DEFAULT, measure) for measure in MEASURES}


def differences(data: Data) -> list[str]:
    """A sentence a measure: which methods differ significantly from the default."""
    lines = []
    for measure in MEASURES:
        compared = against_default(data)[measure.name]
        better, worse, same = (
            [shown(c) if side else c.arm.name for c in compared if c.ahead == side] for side in (1, -1, 0)
        )
        same = ["all"] if len(same) == len(data.arms) - 1 else same
        told = (("Better", better), ("Worse", worse), ("No telling difference", same))
        parts = [f"{what}: {', '.join(names)}." for what, names in told if names]
        lines.append(f"**{measure.title}.** {' '.join(parts)}")
    return lines


def shown(compared: Compared) -> str:
    return f"{compared.arm.name} ({change(compared.found, compared.measure)})"


def change(found: Estimate, measure: Measure) -> str:
    """A difference in words: a factor, points or dB."""
    if math.isnan(found.mean):
        return "?"
    if measure.ratio:
        return f"x{math.exp(found.mean):.2f}"
    if measure.unit == "%":
        return f"{100 * found.mean:+.0f} points"
    return f"{found.mean:+.1f} {measure.unit}"


def blur(data: Data) -> str:
    """How much of the fine detail of single views is left."""
    views, texture = (NAMED[f"sharp_{what}"] for what in ("views", "texture"))
    left = {arm: [math.exp(data.mean(arm, where).mean) for where in (views, texture)] for arm in data.arms}
    said = [f"{arm.name} {seen:.0%} and {baked:.0%}" for arm, (seen, baked) in left.items()]
    return (
        "**Does averaging blur?** Of the fine detail of single views there is left in the views that were "
        f"denoised together, and in the texture baked from them: {', '.join(said)}. What independent views "
        "lose is the bake's doing alone."
    )


def ranking(data: Data) -> list[str]:
    """What the results say about the papers' ranking, which was found in the latent texture."""
    cases = [a for a in data.arms if a.method in ("case1", "case3", "case4", "case5") and a.space == "latent"]
    if not data.has(PUBLISHED) or len(cases) < 4:
        return [
            "The run left out some of the cases in the latent texture, so it says nothing about the ranking."
        ]
    by_arm = {
        arm.method: [next(c for c in compare(data, cases, PUBLISHED, m) if c.arm == arm) for m in MEASURES]
        for arm in cases
    }
    return [
        _ahead_of_all(by_arm),
        _soft(by_arm["case5"]),
        *(_broken(data, a) for a in cases if a.method != "case5"),
    ]


def _ahead_of_all(by_arm: dict[str, list[Compared]]) -> str:
    """Case 2 is ahead of a case when that is worse in something and better in nothing."""
    said, verdicts = [], []
    for method, compared in by_arm.items():
        worse = [_in_words(c) for c in compared if c.ahead < 0]
        better = [_in_words(c) for c in compared if c.ahead > 0]
        verdicts.append(bool(worse) and not better)
        told = [f"worse in {', '.join(worse)}"] * bool(worse) + [f"better in {', '.join(better)}"] * bool(
            better
        )
        said.append(f"{method} is {' but '.join(told) or 'not told apart from it'}")
    verdict = "Confirmed" if all(verdicts) else "Confirmed in part" if any(verdicts) else "Not confirmed"
    return f"**Case 2 ahead.** {verdict}: {'; '.join(said)}."


def _soft(compared: list[Compared]) -> str:
    by_name = {c.measure.name: c for c in compared}
    views, texture = by_name["sharp_views"], by_name["sharp_texture"]
    numbers = (
        f"case 5 has {change(views.found, views.measure)} the fine detail of case 2 in its views and "
        f"{change(texture.found, texture.measure)} in its texture"
    )
    verdict = "Confirmed" if texture.ahead < 0 and texture.found.mean < 0 else "Not confirmed"
    return f"**Case 5 soft.** {verdict}: {numbers}."


def _broken(data: Data, arm: Arm) -> str:
    """Broken is a matter of size rather than of significance: see the BROKEN numbers."""
    psnr, sharp = (data.versus(arm, PUBLISHED, NAMED[name]).mean for name in ("view_psnr", "sharp_texture"))
    share, usual = (data.mean(a, NAMED["material"]).mean for a in (arm, PUBLISHED))
    reasons = []
    if psnr <= -BROKEN_DB:
        reasons.append("its views disagree with the texture")
    if abs(sharp) >= math.log(BROKEN_DETAIL):
        reasons.append(f"its texture is all but {'noise' if sharp > 0 else 'flat'}")
    if usual > 0 and share <= BROKEN_SHARE * usual:
        reasons.append("the material is recognised half as often or less")
    verdict = f"Confirmed: {', '.join(reasons)}" if reasons else "Not confirmed"
    return (
        f"**Case {arm.method[-1]} broken.** {verdict} (against case 2: view_psnr {psnr:+.1f} dB, fine "
        f"detail of the texture x{math.exp(sharp):.2f}, material {share:.0%} instead of {usual:.0%})."
    )


def _in_words(compared: Compared) -> str:
    return f"{compared.measure.title} ({change(compared.found, compared.measure)})"
