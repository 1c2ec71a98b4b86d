"""What went wrong, in words that an artist can act on. No bpy."""

from __future__ import annotations

from typing import Any

from ..engine import protocol
from ..engine.options.blender import label


class Problem(Exception):
    """Something that ends a job. ``str(problem)`` is one line: what is wrong, and how to mend it.

    what: what is wrong. fix: how to mend it, or "". Both call options as the panel does; ``wording`` is for
    other doors. code: the exit status that belongs to it (``protocol.EXIT_...``).
    """

    def __init__(
        self, what: str, fix: str = "", code: int = protocol.EXIT_BAD_INPUT, **options: str | None
    ) -> None:
        """what, fix: ``{name}`` where one of ``options`` is named: a value for it, or None."""
        self.wording = protocol.Wording(_capital(what), _capital(fix), options)
        self.what, self.fix = map(_capital, self.wording.by(label))
        super().__init__(_one_line(self.what, self.fix))
        self.code = code

    @classmethod
    def of(cls, error: protocol.UserError) -> Problem:
        """The engine's ``error``, in the panel's words."""
        return cls(error.wording.error, error.wording.fix, error.code, **error.wording.options)

    @property
    def on_command_line(self) -> str:
        """``str(problem)`` in the words of the command line."""
        return _one_line(*self.wording.by(protocol.flag))


def of_message(msg: dict[str, Any]) -> Problem:
    """What a failed message tells. Raises ValueError where it is none."""
    failure = protocol.Failure.of(msg)
    words = failure.words
    if taken := words.options.keys() & {"self", "what", "fix", "code"}:
        raise ValueError(f"no option is called {min(taken)}")
    return Problem(words.error, words.fix, failure.code, **words.options)


def say(operator: Any, level: str, text: str) -> None:
    """Let ``operator`` report ``text``, lines that a terminal can show: objects' names may hold anything.
    level: "INFO", "WARNING" or "ERROR"."""
    operator.report({level}, "\n".join(map(protocol.shown, text.splitlines())))


def _one_line(what: str, fix: str) -> str:
    return protocol.shown(f"{what.rstrip('. ')}. {fix}".strip())


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class Stopped(Problem):
    """The job was cancelled: nothing to mend."""

    def __init__(self, why: str = "Cancelled") -> None:
        super().__init__(why, code=protocol.EXIT_CANCELLED)
