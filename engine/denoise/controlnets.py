"""The ControlNets of a model: its own, and others that a job names. Which pictures each of them reads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from ..errors import UserError
from ..models import sidecar, sources
from ..models.checks import ANOTHER
from ..models.presets import Preset
from ..options import choices
from ..options.controls import Asked
from ..options.values import either
from .parts import Part
from .weights import Check


class Net(Protocol):
    """A ControlNet. part: its network. kinds: of the pictures that it can read, each with the number by which
    it is told of them, None where it isn't told. is_union: whether it reads several at once."""

    @property
    def part(self) -> Part: ...

    @property
    def kinds(self) -> Mapping[str, int | None]: ...

    @property
    def is_union(self) -> bool: ...


@dataclass(frozen=True)
class Opened:
    """A :class:`Net` that is no more than its network."""

    part: Part
    kinds: Mapping[str, int | None]
    is_union: bool = True


@dataclass(frozen=True)
class Steering:
    """A control as a job has it: pictures of a ``kind`` (choices.CONTROLS), which the ControlNet at ``net``
    reads. scale: how much it counts, at least 0. end: in [0, 1], the share of the way from noise to picture
    after which it is off. source: what the ControlNet was asked for by, "" for the model's own."""

    kind: str
    net: Path
    scale: float
    end: float
    source: str = ""


def trained_on(path: Path, published: Iterable[str] = ()) -> dict[str, int | None]:
    """The kinds of pictures for a ControlNet that isn't told of them: what the file beside it says that it
    was trained on, with the ``published`` ones of its build. One that says nothing may be for anything but
    positions, which are ours alone. Raises UserError for a file that can't be read."""
    said = sidecar.said_control(path)
    kinds = tuple(published) or tuple(kind for kind in choices.CONTROLS if kind not in choices.OF_PLACES)
    if said is not None:
        kinds = (said, *published)
    return dict.fromkeys(kinds)


def union_kinds(path: Path, numbers: Mapping[str, int], count: int) -> dict[str, int]:
    """Of the kinds of pictures, each with its number, those that a union of ``count`` kinds can be told of.
    Raises UserError where the file beside it says that it is for none of them."""
    known = {kind: number for kind, number in numbers.items() if number < count}
    if (kind := sidecar.control(path)) not in known:
        raise UserError(f"{path} is a ControlNet union, used for {kind} pictures", ANOTHER)
    return known


def steerings(controls: Sequence[Asked], own: Path, preset: Preset, check: Check) -> tuple[Steering, ...]:
    """The ``controls`` that were asked for, their ControlNets found on this computer or downloaded; where
    they leave something open, ``own``, the model's ControlNet, and its ``preset`` decide. Raises UserError,
    and what ``check`` raises."""
    found = []
    for one in controls:
        place, said = own, preset
        if one.source:
            place = sources.find_controlnet(one.source, check)
            said = sidecar.of_controlnet(place).over(preset)
        scale = said.conditioning_scale if one.scale is None else one.scale
        end = said.control_end if one.end is None else one.end
        found.append(Steering(one.kind, place, float(scale), float(end), one.source))
    return tuple(found)


N = TypeVar("N", bound=Net)


class ControlNets(Generic[N]):
    """Those that are open, by their places. own: of the one that came with the model."""

    def __init__(self, own: Path, opened: Callable[[Path], N]) -> None:
        """opened: makes one of a place, without its weights. Raises UserError for an ``own`` one that doesn't
        fit the model."""
        self.own, self._opened = own, opened
        self._nets: dict[Path, N] = {own: opened(own)}

    def __getitem__(self, place: Path | None) -> N:
        """None: the model's own."""
        return self._nets[place or self.own]

    def parts(self, places: Collection[Path]) -> list[Part]:
        """The networks of some of them, each once."""
        return [self._nets[place].part for place in dict.fromkeys(places)]

    def use(self, wanted: Collection[Steering]) -> None:
        """Have those open that are ``wanted``, where none is the model's own, and no memory taken by others.
        Raises UserError where one doesn't fit the model, or isn't for its pictures; then all is as it was
        before."""
        places = [one.net for one in wanted]
        nets = {place: self._nets.get(place) or self._opened(place) for place in dict.fromkeys(places)}
        for one in wanted:
            self._require_kind(one, nets[one.net])
            if places.count(one.net) > 1 and not nets[one.net].is_union:
                what = f"{{controls}}: {one.net} reads one kind of picture, not several"
                raise UserError(what, "name a ControlNet for each, or a ControlNet union", controls=None)
        kept = nets or {self.own}
        for place, net in self._nets.items():
            if place not in kept:
                net.part.release()
        self._nets = {self.own: self._nets[self.own], **nets}

    def _require_kind(self, wanted: Steering, net: N) -> None:
        kinds = list(net.kinds)
        if wanted.net == self.own and not net.is_union:  # one that comes with a model says what it is for
            kinds = [sidecar.control(wanted.net)]
        if wanted.kind not in kinds:
            which = "the model's own ControlNet" if wanted.net == self.own else str(wanted.net)
            what = f"{{controls}}: {which} is for {either(kinds)} pictures, not {wanted.kind}"
            raise UserError(what, f"name one for them as {wanted.kind}=SOURCE", controls=None)
