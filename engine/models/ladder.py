"""How a model is kept where memory is short: a ladder of plans, from what is best to what takes least.

Down the ladder, each rung with what those above it have:

    as it is computed       all weights in the precision that the device computes in
    released                what reads prompts leaves once they are read
    fewer bits              weights rest in 16 bits, then in 8 (fp8), and are widened layer by layer
    fewer rows              half as many rows in a pass of the network, and half again, down to one
    away                    weights wait in the computer's memory and visit the card layer by layer
    fewer rows, away        the same with half as many rows, down to one

The first that fits is taken. Pure functions of numbers: nothing is measured or loaded here, and no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

FULL, HALF, EIGHT = "full", "half", "fp8"  # how weights rest: in 32, 16 or 8 bits, most precise first
STAYS, LEAVES, APART = "stays", "leaves", "apart"  # what reads prompts, once they are read
# LEAVES: it comes again beside the network; APART: the network leaves for it, as well.
USUAL_ROWS = 20  # of a job: ten views with guidance; more are never waited for


@dataclass(frozen=True)
class Sizes:
    """Bytes that a model takes. text, network: of the weights of what reads prompts and of what denoises, its
    ControlNets too, by how they rest: most precise first. pixels: of the autoencoders' weights. row, picture:
    of the activations of a row in the network, of a picture in the autoencoder. rows, pictures: how many go
    through at once where there is room. layer: of the largest layer. lazy: it is so large that what reads
    prompts and what denoises take turns wherever memory is everyone's."""

    text: Mapping[str, int]
    network: Mapping[str, int]
    pixels: int
    row: int
    picture: int
    rows: int = 1
    pictures: int = 1
    layer: int = 0
    lazy: bool = False


@dataclass(frozen=True)
class Room:
    """What a device has. free, total: bytes, None where nobody knows. where: in words. ram: bytes free for
    what waits in the computer's memory, None where nobody knows. eight: whether weights can rest in 8 bits.
    away: whether they can wait elsewhere. shared: whether the memory is everyone's, and none of it the
    device's own; then what is free is a guess, and more can be had. spare: bytes for all else."""

    free: float | None
    total: float | None
    where: str = "the card"
    ram: float | None = None
    eight: bool = True
    away: bool = True
    shared: bool = False
    spare: float = 0.0


@dataclass(frozen=True)
class Plan:
    """How a model is kept. network, text: how their weights rest. reads: of what reads prompts, STAYS, LEAVES
    or APART. away: weights wait in the computer's memory. rows, pictures: how many at once. need: bytes that
    it takes at most. short: whether more than there is."""

    network: str
    text: str
    reads: str
    rows: int
    pictures: int
    away: bool = False
    need: float = 0.0
    short: bool = False

    def words(self, best: Plan) -> list[str]:
        """What is done to save memory, where ``best`` is how the model would be kept in plenty of it."""
        bits = {HALF: "16 bits", EIGHT: "8 bits (fp8)"}
        found = [f"weights in {bits[self.network]}"] if self.network != best.network else []
        if self.reads != STAYS:
            found.append("text encoder released")
        if self.rows < min(best.rows, USUAL_ROWS):
            found.append(f"{self.rows} picture{'s' * (self.rows > 1)} at once")
        if self.away:
            found.append("weights visit layer by layer (slower)")
        return found

    def changes_pictures(self, best: Plan) -> bool:
        """Whether pictures or the time they take are others than by the ``best`` plan, beyond rounding."""
        return self.away or self.network != best.network or self.rows < min(best.rows, USUAL_ROWS)


def best(sizes: Sizes, room: Room) -> Plan:
    """The plan at the top of the ladder."""
    return next(rungs(sizes, room))


