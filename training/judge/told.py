"""Rows of what the second judge tells: materials, extras, and whether both judges agree."""

from __future__ import annotations

from collections.abc import Sequence

from training.judge.pairs import Pair
from training.judge.patches import PatchClassifier, Told, tell
from training.judge.report import ScoreRow, share
from training.judge.score import MATERIAL, SLACK, Seen
from training.judge.second import visible

SINGLE = "single views: material, second judge"


def of(second: PatchClassifier, seen: Seen, pairs: Sequence[Pair]) -> Told:
    """What the second judge takes ``seen`` for, of which every pair has as many pictures, in turn."""
    each = len(seen.pictures) // len(pairs)
    possible = [visible(pair.look.entry.extras) for pair in pairs for _ in range(each)]
    return tell(second, seen.pictures, seen.wanted.mask, possible)


def single_rows(found: Told, real: Told, seen: tuple[Seen, Seen], pairs: Sequence[Pair]) -> list[ScoreRow]:
    """Of single views, ``seen`` by the first judge, generated and real."""
    return [
        *_material_rows("single views", found, real, seen, MATERIAL / 100),
        *_extra_rows(found, real, [visible(pair.extras) for pair in pairs]),
    ]


def textured_rows(found: Told, real: Told, seen: tuple[Seen, Seen], single: ScoreRow) -> list[ScoreRow]:
    """Of pictures of textured meshes, which may be SLACK points worse than the second judge's ``single``
    views, or than the aim of these where they missed it."""
    rows = _material_rows("textured meshes", found, real, seen, 0.0)
    held_to = max(single.value, single.aim or 0.0) - SLACK
    return [share(rows[0].name, *_right(found, real, seen), held_to), *rows[1:]]


def _material_rows(
    what: str, found: Told, real: Told, seen: tuple[Seen, Seen], part: float
) -> list[ScoreRow]:
    """Aimed at is ``part`` of what the judge tells right of real pictures: it is taught for less long than
    the first, which tells nearly all of them."""
    right, ceiling = _right(found, real, seen)
    aim = 100 * part * sum(map(bool, ceiling)) / max(1, len(ceiling))
    return [
        share(f"{what}: material, second judge", right, ceiling, aim),
        share(f"{what}: both judges agree", _agreed(found, seen[0]), _agreed(real, seen[1]), None),
    ]


def _right(found: Told, real: Told, seen: tuple[Seen, Seen]) -> tuple[list[bool | None], list[bool | None]]:
    wanted = seen[0].wanted.materials
    right, ceiling = ([a == b for a, b in zip(told.materials, wanted, strict=True)] for told in (found, real))
    return list(right), list(ceiling)


def _agreed(told: Told, seen: Seen) -> list[bool | None]:
    return [a == b for a, b in zip(told.materials, seen.verdict.materials, strict=True)]


def _extra_rows(found: Told, real: Told, wanted: Sequence[Sequence[str]]) -> list[ScoreRow]:
    """Of the extras that prompts name those that are seen, and of the pictures whose prompts name none those
    in which none is seen: rust on all would have all of the one and none of the other."""
    rows = []
    for name, of_each in (("extras told", _named), ("no extra where none is named", _none)):
        if judged := of_each(found, wanted):
            rows.append(share(name, judged, of_each(real, wanted), None))
    return rows


def _named(told: Told, wanted: Sequence[Sequence[str]]) -> list[bool | None]:
    return [name in seen for seen, names in zip(told.extras, wanted, strict=True) for name in names]


def _none(told: Told, wanted: Sequence[Sequence[str]]) -> list[bool | None]:
    return [not seen for seen, names in zip(told.extras, wanted, strict=True) if not names]
