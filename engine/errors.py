"""Errors that a person can do something about. Standard library only; any folder may import it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import words

LONGEST = 320  # characters of what is wrong, and of how to mend it
# Exit statuses of the command line, and `code` of a failed message.
EXIT_DONE = 0
EXIT_BUG = 1
EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 3
EXIT_OUT_OF_MEMORY = 4
EXIT_INCOMPLETE = 5  # done, but some objects of the scene couldn't be textured
EXIT_DISK = 6  # the disk is full, or fails: nothing is wrong with what was asked for

Value = str | None
Name = Callable[[str, Value], str]
"""What a door calls an option, with the value to give it where there is one."""

# Several values, but each by a flag of its own.
_FLAGS = {
    "controls": "--control",
    "objects": "--object",
    "other_meshes": "--mesh",
    "other_prompts": "--prompt",
    "other_unwraps": "--unwrap",
}


def flag(name: str, value: Value = None) -> str:
    """How the command line calls the option ``name``."""
    spelled = _FLAGS.get(name) or "--" + name.replace("_", "-")
    return f"{spelled} {value}" if value else spelled


def column(name: str, value: Value = None) -> str:
    """How a job file calls the option ``name``."""
    return f"{name} {value}" if value else name


@dataclass(frozen=True)
class Wording:
    """What is wrong and how to mend it, one line each, with ``{name}`` where an option is named.

    options: those that are named, with the value to give them where there is one.
    """

    error: str
    fix: str
    options: Mapping[str, Value] = field(default_factory=dict)

    def by(self, name: Name) -> tuple[str, str]:
        """Error and fix with the options called as ``name`` does, each a line that can be shown, of at most
        LONGEST characters."""
        error, fix = (readable(_named(text, self.options, name)) for text in (self.error, self.fix))
        return words.line(error, LONGEST), words.line(fix, LONGEST)


def _named(text: str, options: Mapping[str, Value], name: Name) -> str:
    for option, value in options.items():
        text = text.replace(f"{{{option}}}", name(option, value))
    return text


def one_line(what: str, fix: str) -> str:
    """What is wrong and how to mend it, as a terminal shows it."""
    return readable(f"error: {' '.join(what.split()).rstrip('.')}. {' '.join(fix.split())}")


def readable(text: str) -> str:
    """``text``, of one or several lines, with "?" for what can't be printed, and a space for any kind of
    space: names of files, and what stands in them, would steer a terminal or turn its lines round."""
    return "".join(one if one.isprintable() or one == "\n" else " " if one.isspace() else "?" for one in text)


class UserError(Exception):
    """Something the user can mend. ``str(error)`` is one line: what is wrong; ``fix``: how to mend it.

    Both call options as the command line does; ``wording`` is for other doors.
    """

    code = EXIT_BAD_INPUT

    def __init__(self, what: str, fix: str, **options: Value) -> None:
        """what, fix: one line each, ``{name}`` where one of ``options`` is named: a value for it, or None."""
        self.wording = Wording(what, fix, options)
        error, self.fix = self.wording.by(flag)
        super().__init__(error)


class OutOfMemory(UserError):
    """Memory ran out after every fallback."""

    code = EXIT_OUT_OF_MEMORY


class DiskError(UserError):
    """The disk is full, or can't be written: the same works once that is mended. See disk.py."""

    code = EXIT_DISK


class Cancelled(Exception):
    """The user cancelled; raised at the next place where the job looks."""
