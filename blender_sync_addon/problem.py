"""What went wrong, in words that an artist can act on. No bpy."""

from __future__ import annotations

from ..engine import protocol


class Problem(Exception):
    """Something that ends a job. ``str(problem)`` is one line: what is wrong, and how to mend it.

    what: what is wrong. fix: how to mend it, or "". code: the exit status that belongs to it
    (``protocol.EXIT_...``).
    """

    def __init__(self, what: str, fix: str = "", code: int = protocol.EXIT_BAD_INPUT) -> None:
        self.what = _capital(what)
        self.fix = _capital(fix)
        super().__init__(f"{self.what.rstrip('. ')}. {self.fix}".strip())
        self.code = code


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


class Stopped(Problem):
    """The job was cancelled: nothing to mend."""

    def __init__(self, why: str = "Cancelled") -> None:
        super().__init__(why, code=protocol.EXIT_CANCELLED)
