"""Errors that a person can do something about. Standard library only; any folder may import it."""

from __future__ import annotations

from . import protocol


class UserError(Exception):
    """Something the user can mend. ``str(error)`` is one line: what is wrong; ``fix``: how to mend it."""

    code = protocol.EXIT_BAD_INPUT

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(what)
        self.fix = fix


class OutOfMemory(UserError):
    """Memory ran out after every fallback."""

    code = protocol.EXIT_OUT_OF_MEMORY


class Cancelled(Exception):
    """The user cancelled; raised at the next place where the job looks."""
