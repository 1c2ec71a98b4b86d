"""One case of the fuzz run: its folders, what its seed decides, and how it ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Protocol

from tests.bench.fuzz import odd

WORKED, REFUSED, ENDED = "worked", "refused", "ended"
"""How a case may end: the input did no harm, was refused in a clear line, ended a process by design."""

BUG, TRACEBACK, CRASHED, HUNG, MEMORY = "said 'bug'", "traceback", "crashed", "hung", "memory"
LEFT_FILES, LEFT_PROCESSES, CHANGED = "left files", "left processes", "changed an input"
REACHED, UNCLEAR, WRONG = "reached outside", "no clear line", "wrong answer"
PROBLEMS = {
    BUG: "the message calls the input a bug of ours",
    TRACEBACK: "an exception came out raw",
    CRASHED: "the process died by a signal",
    HUNG: "it took longer than the limit",
    MEMORY: "it took, or wanted, more memory than the limit",
    LEFT_FILES: "files were left behind",
    LEFT_PROCESSES: "processes were left behind",
    CHANGED: "an input was changed",
    REACHED: "it opened or wrote a file outside, connected, or started a program",
    UNCLEAR: "the message isn't one line of plain text",
    WRONG: "no answer, or another one than was to come",
}
LONGEST = 1200  # characters of a message
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
BESIDES_LINES = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
BUG_WORD = re.compile(r"\bbugs?\b", re.IGNORECASE)


@dataclass
class Case:
    """kind and seed: its name. root: its own folder. notes: what was done to the input, in words.

    given: paths that the user names, which may be links. Files that ``act`` makes belong into ``out``.
    unwatched: what is done is the case's own doing, not that of what is tried.
    """

    kind: str
    seed: int
    root: Path
    shared: Path
    notes: list[str] = field(default_factory=list)
    given: set[str] = field(default_factory=set)
    unwatched: bool = False
    rng: Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = Random(f"{self.kind}-{self.seed}")

    @property
    def names_files(self) -> bool:
        """Whether it is the input that names odd files, and not the user."""
        return self.kind in ("meshes", "models")

    @property
    def inputs(self) -> Path:
        return self.root / "in"

    @property
    def out(self) -> Path:
        return self.root / "out"

    @property
    def outside(self) -> Path:
        """A file that nothing may open."""
        return self.root / "outside" / "secret.bin"

    def lay_out(self) -> None:
        """Make the folders, empty."""
        shutil.rmtree(self.root, ignore_errors=True)
        for name in ("in", "outside", "tmp", "cwd", "home", "log"):
            (self.root / name).mkdir(parents=True)
        self.outside.write_bytes(b"0.25 0.5 secret " * 4096)

    def write(self, name: str, data: bytes) -> Path:
        """An input file; ``name`` may have OUTSIDE in it."""
        path = self.inputs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def odd_name(self, usual: str, share: float = 0.08) -> str:
        """``usual``, now and then with another stem."""
        if self.rng.random() >= share:
            return usual
        name = self.rng.choice(odd.NAMES)
        self.notes.append(f"it is called {odd.shown(name)}")
        return f"{name}.{usual.partition('.')[2]}"


@dataclass
class Ended:
    """How a case ended: one of WORKED, REFUSED and ENDED, what was said, and what was wrong with it."""

    ending: str
    said: str = ""
    problems: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Outcome:
    """A case that was run: what it took, besides."""

    kind: str
    seed: int
    ending: str
    problems: list[str]
    own_s: float
    wall_s: float
    mb: float
    notes: list[str]
    said: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Outcome:
        return cls(**values)


class Kind(Protocol):
    """What a module of kinds/ has."""

    def prepare(self, shared: Path) -> None:
        """Import and make, once, what all cases need; ``shared`` is a folder that is kept."""

    def make(self, case: Case) -> Any:
        """Write the inputs; what it returns goes to ``act``."""

    def act(self, case: Case, made: Any) -> Ended:
        """Do with the inputs what a user would."""


def message_problems(*lines: str) -> list[str]:
    """What is wrong with a message: what it says is wrong, and how to mend that."""
    found = []
    for line in lines:
        if not line.strip() or CONTROL.search(line) or len(line) > LONGEST:
            found.append(UNCLEAR)
        if BUG_WORD.search(line):
            found.append(BUG)
        if "Traceback" in line:
            found.append(TRACEBACK)
        if re.search("memory ran out|does not fit into memory|MemoryError", line):
            found.append(MEMORY)
    return list(dict.fromkeys(found))


def printed_problems(text: str) -> list[str]:
    """What is wrong with what a command printed."""
    found = [BUG] if BUG_WORD.search(text) else []
    found += [TRACEBACK] if "Traceback (most" in text else []
    found += [UNCLEAR] if BESIDES_LINES.search(text) else []
    return found + (
        [MEMORY] if re.search("memory ran out|does not fit into memory|MemoryError", text) else []
    )


def snapshot(root: Path) -> dict[str, list[int]]:
    """Kind, size and time of everything below ``root`` but its ``out``, ``log`` and ``home``."""
    found = {}
    for folder, folders, files in os.walk(root):
        if Path(folder) == root:
            folders[:] = [name for name in folders if name not in ("out", "log", "home")]
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            entry = os.lstat(path)
            is_file = stat.S_ISREG(entry.st_mode)
            found[os.fsencode(os.path.relpath(path, root)).decode("utf-8", "backslashreplace")] = [
                stat.S_IFMT(entry.st_mode),
                entry.st_size if is_file else 0,
                entry.st_mtime_ns if is_file else 0,
            ]
    return found


def changes(before: Mapping[str, list[int]], after: Mapping[str, list[int]]) -> tuple[list[str], list[str]]:
    """(names of new entries, names of those that changed or are gone)."""
    new = [name for name in after if name not in before]
    return new, [name for name, values in before.items() if after.get(name) != values]


def save(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document), encoding="utf-8")


def load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