def rungs(sizes: Sizes, room: Room) -> Iterator[Plan]:
    """All plans for a model of these ``sizes``, from the top of the ladder to its foot."""
    kinds = [kind for kind in sizes.network if room.eight or kind != EIGHT]
    reading = (APART,) if sizes.lazy and room.shared else (STAYS, LEAVES, APART)
    most = sizes.rows, sizes.pictures
    for kind in kinds:
        for reads in reading:
            yield _plan(sizes, room, kind, reads, most)
    fewer = list(_halves(*most))
    for count in fewer:
        yield _plan(sizes, room, kinds[-1], APART, count)
    for count in [most, *fewer] if room.away else ():
        yield _plan(sizes, room, kinds[-1], APART, count, away=True)


def choose(sizes: Sizes, room: Room) -> Plan | None:
    """The first plan that fits; None where none does. What is free of a memory that is everyone's is a
    guess: there the last plan is taken, and called short, where it fits into what there is in all."""
    plan = None
    for plan in rungs(sizes, room):
        if fits(plan, sizes, room, room.free):
            return plan
    if plan and room.shared and fits(plan, sizes, room, room.total):
        return replace(plan, short=True)
    return None


def below(plan: Plan, sizes: Sizes, room: Room) -> Plan | None:
    """The plan after ``plan`` when memory ran out all the same: half as many rows, which leaves pictures as
    they are, and what reads prompts leaves; with one row the next rung that takes less. None at the foot."""
    if plan.rows > 1 or plan.pictures > 1:
        reads = LEAVES if plan.reads == STAYS else plan.reads
        fewer = min(plan.rows, USUAL_ROWS) // 2, min(plan.pictures, USUAL_ROWS) // 2
        return _plan(sizes, room, plan.network, reads, fewer, plan.away)
    lower = (one for one in rungs(sizes, room) if one.need < plan.need and _has_ram(one, sizes, room))
    return next((one for one in lower if one.rows == 1 or one.away > plan.away), None)


def fits(plan: Plan, sizes: Sizes, room: Room, free: float | None) -> bool:
    """Whether ``free`` bytes are enough for ``plan``."""
    return (free is None or plan.need + room.spare <= free) and _has_ram(plan, sizes, room)


def holds(plan: Plan, sizes: Sizes, room: Room) -> bool:
    """Whether there still is room for a ``plan`` that was chosen before."""
    return fits(plan, sizes, room, room.total if plan.short else room.free)


def least(sizes: Sizes, room: Room) -> float:
    """Bytes that the most frugal plan takes, of those that find room for what waits."""
    found = [one.need for one in rungs(sizes, room) if _has_ram(one, sizes, room)]
    return min(found) + room.spare


def _has_ram(plan: Plan, sizes: Sizes, room: Room) -> bool:
    waits = max(sizes.network[plan.network], sizes.text.get(plan.text, 0))
    return not plan.away or room.ram is None or waits <= room.ram


def _halves(rows: int, pictures: int) -> Iterator[tuple[int, int]]:
    """Half of a usual job's rows and pictures, and half of that, until there is one of each."""
    while max(rows, pictures) > 1:
        rows, pictures = (max(1, min(count, USUAL_ROWS) // 2) for count in (rows, pictures))
        yield rows, pictures


def _plan(
    sizes: Sizes, room: Room, kind: str, reads: str, count: tuple[int, int], away: bool = False
) -> Plan:
    """count: of rows and of pictures at once."""
    rows, pictures = (max(1, one) for one in count)
    at_once = max(min(rows, USUAL_ROWS) * sizes.row, min(pictures, USUAL_ROWS) * sizes.picture)
    network = (2 * sizes.layer if away else sizes.network[kind]) + sizes.pixels
    while_reading = {STAYS: network, LEAVES: network, APART: 0}[reads]
    text = _text(sizes, room, kind, while_reading)
    words = 2 * sizes.layer if away else sizes.text.get(text, 0)
    need = max(words + while_reading, network + at_once + (words if reads == STAYS else 0))
    return Plan(kind, text, reads, rows, pictures, away, need)


def _text(sizes: Sizes, room: Room, kind: str, beside: float) -> str:
    """How what reads prompts rests: no coarser than it must for its own sake, ``beside`` so many bytes."""
    for one, size in sizes.text.items():
        if one == kind or room.free is None or size + beside + room.spare <= room.free:
            return one
    return kind
