"""What went wrong, in words that an artist can act on. No bpy."""

from __future__ import annotations

from ..engine import protocol


class Problem(Exception):
    """Something that ends a job. ``str(problem)`` is one line: what is wrong, and how to mend it.

    what: what is wrong. fix: how to mend it, or "". code: the exit status that belongs to it
    (``protocol.EXIT_...``).
    """

    def __init__(self, what: str, fix: str = "", code: int = protocol.EXIT_BAD_INPUT) -> None:
        super().__init__(f"{what.rstrip('. ')}. {fix}".strip())
        self.what = what
        self.fix = fix
        self.code = code


class Stopped(Problem):
    """The job was cancelled: nothing to mend."""

    def __init__(self, why: str = "Cancelled") -> None:
        super().__init__(why, code=protocol.EXIT_CANCELLED)
