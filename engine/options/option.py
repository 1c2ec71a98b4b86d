"""What an option is: one entry of a table, from which every door takes what it needs.

A table is a frozen dataclass. Each field, ``field(default=..., metadata=option(...))``, is an entry; its type
hint and default count, an instance of the class holds values.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..errors import flag

ENGINE = "engine"
JOBS = "job file"
BLENDER = "Blender"
PANEL = "panel"
EVERYWHERE = frozenset({ENGINE, JOBS, BLENDER, PANEL})
"""The doors through which an option can be given; the first and the third are commands."""

_PATHS = frozenset({"FILE", "DIR", "JOBS", "PROGRAM"})  # metavars
Words = tuple[str, str]  # a choice's label, and its tooltip


@dataclass(frozen=True)
class Option:
    """One option.

    In words:
    label: its name in the panel, and in messages there. help: sentences without the last full stop;
    blender_help: the same inside Blender, where it differs. section: the group in which it is shown.
    metavar: what stands for its value in --help. usual: the default in words, where these say it better;
    blender_usual: likewise inside Blender. unit: what a number counts.

    Values:
    choices: those of which it is one, each with its words; with limits a number is one, too.
    blender_choices: further choices, or other words, inside Blender. unseen: choices that the panel leaves
    out. low, high: the limits, themselves included. common: the numbers that the panel offers.
    by_model: where nothing is given, the model's preset decides, and with it its sync_texture.json.
    instead: what holds where nothing is given, if it is neither that nor the default.

    Where it counts:
    doors: where it can be given. positional: on the command line without a flag. repeats: with several;
    together: all of them after one flag. spelled: its flag, where it isn't the name's.
    needs: another option and its value, without which it counts for nothing. stands_for: an option of a
    request in whose place the panel has this one. personal: it belongs to one texture, not to a way of making
    them, so that presets leave it out. reported: report.json says it. elsewhere: where Blender has it, if
    not in the panel.

    Of the field, filled in by :func:`options`:
    name, default. kind: str, int, float or bool. several: a tuple of them. by_space: an object with one for
    each sync space. required: there is no default. optional: None means "not given".
    """

    label: str
    help: str
    section: str = ""
    choices: Mapping[str, Words] = field(default_factory=dict)
    blender_choices: Mapping[str, Words] = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    blender_help: str = ""
    common: tuple[int, ...] = ()
    low: float | None = None
    high: float | None = None
    unit: str = ""
    by_model: bool = False
    instead: Any = None
    doors: frozenset[str] = EVERYWHERE
    needs: tuple[str, Any] | None = None
    stands_for: str = ""
    personal: bool = False
    reported: bool = True
    elsewhere: str = ""
    metavar: str = ""
    repeats: bool = False
    positional: bool = False
    together: bool = False
    spelled: str = ""
    usual: str = ""
    blender_usual: str = ""
    name: str = ""
    kind: type = str
    several: bool = False
    by_space: bool = False
    required: bool = False
    optional: bool = False
    default: Any = None

    @property
    def flag(self) -> str:
        """As the command line spells it."""
        return self.spelled or flag(self.name)

    @property
    def is_path(self) -> bool:
        """Whether it names a file or a folder, or may do so."""
        return self.kind is str and not _PATHS.isdisjoint(self.metavar.split("|"))

    @property
    def number(self) -> type | None:
        """What a number must be, where it may be one: a text with limits is a whole number."""
        if self.kind is str:
            return None if self.high is None else int
        return None if self.kind is bool else self.kind

    @property
    def default_words(self) -> str:
        """What it is where it isn't given, in words; "" where that is nothing."""
        usual = "the model's" if self.by_model else self.usual or self.instead or self.default
        if usual is None or isinstance(usual, bool):
            return "on" if usual else ""
        return f"{usual:g}" if isinstance(usual, int | float) else str(usual or "")

    @property
    def limits(self) -> tuple[float, float]:
        """The least and the largest number."""
        low, high = self.low, self.high
        return (-math.inf if low is None else low, math.inf if high is None else high)

    def at(self, door: str) -> Option:
        """The option as ``door`` has it."""
        if door not in (BLENDER, PANEL):
            return self
        both = {**self.choices, **self.blender_choices}
        shown = {name: words for name, words in both.items() if door != PANEL or name not in self.unseen}
        text, usual = self.blender_help or self.help, self.blender_usual or self.usual
        return dataclasses.replace(self, choices=shown, help=text, usual=usual)


def option(label: str, text: str, section: str = "", **more: Any) -> Mapping[str, Option]:
    """Metadata of a table's field; arguments as of :class:`Option`, text as its help."""
    return {"option": Option(label, text, section, **more)}


@functools.cache
def options(table: type) -> Mapping[str, Option]:
    """The entries of ``table`` by name, in its order."""
    hints = typing.get_type_hints(table)
    fields = (field for field in dataclasses.fields(table) if "option" in field.metadata)
    return MappingProxyType({field.name: _entry(field, hints[field.name]) for field in fields})


def _entry(field: dataclasses.Field[Any], hint: Any) -> Option:
    kind = _without_none(hint)
    outer, inner = typing.get_origin(kind), typing.get_args(kind)
    missing = field.default is dataclasses.MISSING
    entry: Option = field.metadata["option"]
    return dataclasses.replace(
        entry,
        name=field.name,
        kind=_without_none(inner[0] if outer is tuple else inner[1]) if outer else kind,
        several=outer is tuple,
        by_space=outer is Mapping,
        required=missing,
        optional=kind is not hint,
        default=None if missing else field.default,
    )


def _without_none(hint: Any) -> Any:
    """``int`` for ``int | None``; the first of other unions."""
    if not isinstance(hint, types.UnionType):
        return hint
    return next(kind for kind in typing.get_args(hint) if kind is not types.NoneType)


def at(table: type, door: str) -> dict[str, Option]:
    """The entries of ``table`` that can be given at ``door``, as it has them."""
    return {name: one.at(door) for name, one in options(table).items() if door in one.doors}
