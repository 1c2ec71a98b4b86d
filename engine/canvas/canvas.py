"""What is painted on, as all the rest of a job knows it.

A canvas is one canonical variable, such as the texture of a mesh, and views of it: pictures that a model
denoises together and that are made to agree through it. A canvas of another kind is a file here that has
these; nothing else asks what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ..denoise.denoiser import Denoiser
from ..export.preview import PreviewFiles
from ..host import Clock, Host
from ..options.channels import Channel
from ..protocol import Result
from ..settings import Settings
from ..sync.spaces import Averaging, Space

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Prompt:
    """What a model is asked for, and what not. mask: (H, W) float32 in [0, 1], where in the view; None:
    everywhere. number: of what a canvas is asked for; where views look at each other, what has one number
    does. guidance: None: the job's."""

    positive: str
    negative: str
    mask: Floats | None = None
    number: int = 0
    guidance: float | None = None


@dataclass(frozen=True)
class CanvasView:
    """One picture of ``height`` x ``width`` pixels, multiples of a latent's.

    prompts: at least one; where several meet, each counts by its mask. controls: what ControlNets are shown,
    (C, H, W) float32 in [0, 1] by the kinds of pictures, for all views of a canvas alike; where there are
    none of a kind, it is off. mask: (H, W) bool, where it shows the canvas; behind is the background.
    neighbours: the numbers of the views beside it, without its own. axes: (3, 3) float32, rows right, up and
    towards whoever looks, in the space that views are turned in; None where they aren't.
    """

    height: int
    width: int
    prompts: tuple[Prompt, ...]
    controls: Mapping[str, Floats]
    mask: NDArray[np.bool_]
    neighbours: tuple[int, ...] = ()
    axes: Floats | None = None


@dataclass(frozen=True)
class Start:
    """What the views show before anything is painted. pictures: (N, 3, H, W) float32 in [0, 1]. known:
    (N, H, W) float32 in [0, 1], how much of each pixel is to stay as it is; None: all is painted."""

    pictures: Floats
    known: Floats | None = None


class Painted(Protocol):
    """The canonical variable at full resolution, made from finished views. warnings: what is odd about it."""

    @property
    def warnings(self) -> Sequence[str]: ...

    def measure(self) -> dict[str, Any]:
        """How good it is, as report.json has it."""

    def write(self, stage: Path) -> Result:
        """Write its files, all but the report, to the folder ``stage``; what the result will be once they lie
        in the request's folder."""


class Seen(Protocol):
    """What a sampler sees of a canvas. views: all of one height and width. order: the numbers of those that a
    canvas has, from the one that the others follow on."""

    @property
    def views(self) -> Sequence[CanvasView]: ...

    @property
    def order(self) -> Sequence[int]: ...

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> Space:
        """f and g between the canonical variable and the views, an element of theirs being ``scale``^2
        pixels: 1, or what the model's latents are. Its tensors lie on ``device``."""

    def start(self) -> Start | None:
        """How the views show what was painted before; None where nothing was."""


class Pass(Seen, Protocol):
    """Views that are denoised together, the only ones of a canvas or some of them. lighter: the options of
    its requests that take less memory when they are lower. channels: what is made of it, the model's own
    among them."""

    @property
    def lighter(self) -> Sequence[str]: ...

    @property
    def channels(self) -> Sequence[Channel]: ...

    def closer(self, pictures: Floats) -> Closer | None:
        """The next pass, from nearer, over what the finished views ``pictures`` (N, H, W, K) float32 in
        [0, 1] make; None where these are the last."""

    def finish(self, pictures: Floats) -> Painted:
        """From the finished views ``pictures`` (N, H, W, K) float32 in [0, 1], in which the numbers of those
        ``channels`` that are painted lie side by side."""


class Closer(Pass, Protocol):
    """A pass that carries on what is there. strength: the share of the steps that it takes. number, count: it
    is which of how many."""

    @property
    def strength(self) -> float: ...

    @property
    def number(self) -> int: ...

    @property
    def count(self) -> int: ...


class Canvas(Pass, Protocol):
    """What is painted on, and its first pass. files: the names of all that will be written; room: about how
    many bytes they take. warnings: what was found out while it was made, one line each."""

    @property
    def files(self) -> Sequence[str]: ...

    @property
    def room(self) -> int: ...

    @property
    def warnings(self) -> list[str]: ...

    def preview(self) -> PreviewFiles:
        """What shows it while it is painted."""

    def report(self, warnings: list[str]) -> dict[str, Any]:
        """What report.json says of it, the job's ``warnings`` among it."""


class Prepared(Protocol):
    """A canvas as far as the request alone decides it: what can't be painted is refused before a model is
    loaded. files: the names of what will be written, as far as they are known. warnings: one line each."""

    @property
    def files(self) -> Sequence[str]: ...

    @property
    def warnings(self) -> Sequence[str]: ...

    def canvas(self, settings: Settings, denoiser: Denoiser) -> Canvas:
        """The canvas for a job with these ``settings``, which ``denoiser`` paints."""


Prepare = Callable[[Any, Host, Clock], Prepared]  # of a request of the canvas's own kind; raises UserError
