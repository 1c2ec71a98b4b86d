"""The command line's flags, from the tables. Blender's command has its own from here, too."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

from ..errors import EXIT_BAD_INPUT, UserError, one_line
from . import values
from .commands import Batch, Output
from .image import ImageRequest
from .option import ENGINE, JOBS, Option, at, options
from .request import Request
from .splats import SplatsRequest
from .values import either

Add = Callable[..., Any]  # an ArgumentParser's add_argument, or something like it
_METAVARS = {str: "TEXT", int: "N", float: "X"}


class Parser(argparse.ArgumentParser):
    """Answers bad options as every other bad input: one line, exit status 2."""

    def error(self, message: str) -> NoReturn:
        self._refuse(message, f"{self.prog} --help lists the options")

    def parse_args(self, *words: Any, **more: Any) -> Any:
        """As of any other parser; of what isn't known, what another command takes is told apart."""
        parsed, unknown = self.parse_known_args(*words, **more)
        elsewhere = {word.split("=")[0] for word in unknown} & set(getattr(parsed, "of_meshes", ()))
        if elsewhere:
            fix = f"leave it out, or name a mesh: {self.prog} texture --help"
            self._refuse(
                f"a picture takes no {either(sorted(elsewhere))}, which counts for meshes alone", fix
            )
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return parsed

    def parse_known_args(self, *words: Any, **more: Any) -> Any:
        try:
            return super().parse_known_args(*words, **more)
        except UserError as error:
            self._refuse(str(error), error.fix)

    def _refuse(self, what: str, fix: str) -> NoReturn:
        print(one_line(what, fix), file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)


def add(add_argument: Add, entries: Iterable[Option]) -> None:
    """An argument for each of the ``entries``: a flag, or where it is positional none."""
    for entry in entries:
        if entry.positional:
            add_argument(entry.name, **_positional(entry), help=_help(entry))
        elif entry.kind is bool:
            add_argument(entry.flag, dest=entry.name, action="store_true", help=_help(entry))
        else:
            add_argument(entry.flag, dest=entry.name, **_valued(entry), help=_help(entry))


def _positional(entry: Option) -> dict[str, Any]:
    choices: dict[str, Any] = {"choices": tuple(entry.choices)}
    if not entry.choices:
        choices = {"metavar": entry.metavar or None, "type": partial(values.read, entry)}
    return choices if entry.required else {**choices, "nargs": "?"}


def _valued(entry: Option) -> dict[str, Any]:
    """Of a flag with a value; lists have it several times."""
    read = partial(values.read, replace(entry, several=False))
    how = {"type": read, "metavar": _metavar(entry), "required": entry.required}
    if not entry.several and not entry.repeats:
        return {**how, "default": entry.default}
    several = {"nargs": "+"} if entry.together else {"action": "append"}
    return {**how, **several, **({} if entry.required else {"default": list(entry.default)})}


def _metavar(entry: Option) -> str:
    if entry.metavar or not entry.choices:
        return entry.metavar or _METAVARS[entry.kind]
    return "|".join([*entry.choices, *(["N"] if entry.number else [])])


def _help(entry: Option) -> str:
    """One line: what it is, what it may be, what it is where it isn't given."""
    text = entry.help if entry.help[1].isupper() else entry.help[0].lower() + entry.help[1:]
    default = f"default: {entry.default_words}" if entry.default_words and not entry.positional else ""
    unit = "" if entry.unit.upper() == entry.metavar else entry.unit
    more = "; ".join(filter(None, (unit, default)))
    return f"{text} ({more})".replace("%", "%%") if more else text.replace("%", "%%")


def found(parsed: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """What was ``parsed`` for the options ``names``, lists as tuples; without those that were left out."""
    given = {name: getattr(parsed, name) for name in names if hasattr(parsed, name)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}


def texture(parser: argparse.ArgumentParser) -> None:
    """``texture`` of mesh files."""
    add(parser.add_argument, at(Request, ENGINE).values())
    add(parser.add_argument, options(Output).values())


def image(parser: argparse.ArgumentParser) -> None:
    """``image``. Kept as ``of_meshes``: flags that only textures of meshes have."""
    own = options(ImageRequest)
    others = (one for name, one in at(Request, ENGINE).items() if name not in own)
    parser.set_defaults(of_meshes=tuple(one.flag for one in others if not one.positional))
    add(parser.add_argument, [*at(ImageRequest, ENGINE).values(), *_output_of_no_scene()])


def splats(parser: argparse.ArgumentParser) -> None:
    """``splats``."""
    add(parser.add_argument, [*options(SplatsRequest).values(), *_output_of_no_scene()])


def _output_of_no_scene() -> list[Option]:
    """How to say how it goes, where no .blend is opened."""
    return [one for name, one in options(Output).items() if name != "blender"]


def batch(parser: argparse.ArgumentParser, needs_jobs: bool = True) -> None:
    """``batch``. needs_jobs: whether there must be a job file."""
    entries = options(Batch)
    jobs = replace(entries["jobs"], required=needs_jobs)
    add(parser.add_argument, [*{**entries, "jobs": jobs}.values(), *options(Output).values()])
    group = parser.add_argument_group("for jobs that don't say otherwise")

    def unless_given(*names: str, **how: Any) -> None:
        group.add_argument(*names, **{**how, "default": argparse.SUPPRESS, "required": False})

    add(unless_given, job_defaults())


def job_defaults() -> list[Option]:
    """The options that ``batch`` takes for all jobs at once."""
    both = {ENGINE, JOBS}
    return [
        one for name, one in options(Request).items() if both <= one.doors and name not in ("mesh", "out")
    ]
