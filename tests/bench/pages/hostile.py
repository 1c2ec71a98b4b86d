"""docs/hostile.md: what was tried by tests/bench/hostile.py, and how it ended."""

from __future__ import annotations

import os
import platform
import re
from collections import Counter
from collections.abc import Sequence

from tests.bench.fuzz import odd
from tests.bench.fuzz.case import ENDED, PROBLEMS, REFUSED, WORKED, Outcome
from tests.bench.fuzz.isolated import COMPUTER_MB
from tests.bench.fuzz.watch import LEFT_S, Limits
from tests.bench.pages import markdown

KINDS = {
    "meshes": (
        "Mesh files",
        """OBJ, PLY and STL as text and binary, glTF as .gltf and .glb, and the add-on's .npz, through a whole
        job: counts and offsets that lie, indices far off, nodes in chains and circles, paths that lead
        outside, thousands of materials, polygons of 20,000 corners, packed zeros without end, arrays that
        would run code.""",
    ),
    "pictures": (
        "Pictures and cameras",
        """PNG, JPEG, BMP, TGA, WebP, OpenEXR and kinds that aren't read, as the texture to start from: sizes
        that lie, bombs, wrong kinds and depths, broken chunks. And files of cameras.""",
    ),
    "models": (
        "Models",
        """Folders in diffusers layout: every config, the tokenizer, the schedule, sync_texture.json, headers
        and values of weights, as a job's model, and in `models list`, `show`, `verify`, `link` and `doctor`;
        the file of linked models itself.""",
    ),
    "lines": (
        "Lines for serve",
        """Every field of a request with values of every kind, ids that are none or twice the same, lines that
        are no JSON, too deep or too long. Afterwards the process has to answer one more job.""",
    ),
    "jobs": (
        "Job files",
        """JSON lines and CSV with odd options, names and values; and the folder that a batch finds again, its
        job.json, journal and results changed.""",
    ),
    "words": (
        "Command lines",
        """Every option with odd texts and numbers, bytes that are no text, odd names of files, folders that
        can't be.""",
    ),
    "blender": (
        "What an engine says to Blender",
        """A hostile engine below a real add-on: messages, results, warnings and previews of wrong types,
        garbage without end, a line of 400 MB, silence, death; pictures and UVs that can't be read or don't
        fit. Afterwards everything in the .blend has to be as before, or textured as a whole.""",
    ),
}
TOP = 6
LISTED = 60
_UNSAFE = re.compile(r"[\\`*_{}\[\]<>#|]")


def line(outcome: Outcome) -> str:
    """One case in a line of a log."""
    how = ", ".join(outcome.problems).upper() or outcome.ending
    took = f"{outcome.own_s:6.2f} s {outcome.mb:7.1f} MB"
    said = odd.shown(outcome.said, 160) if outcome.problems else ""
    return (
        f"{outcome.kind:9} {outcome.seed:6} {took}  {how}  {odd.shown('; '.join(outcome.notes), 100)} {said}"
    )


def details(outcome: Outcome) -> str:
    """All that is known about one case."""
    return "\n".join([line(outcome), *map(odd.shown, outcome.notes), odd.shown(outcome.said, 2000)])


def summary(outcomes: Sequence[Outcome]) -> str:
    """Counts, for a terminal."""
    rows = [
        f"{kind:10}" + "".join(f"{cell:>14}" for cell in _counts(own)) for kind, own in _by_kind(outcomes)
    ]
    return "\n".join([f"{'':10}" + "".join(f"{head:>14}" for head in _HEADS), *rows])


_HEADS = ("cases", WORKED, REFUSED, "with problems", "slowest, s", "most, MB")


def _by_kind(outcomes: Sequence[Outcome]) -> list[tuple[str, list[Outcome]]]:
    found = [(kind, [one for one in outcomes if one.kind == kind]) for kind in KINDS]
    return [(kind, own) for kind, own in found if own]


def _counts(own: Sequence[Outcome]) -> list[str]:
    endings = Counter(one.ending for one in own if not one.problems)
    problems = sum(bool(one.problems) for one in own)
    slowest, most = max(one.own_s for one in own), max(one.mb for one in own)
    worked = endings[WORKED] + endings[ENDED]
    return [
        f"{len(own):,}",
        f"{worked:,}",
        f"{endings[REFUSED]:,}",
        f"{problems:,}",
        f"{slowest:.1f}",
        f"{most:,.0f}",
    ]


