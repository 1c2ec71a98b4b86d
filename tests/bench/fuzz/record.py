"""What came of all cases so far, in a file that grows by a line a case: a run goes on where one ended."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bench.fuzz.case import Outcome


class Record:
    """Outcomes in ``path``; of a case that was run again the last one counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._found: dict[tuple[str, int], Outcome] = {}
        for line in path.read_text("utf-8").splitlines() if path.exists() else ():
            try:
                self._note(Outcome.from_dict(json.loads(line)))
            except (ValueError, TypeError):
                continue  # cut off when a run was killed

    def add(self, outcome: Outcome) -> None:
        self._note(outcome)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(outcome.as_dict()) + "\n")

    def _note(self, outcome: Outcome) -> None:
        self._found[outcome.kind, outcome.seed] = outcome

    @property
    def outcomes(self) -> list[Outcome]:
        return [self._found[key] for key in sorted(self._found)]

    @property
    def problems(self) -> list[Outcome]:
        return [one for one in self.outcomes if one.problems]

    def next_seed(self, kind: str, first: int) -> int:
        """The first from ``first`` on that wasn't run."""
        while (kind, first) in self._found:
            first += 1
        return first

    def seconds(self, kind: str) -> float:
        """That all cases of ``kind`` took, by the clock."""
        return sum(one.wall_s for one in self.outcomes if one.kind == kind)
