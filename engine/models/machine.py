"""What this computer paints with, as the doctor or a job found it: told without torch, which takes seconds to
ask. It lies in a file beside the list of linked models."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

from .. import inputs
from ..errors import UserError
from . import links
from .ladder import Room

FILE = "machine.json"
MOST_BYTES = 1 << 14
CARD_SPARE = 1.2e9  # bytes of a card that the desktop, Blender and the driver have, about
SHARE = 0.8  # of a computer's memory that one program can have


@dataclass(frozen=True)
class Machine:
    """device: "cuda", "mps" or "cpu". name: of the card or processor. memory: bytes of it in all, None where
    nobody knows. tflops: 10^12 operations a second in large products of matrices, as precise as networks
    compute there. half: whether they compute in 16 bits. ram: bytes of the computer."""

    device: str
    name: str
    memory: int | None
    tflops: float
    half: bool
    ram: int | None = None

    @property
    def room(self) -> Room:
        """For a model, when nothing else runs but a desktop."""
        there = None if self.memory is None else SHARE * self.memory
        if self.device == "cuda":
            there = None if self.memory is None else self.memory - CARD_SPARE
            return Room(there, there, self.where, ram=None if self.ram is None else SHARE * self.ram)
        can_rest = self.device == "cpu"
        return Room(there, there, self.where, eight=can_rest, away=False, shared=True)

    @property
    def where(self) -> str:
        """The device in words, with its memory."""
        of = f" ({self.memory / 2**30:.0f} GB)" if self.memory else ""
        return {"cuda": f"the {self.name}", "mps": "Apple's GPU"}.get(self.device, "the processor") + of


def path() -> Path:
    """The file; it needn't exist."""
    return links.path().parent / FILE


def read() -> Machine | None:
    """What was found when somebody last looked; None where nobody has, or where the file isn't usable."""
    if not os.path.lexists(path()):
        return None
    try:
        found = inputs.read_json(path(), MOST_BYTES)
        machine = Machine(**found)
        usable = isinstance(machine.device, str) and isinstance(machine.name, str)
        return machine if usable and machine.tflops > 0 and (machine.memory or 1) > 0 else None
    except (UserError, TypeError):
        return None


def write(machine: Machine) -> None:
    """Remember it. Where nothing can be written, nobody will know."""
    try:
        path().parent.mkdir(parents=True, exist_ok=True)
        path().write_text(json.dumps(dataclasses.asdict(machine)), encoding="utf-8")
    except OSError:
        pass