def page(outcomes: Sequence[Outcome]) -> str:
    """The whole page."""
    limits = Limits()
    hours = sum(one.wall_s for one in outcomes) / 3600
    head = _HEAD.format(
        count=len(outcomes), hours=hours, machine=_machine(), own=limits.own_s, mb=limits.mb / 1024,
        computer=COMPUTER_MB / 1024, left=LEFT_S,
    )  # fmt: skip
    kinds = [[KINDS[kind][0], *_counts(own)] for kind, own in _by_kind(outcomes)]
    parts = [
        *map(markdown.filled, head.split("\n\n")[1:]),
        "\n".join(markdown.filled(f"*{title}*: {text}", "- ") for title, text in KINDS.values()),
        "## How it ended",
        markdown.table(["", *_HEADS], kinds),
        *map(markdown.filled, _ENDINGS.split("\n\n")),
        "## What went wrong",
        _problems(outcomes),
        "## The slowest and the largest",
        _extremes(outcomes),
        _AGAIN,
    ]
    return "\n\n".join([head.split("\n\n")[0], *parts]) + "\n"


def _problems(outcomes: Sequence[Outcome]) -> str:
    bad = [one for one in outcomes if one.problems]
    counts = Counter(problem for one in bad for problem in one.problems)
    rows = [[f"{name}: {text}", f"{counts[name]:,}"] for name, text in PROBLEMS.items()]
    table = markdown.table(["what", "cases"], rows)
    if not bad:
        return f"Nothing.\n\n{table}"
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for one in bad:
        groups.setdefault((one.kind, signature(one)), []).append(one)
    largest = sorted(groups.items(), key=lambda item: -len(item[1]))[:LISTED]
    listed = [
        [
            f"{kind} {own[0].seed}",
            f"{len(own):,}",
            plain(", ".join(own[0].problems)),
            plain(odd.shown(said, 160)),
        ]
        for (kind, said), own in largest
    ]
    return f"{table}\n\n{markdown.table(['a case', 'alike', 'what', 'it said'], listed)}"


def signature(outcome: Outcome) -> str:
    """What cases with the same cause have in common, more or less: what was said, without names."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"|/\S+|\d+", "~", outcome.said)
    return f"{','.join(outcome.problems)}: {text[:90] or '; '.join(outcome.notes)[:60]}"


def _extremes(outcomes: Sequence[Outcome]) -> str:
    tables = []
    for head, value in (("seconds", lambda one: one.own_s), ("MB", lambda one: one.mb)):
        found = sorted(outcomes, key=value, reverse=True)[:TOP]
        rows = [
            [f"{one.kind} {one.seed}", f"{value(one):,.1f}", plain("; ".join(one.notes)[:90])]
            for one in found
        ]
        tables.append(markdown.table(["case", head, "what it was"], rows))
    return "\n\n".join(tables)


def plain(text: str) -> str:
    """``text`` for a table: no mark-up."""
    return _UNSAFE.sub(lambda found: f"&#{ord(found[0])};", text)


def _machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}"


_HEAD = """# Hostile input

Nothing that comes in is trusted. Small valid inputs, made in code, are changed by chance, each by a number
that makes it again, and given to the program as a user would. Made by
`python3 build.py bench hostile --page`: {count:,} cases, {hours:.1f} hours of them, on {machine}.

Each case runs in a process of its own that is watched from outside. It may compute or wait for {own:.0f}
seconds, on a machine that does nothing else, and take {mb:.0f} GiB of memory above what there was before, on
a computer that seems to have {computer:.0f} GiB; whatever it starts has to be gone {left:.0f} seconds after
its end. Witnesses note all files that are opened outside the case's own folder or written anywhere else,
network connections, programs that are started, and pickles.

What was tried:"""

_ENDINGS = """*Worked*: the input did no harm; a texture was made, or a list was shown. *Refused*: one clear
line says what is wrong. *With problems*: anything else. Seconds are the case's own, memory is that of all its
processes. A case that had a problem was run again after a mend, and its last ending counts.

Not all that is listed is a fault of the program. A bit flipped in a path or a name of a request, an option
of a command, or a link in place of the user's own list of models lead outside, and the program does as it
is told. Thousands of objects, each unwrapped by itself, take longer than the limit, with progress, and can
be cancelled; killed at the limit, the child that unwraps leaves its folder."""

_AGAIN = """## One more time

```
python3 build.py bench hostile --minutes 5 --kind meshes
python3 build.py bench hostile --case meshes 12
python3 build.py bench hostile --again
```

The first goes on for five minutes with mesh files that weren't tried yet. The second runs one case and leaves
its folder, `out/hostile/case`. The third runs again what had a problem."""
