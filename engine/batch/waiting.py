"""The tasks that are still to be done, in the order in which they come."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from . import task
from .task import Task


class Waiting:
    """First those that give no trouble, at last those that need care."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        left = [one for one in tasks if one.state == task.WAITING]
        self._easy = deque(one for one in left if not one.careful)
        self._careful = deque(one for one in left if one.careful)

    def __len__(self) -> int:
        return len(self._easy) + len(self._careful)

    def easy(self, model: tuple[str, str] | None) -> Task | None:
        """The first that waits for the ``model`` that an engine has loaded, else the first."""
        if not self._easy:
            return None
        chosen = next((one for one in self._easy if one.model == model), self._easy[0])
        self._easy.remove(chosen)
        return chosen

    def careful(self) -> Task | None:
        """The first that needs care."""
        return self._careful.popleft() if self._careful else None

    def put_first(self, again: Task) -> None:
        """Before the others of its kind: it has waited before."""
        (self._careful if again.careful else self._easy).appendleft(again)

    def put_last(self, again: Task) -> None:
        """After all others, with more care than before."""
        again.careful = True
        self._careful.append(again)
