"""What a family of models has to say about itself: its parts, its levels, how it reads prompts and pictures.

The denoiser knows no more of a model than this. States and estimates are float32 (N, C, h, w) everywhere; how
a family packs or normalises them for its networks stays inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any, ClassVar, Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor

from ...models.accelerators import Accelerator
from ...options.channels import Channel
from ..autoencoder import Autoencoder
from ..controlnets import ControlNets
from ..estimator import Estimator
from ..levels import Level, Schedule
from ..parts import Part
from ..references import References

Check = Callable[[], None]
Which = slice | Tensor  # rows: consecutive ones, or (m,) int64 their numbers

TEXT, NETWORK, PIXELS = "text", "network", "pixels"


@dataclass(frozen=True)
class Component:
    """A network of a family. name: of its folder in a pipeline. network: "module:Class" that it is built
    with. stage: what it is for, TEXT (only while prompts are embedded), NETWORK or PIXELS."""

    name: str
    network: str
    stage: str


@dataclass(frozen=True)
class Latent:
    """The states of a model. channels: C. pixels: across the square of one latent. side: latents across what
    it was trained on."""

    channels: int
    pixels: int
    side: int


class Rows(Protocol):
    """Something for each row of a batch, in whatever form its network takes it (a tensor, lists of different
    lengths, ...). Only its family looks inside."""

    def rows(self, n: int) -> Self:
        """For ``n`` rows; a single one serves all."""

    def take(self, which: Which) -> Self:
        """Some of the rows."""

    def joined(self, other: Self) -> Self:
        """These rows and then the ``other`` ones."""


R = TypeVar("R", bound=Rows)


@dataclass(frozen=True)
class Stack:
    """Rows that are one tensor, (N, ...), or several: then ``others``, by their names, are as long."""

    tensor: Tensor
    others: Mapping[str, Tensor] = field(default_factory=dict)

    def rows(self, n: int) -> Stack:
        return self._each(lambda one: one.expand(n, *one.shape[1:])) if len(self.tensor) == 1 else self

    def take(self, which: Which) -> Stack:
        return self._each(lambda one: one[which])

    def joined(self, other: Stack) -> Stack:
        both = {name: torch.cat([one, other.others[name]]) for name, one in self.others.items()}
        return Stack(torch.cat([self.tensor, other.tensor]), both)

    def beside(self, more: Mapping[str, Tensor]) -> Stack:
        """With ``more`` tensors: (1, ...) for all rows alike, or a row for each."""
        rows = {name: one.expand(len(self.tensor), *one.shape[1:]) for name, one in more.items()}
        return Stack(self.tensor, {**self.others, **rows})

    def _each(self, change: Callable[[Tensor], Tensor]) -> Stack:
        return Stack(change(self.tensor), {name: change(one) for name, one in self.others.items()})


E = TypeVar("E")


@dataclass(frozen=True)
class Ragged(Generic[E]):
    """Rows of which each is something of its own: tensors of different lengths, or several of them."""

    each: tuple[E, ...]

    def rows(self, n: int) -> Ragged[E]:
        return Ragged(self.each * n) if len(self.each) == 1 else self

    def take(self, which: Which) -> Ragged[E]:
        numbers = range(len(self.each))[which] if isinstance(which, slice) else which.tolist()
        return Ragged(tuple(self.each[i] for i in numbers))

    def joined(self, other: Ragged[E]) -> Ragged[E]:
        return Ragged(self.each + other.each)


@dataclass(frozen=True)
class Control(Generic[R]):
    """What steers a pass: ``pictures`` as the family has read them, and how strongly they do. net: the place
    of the ControlNet that reads them, None for the model's own. kind: of the pictures, None for what it was
    trained on."""

    pictures: R
    scale: float
    net: Path | None = None
    kind: str | None = None

    def take(self, which: Which) -> Control[R]:
        return replace(self, pictures=self.pictures.take(which))

    def repeated(self, count: int) -> Control[R]:
        """For so many passes of the same pictures, one after the other."""
        repeated = reduce(lambda some, more: some.joined(more), [self.pictures] * count)
        return replace(self, pictures=repeated)


def unguided(guidance: Sequence[float]) -> bool:
    """Whether no row is drawn away from the negative prompt."""
    return all(one == 1.0 for one in guidance)


class Family(Protocol[R]):
    """One loaded model of a family.

    components: its own networks. channels: what its pictures say of a surface. parts: all networks, loaded or
    not, by name. latent: its states. prediction: what ``predict`` gives, a key of steps.X0_FROM. device,
    dtype: where its networks run, and in which precision. takes_turns: what reads prompts is so large that it
    leaves before the network comes, where memory is short. half: how weights are kept in 16 bits.
    controlnets, references: None without any.
    estimator: what its pictures say beside their ``channels``, None where it has none.
    """

    components: ClassVar[Sequence[Component]]
    channels: ClassVar[tuple[Channel, ...]]
    parts: Mapping[str, Part]
    latent: Latent
    prediction: str
    device: torch.device
    dtype: torch.dtype
    takes_turns: ClassVar[bool] = False
    half: ClassVar[torch.dtype] = torch.float16
    controlnets: ControlNets[Any] | None = None
    estimator: Estimator | None = None
    references: References | None = None

    def levels(self, steps: int, how: Accelerator | None = None, latents: int | None = None) -> Schedule:
        """From noise to picture in ``steps`` steps; raises UserError for a number that can't be. how: in
        which way the weights were distilled for few steps, None for others. latents: h * w of a state, on
        which some schedules depend; None: as many as the model was trained on."""

    def condition(self, prompt: str, check: Check) -> tuple[R, str]:
        """A ``prompt`` as the network reads it, one row, and what is cut off beyond the limit. An empty one
        says nothing; what stands for that is the family's business."""

    def steer(self, pictures: Tensor, rows: int, net: Path | None = None) -> R:
        """Control pictures (N, K, H, W) in [0, 1] as a ControlNet takes them, ``rows`` of them at once.
        net: as of :class:`Control`. The same tensor is read once, so its values must stay."""

    def predict(self, x: Tensor, level: Level, condition: R, controls: Sequence[Control[R]]) -> Tensor:
        """What the network gives for the noisy ``x``, float32 and shaped as it; all have as many rows."""

    def passes(self, without: R, prompted: R, guidance: Sequence[float]) -> tuple[R, ...]:
        """What the network reads in the passes of a step with the negative and the positive prompt: one pass
        where the ``guidance`` of each row takes no more, or two, whose predictions ``guide`` makes one of."""
        return (prompted,) if unguided(guidance) else (without, prompted)

    def guide(self, without: Tensor, prompted: Tensor, guidance: Tensor) -> Tensor:
        """Predictions of two ``passes`` as one: classifier-free guidance (Ho and Salimans, 2022), of each row
        (N, 1, 1, 1) its own."""
        return without + guidance * (prompted - without)

    def read_by_estimator(self, condition: R) -> Tensor:
        """(N, T, D): prompts as the ``estimator`` reads them."""
        raise TypeError("the family has no estimator")

    def autoencoder(self, tiny: bool) -> Autoencoder:
        """Pictures to states and back; ``tiny``: by the small one, where there is one."""

    @property
    def has_tiny(self) -> bool:
        """Whether there is a small autoencoder too."""
        return "tiny" in self.parts

    @property
    def attention(self) -> Any:
        """The network whose self-attention may work across rows."""

    def row_bytes(self, latents: int) -> int:
        """What the activations of one row of ``latents``^2 take in a pass."""

    def picture_bytes(self, pixels: int) -> int:
        """What those of one picture of ``pixels``^2 take in the autoencoder."""
