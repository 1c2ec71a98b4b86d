"""How ``models show`` presents a model: for people in columns, for programs as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from ..options.request import by_model
from . import fits, trees
from .accelerators import accelerated, named
from .catalogue import Entry
from .describe import Description
from .presets import PUBLISHED
from .vocabulary import Vocabulary

GAP = 2  # blanks between columns
INDENT = "  "
NUMBERS = [name for name, one in by_model().items() if one.kind in (int, float)]


def as_json(model: Description) -> dict[str, Any]:
    """What is known about ``model``; null for what isn't."""
    preset, vocabulary = model.preset, model.vocabulary
    return {
        "name": model.name,
        "title": model.title,
        "kind": model.kind,
        "licence": model.licence,
        "size": model.size,
        "memory": model.memory,
        "fits": model.fits,
        "installed": model.installed,
        "view_size": preset.view_size if preset else None,
        "accelerator": preset.accelerator if preset else None,
        "control": preset.control if preset else None,
        **{name: getattr(preset, name, None) for name in NUMBERS},
        "vocabulary": _vocabulary_as_json(vocabulary) if vocabulary else None,
        "limits": list(model.limits),
    }


def _vocabulary_as_json(vocabulary: Vocabulary) -> dict[str, Any]:
    return {
        "materials": [
            {"material": name, "example": vocabulary.example(name)} for name in vocabulary.materials
        ],
        "colours": list(vocabulary.colours),
        "adjectives": list(vocabulary.adjectives),
        "additions": list(vocabulary.additions),
    }


def as_text(model: Description, width: int) -> Iterator[str]:
    """The same for people: lines of at most ``width`` characters, where words allow it."""
    yield from textwrap.wrap(f"{model.name}: {model.title}", width)
    yield ""
    facts = {
        "licence": model.licence or "not stated",
        "size": f"{model.size} ({'here' if model.installed else 'not on this computer'})",
        **({"memory": model.memory} if model.memory else {}),
        **({"here": model.fits} if model.fits else {}),
        **_usage(model),
    }
    for name, fact in facts.items():
        yield from textwrap.wrap(f"{name:10}{fact}", max(width, 20), subsequent_indent=" " * 10)
    if model.kind == trees.MODEL:
        yield from _vocabulary(model.vocabulary, width)
    if model.limits:
        yield from _heading("what it doesn't know" if model.kind == trees.MODEL else "what it is", width)
        for limit in model.limits:
            yield from textwrap.wrap(limit, width, initial_indent="- ", subsequent_indent=INDENT)


def usual(entry: Entry) -> dict[str, Any]:
    """What is known of a model of the catalogue that needn't be here: {steps, view_size, fits}; null for what
    isn't."""
    published = PUBLISHED.get(entry.family) if entry.encoder is None else None
    preset = accelerated(published, entry.accelerator) if published else None
    found = fits.here(entry.family, preset)
    return {
        "steps": preset.steps if preset else None,
        "view_size": preset.view_size if preset else None,
        "fits": found.words if found else None,
    }


def before_download(entry: Entry, width: int) -> Iterator[str]:
    """What there is to know before a model is downloaded, in lines of at most ``width`` characters."""
    told = usual(entry)
    facts = {
        "licence": entry.licence,
        "size": f"{entry.size} to download",
        "memory": entry.memory,
        "use": told["steps"] and f"{told['steps']} steps, {told['view_size']} x {told['view_size']} pixels",
        "here": told["fits"],
    }
    yield from textwrap.wrap(f"{entry.name}: {entry.title}", width)
    for name, fact in ((name, fact) for name, fact in facts.items() if fact):
        yield from textwrap.wrap(f"{name:10}{fact}", max(width, 20), subsequent_indent=" " * 10)


def _usage(model: Description) -> dict[str, str]:
    if model.preset is None:
        return {}
    side, how = model.preset.view_size, named(model.preset.accelerator)
    return {
        **({"made for": f"few steps ({model.preset.accelerator})"} if how else {}),
        "views": f"{side} x {side} pixels",
        "control": f"{model.preset.control} pictures",
        "use": ", ".join(f"{name} {getattr(model.preset, name):g}" for name in NUMBERS),
    }


def _vocabulary(vocabulary: Vocabulary | None, width: int) -> Iterator[str]:
    if vocabulary is None:
        yield from _heading("words", width)
        yield from textwrap.wrap("It lists none: any prompt may do.", width)
        return
    if vocabulary.materials:
        yield from _heading(f"{len(vocabulary.materials)} materials, and a prompt for each", width)
        yield from pairs([(name, vocabulary.example(name)) for name in vocabulary.materials], width)
    others = {
        "colours": vocabulary.colours,
        "adjectives": vocabulary.adjectives,
        "additions, after the material": vocabulary.additions,
    }
    for title, entries in others.items():
        if entries:
            yield from _heading(f"{len(entries)} {title}", width)
            yield from columns(entries, width)


def _heading(title: str, width: int) -> list[str]:
    return ["", *textwrap.wrap(title, max(width, 20))]


def pairs(rows: list[tuple[str, str]], width: int) -> Iterator[str]:
    """Two columns, side by side as often as they fit; one under the other where even two don't."""
    left = max(len(name) for name, _ in rows)
    lines = [f"{name:{left}}{' ' * GAP}{text}" for name, text in rows]
    if max(map(len, lines)) + len(INDENT) <= width:
        return columns(lines, width)
    return (line for name, text in rows for line in (INDENT + name, INDENT * 3 + text))


def columns(entries: Iterable[str], width: int) -> Iterator[str]:
    """``entries`` in columns from top to bottom, as many as fit into ``width``, at least one."""
    cells = list(entries)
    cell = max(map(len, cells)) + GAP
    count = max(1, (width - len(INDENT) + GAP) // cell)
    rows = -(-len(cells) // count)
    for i in range(rows):
        yield (INDENT + "".join(f"{text:{cell}}" for text in cells[i::rows])).rstrip()
