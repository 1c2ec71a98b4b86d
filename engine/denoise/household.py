"""What of a model is in memory, and how: by the ladder (models/ladder.py), in the room of the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from ..errors import OutOfMemory
from ..models import fits, ladder
from ..models.ladder import APART, EIGHT, FULL, HALF, STAYS, Plan, Room, Sizes
from . import device as devices
from .families.family import NETWORK, PIXELS, TEXT, Family
from .parts import Part
from .resting import EIGHT_BITS, Rest
from .weights import Check

Steering = Callable[[], list[Part]]


class Household:
    """The parts of a family. plan: how they are kept now. batch: rows that go through the network at once;
    vae_batch: pictures through the autoencoder."""

    def __init__(
        self,
        family: Family[Any],
        view: tuple[int, int],
        steering: Steering,
        name: str,
        lent: Callable[[], int],
    ) -> None:
        """view: its sides, in latents and in pixels. steering: gives the networks of the ControlNets in use.
        name: of the model, for errors. lent: bytes that another model gives back once they are needed.
        Nothing is loaded yet; raises OutOfMemory where it can't be kept in any way."""
        side, pixels = view
        self._family, self._steering, self._name, self._lent = family, steering, name, lent
        self._row, self._picture = family.row_bytes(side), family.picture_bytes(pixels)
        self._rows = max(1, devices.budget(family.device) // self._row)
        self._pictures = max(1, devices.vae_budget(family.device) // self._picture)
        self._sizes = self._count()
        self._choose()

    def settle(self) -> None:
        """A job begins, perhaps with other ControlNets than before: keep the plan where nothing has changed
        and there still is room, else choose one. Raises OutOfMemory where none fits; then all is as it
        was."""
        sizes = self._count()
        if sizes != self._sizes or not ladder.holds(self.plan, sizes, self._there()):
            before, self._sizes = self._sizes, sizes
            try:
                self._choose()
            except OutOfMemory:
                self._sizes = before
                raise

    def _choose(self) -> None:
        room = self._there()
        found = ladder.choose(self._sizes, room)
        if found is None:
            raise self._too_large(room)
        self._room, self._best = room, ladder.best(self._sizes, room)
        self._follow(found)

    def _there(self) -> Room:
        """What the device has for the model: what is free, and what it has already, or can have."""
        room = devices.room(self._family.device)
        ours = sum(part.bytes_here for part in self._all()) + self._lent()
        return room if room.free is None else replace(room, free=room.free + ours)

    def _follow(self, plan: Plan) -> None:
        self.plan, self.batch, self.vae_batch = plan, plan.rows, plan.pictures
        kinds = {FULL: None, HALF: self._family.half, EIGHT: EIGHT_BITS}
        for stage, how in ((TEXT, plan.text), (NETWORK, plan.network)):
            for part in self.parts(stage):
                part.lie(Rest(kinds[how], plan.away))

    @property
    def _computed(self) -> str:
        """How weights rest that are as they are computed with."""
        return FULL if self._family.dtype.itemsize == 4 else HALF

    def _count(self) -> Sizes:
        family = self._family
        kinds = {self._computed: None, HALF: family.half, EIGHT: EIGHT_BITS}

        def of(stage: str) -> dict[str, int]:
            parts = self.parts(stage)
            return {name: sum(part.bytes(kind) for part in parts) for name, kind in kinds.items()}

        seen = family.references.bytes if family.references else 0
        return Sizes(
            of(TEXT),
            of(NETWORK),
            sum(part.bytes() for part in self.parts(PIXELS)) + seen,
            self._row,
            self._picture,
            self._rows,
            self._pictures,
            max((part.layer_bytes for part in self._all()), default=0),
            family.takes_turns,
        )

    def _too_large(self, room: Room) -> OutOfMemory:
        least, free = ladder.least(self._sizes, room) / 2**30, (room.free or 0.0) / 2**30
        what = f"{self._name} takes {least:.1f} GB of memory at least, and {room.where} has {free:.1f} free"
        others = fits.smaller(room, self._computed)
        fix = f"use {{model}} {others[-1]}, which fits, or " if others else ""
        return OutOfMemory(what, f"{fix}close other programs", model=None)

    def parts(self, stage: str) -> list[Part]:
        """Those of a ``stage``, the ControlNets that steer among those of the network; what makes pictures of
        states, all of it."""
        family = self._family
        names = [component.name for component in family.components if component.stage == stage]
        names += ["tiny"] if stage == PIXELS and family.has_tiny else []
        nets = self._steering() if stage == NETWORK else []
        return [*(family.parts[name] for name in names), *nets]

    def _all(self) -> list[Part]:
        return [part for stage in (TEXT, NETWORK, PIXELS) for part in self.parts(stage)]

    def load(self, check: Check) -> None:
        """What may stay in memory all the time, but for what is so large that it comes when it is needed.
        check: called all along; may raise Cancelled."""
        if self.plan.reads == STAYS and not self._family.takes_turns:
            for part in self._family.parts.values():
                part.network(check)

    def read(self) -> None:
        """Prompts are to be embedded: make room for what does that."""
        if self.plan.reads == APART and not all(part.is_loaded for part in self.parts(TEXT)):
            self.release(NETWORK)

    @property
    def lendable(self) -> int:
        """Bytes that :meth:`lend` can free."""
        return sum(part.bytes_here for stage in (TEXT, NETWORK) for part in self.parts(stage))

    def lend(self, need: float) -> None:
        """Something else takes ``need`` bytes for a moment: where they aren't free, what reads prompts and
        what denoises go, and come again when they are needed."""
        room = devices.room(self._family.device)
        if room.free is not None and room.free < need + room.spare:
            self.release(TEXT)
            self.release(NETWORK)

    def ready(self, check: Check) -> None:
        """All prompts are embedded: have what denoises in memory. check: as in :meth:`load`."""
        if self.plan.reads != STAYS:
            self.release(TEXT)
        for part in self.parts(NETWORK):
            part.network(check)

    def release(self, stage: str) -> None:
        """Give the memory of the parts of a ``stage`` back until they are needed again."""
        for part in self.parts(stage):
            part.release()
        devices.empty_cache(self._family.device)

    def step_down(self) -> bool:
        """Take less memory from now on, which ran out; False at the foot of the ladder."""
        lower = ladder.below(self.plan, self._sizes, self._room)
        if lower is None:
            return False
        self._follow(lower)
        self.release(TEXT)
        return True

    def limit(self, rows: int, pictures: int) -> None:
        """So many rows and pictures at a time at most, whatever would fit."""
        self._rows, self._pictures = rows, pictures
        self._sizes = self._count()
        self._choose()

    @property
    def words(self) -> str:
        """How the model is kept, in one line."""
        kinds = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}
        computed = kinds[self._family.dtype]
        return ", ".join([f"computed in {computed}", *self.plan.words(self._best)])

    @property
    def note(self) -> list[str]:
        """The same where memory is so short that something comes out otherwise; else nothing."""
        if not self.plan.changes_pictures(self._best):
            return []
        free = f"{(self._room.free or 0) / 2**30:.1f} GB of {self._room.where}'s memory are free"
        return [f"{free}: {', '.join(self.plan.words(self._best))}"]
