"""Whether a model runs on a machine, how, and about how long it takes there: before it is downloaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import ladder, machine
from .catalogue import ENTRIES, Entry
from .figures import BY_FAMILY, Figures
from .ladder import FULL, HALF, Plan, Room
from .machine import Machine
from .presets import Preset

VIEWS = 10
ROWS = 10  # in a pass, where there is room: all views of a job, which attention across views wants
REACHED = 0.6  # of what large products of matrices do: a guess for all devices, good enough for "about"
CROSSING = 6e9  # bytes a second from a computer's memory to its card, about
TOLD = ("flux-dev",)  # families whose network is told the guidance, and takes one pass
CARDS = (6, 8, 10, 12, 16, 24, 32, 48, 80)  # GB of cards that there are
COMPUTERS = (8, 12, 16, 24, 32, 48, 64, 96, 128)  # and of computers


@dataclass(frozen=True)
class Fit:
    """runs: whether it does at all. how: in words. seconds: of ten views, about; None where it doesn't."""

    runs: bool
    how: str
    seconds: float | None = None

    @property
    def words(self) -> str:
        """In one line."""
        return self.how if self.seconds is None else f"{self.how}; ten views take {duration(self.seconds)}"


def on(family: str, preset: Preset | None, there: Machine) -> Fit | None:
    """How a model of a ``family`` with its ``preset`` runs ``there``; None where nothing is known of
    what it takes."""
    figures = BY_FAMILY.get(family)
    if figures is None or preset is None:
        return None
    figures = figures.at(preset.view_size)
    room, sizes = there.room, figures.sizes(HALF if there.half else FULL, ROWS)
    plan = ladder.choose(sizes, room)
    if plan is None:
        least = ladder.least(sizes, room) / 2**30
        without = ", as its weights can't wait in the computer's memory" if _waits(sizes, room) else ""
        return Fit(False, f"doesn't fit on {there.where}: it takes {least:.1f} GB at least{without}")
    saved = plan.words(ladder.best(sizes, room))
    how = ": ".join([f"runs on {there.where}", *([", ".join(saved)] if saved else [])])
    return Fit(True, how, _seconds(figures, preset, there, plan))


def here(family: str, preset: Preset | None) -> Fit | None:
    """The same on this computer, as it was measured; None where nobody has, or nothing is known."""
    found = machine.read() if preset and family in BY_FAMILY else None
    return on(family, preset, found) if found else None


def _waits(sizes: ladder.Sizes, room: Room) -> bool:
    """Whether it would fit if the computer had more memory for what waits there."""
    return room.ram is not None and ladder.choose(sizes, replace(room, ram=None)) is not None


def _seconds(figures: Figures, preset: Preset, there: Machine, plan: Plan) -> float:
    passes = 1 if preset.guidance == 1.0 or preset.family in TOLD else 2
    rows = VIEWS * passes * preset.steps
    pictures = VIEWS * figures.decode
    if preset.sync_space == "rgb":
        pictures += VIEWS * preset.steps * (figures.decode + 2 * figures.encode)
    computing = (rows * figures.tflop + pictures) / (there.tflops * REACHED)
    crossing = figures.network.by_rest(HALF)[plan.network] / CROSSING * rows / plan.rows if plan.away else 0.0
    return computing + crossing


def duration(seconds: float) -> str:
    """About so long, in words."""
    for unit, least, name in ((86400.0, 172800.0, "day"), (3600.0, 5400.0, "hour"), (60.0, 90.0, "minute")):
        if seconds >= least:
            return f"about {round(seconds / unit)} {name}s"
    rounded = max(1, round(seconds)) if seconds < 10 else 5 * round(seconds / 5)
    return f"about {rounded} second{'s' * (rounded > 1)}"


def smaller(room: Room, computed: str) -> list[str]:
    """The models of the catalogue that fit into ``room`` where networks compute in ``computed`` (FULL or
    HALF), by their names, the smallest first."""
    found = [e for e in ENTRIES if e.family in BY_FAMILY and ladder.choose(_of(e, computed), room)]
    return [entry.name for entry in sorted(found, key=lambda e: BY_FAMILY[e.family].network.total)]


def _of(entry: Entry, computed: str) -> ladder.Sizes:
    return BY_FAMILY[entry.family].sizes(computed, ROWS)


def wants(family: str) -> str:
    """What a model of a ``family`` wants, in words: the smallest graphics card for each way to keep it, and
    how much memory without one; "" where nothing is known."""
    figures = BY_FAMILY.get(family)
    if figures is None:
        return ""
    without = next((size for size in COMPUTERS if _in_computer(figures, size)), None)
    return ", ".join(_cards(figures)) + (f"; {without} GB of memory without one" if without else "")


def _cards(figures: Figures) -> Iterator[str]:
    sizes, said = figures.sizes(HALF, 1), {}
    for size in reversed(CARDS):
        room = Machine("cuda", "", size * 2**30, 1.0, half=True).room
        if plan := ladder.choose(sizes, room):
            way = "layer by layer" if plan.away else {HALF: "card", ladder.EIGHT: "in fp8"}[plan.network]
            said[way] = size
    yield from (f"{size} GB {way}" for way, size in said.items() if way == "card" or size < said["card"])


def _in_computer(figures: Figures, size: int) -> bool:
    room = Machine("cpu", "", size * 2**30, 1.0, half=False).room
    plan = ladder.choose(figures.sizes(FULL, 2), room)
    return plan is not None and not plan.short
