"""What is being done just now and what was found out: what Preferences show. One thing at a time. No bpy."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..problem import Problem, Stopped
from .activity import Activity
from .models import ModelEntry

OnDone = Callable[[Any], None]


@dataclass
class SetupStatus:
    """current: what is being done. title, problem: of what was done last; problem None when it went well.

    doctor_report: the doctor's last answer. models: the last list, None before the first. log: of what was
    done last.
    """

    current: Activity | None = None
    title: str = ""
    problem: Problem | None = None
    doctor_report: dict[str, Any] | None = None
    models: list[ModelEntry] | None = None
    log: Path | None = None
    _done: OnDone = field(default=lambda _result: None)

    def begin(self, title: str, work: Callable[[Activity], object], done: OnDone, log: Path) -> Activity:
        """Start ``work``; ``done`` gets its result when all went well. Raises Problem while it is busy."""
        if self.current:
            raise Problem(f"{self.current.title} isn't finished yet", "Wait for it, or cancel it.")
        self.title, self.problem, self.log, self._done = title, None, log, done
        self.current = Activity(title, log)
        self.current.start(work)
        return self.current

    def settle(self) -> bool:
        """Take note of the end of what is being done; False while it goes on."""
        if self.current is None:
            return True
        if not self.current.ended:
            return False
        ended, self.current = self.current, None
        self.problem = ended.problem
        if ended.problem is None:
            self._done(ended.result)
        return True

    @property
    def message(self) -> str:
        """What became of what was done last, in one line; "" when nothing was done yet."""
        if not self.title or self.current:
            return ""
        if isinstance(self.problem, Stopped):
            return f"{self.title}: cancelled"
        return str(self.problem) if self.problem else f"{self.title}: done"

    def cancel(self) -> None:
        """End what is being done; Blender ends, or the extension is switched off."""
        if self.current:
            self.current.cancel()


setup_status = SetupStatus()
atexit.register(setup_status.cancel)
