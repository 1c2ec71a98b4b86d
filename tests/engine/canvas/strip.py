"""A toy canvas that is no mesh: a strip, wider than a view, of which views are overlapping cut-outs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.sparse import csr_matrix

from engine import protocol
from engine.canvas.canvas import CanvasView, Prompt, Start
from engine.denoise.denoiser import Denoiser
from engine.host import Clock, Host
from engine.options.channels import Channel, main_channel
from engine.options.choices import CONTROLS
from engine.protocol import Request, Result
from engine.settings import Settings
from engine.sync.spaces import Averaging, LinearMaps, LinearSpace

Floats = NDArray[np.float32]

HEIGHT, WIDTH, STEP, COUNT = 32, 64, 32, 3  # pixels of a view; of the way to the next; views
LENGTH = WIDTH + STEP * (COUNT - 1)


def cut_out(strip: NDArray[Any], view: int, scale: int = 1) -> NDArray[Any]:
    """(H, W, ...) what the ``view`` shows of ``strip`` (H, LENGTH, ...), with ``scale`` pixels an element."""
    start = view * STEP // scale
    return strip[:, start : start + WIDTH // scale]


@dataclass(frozen=True)
class PaintedStrip:
    """The strip (H, LENGTH, 3)."""

    request: Request
    strip: Floats
    warnings: Sequence[str] = ("the strip is odd",)

    def measure(self) -> dict[str, Any]:
        return {"brightness": float(self.strip.mean())}

    def write(self, stage: Path) -> Result:
        Image.fromarray((self.strip * 255 + 0.5).astype(np.uint8)).save(stage / "strip.png")
        path = str(Path(self.request.out) / "strip.png")
        report = str(Path(self.request.out) / "report.json")
        return Result(path, "", "", "", report, textures=[protocol.Texture(path)])


@dataclass
class StripPreview:
    """Keeps what it was shown."""

    shown: list[Floats] = field(default_factory=list)
    removed: bool = False
    files: Sequence[str] = ()

    def show(self, pictures: Floats) -> protocol.Preview:
        self.shown.append(pictures)
        return protocol.Preview([], [])

    def remove(self) -> None:
        self.removed = True


@dataclass(frozen=True)
class StripCanvas:
    """prompts: of each view. before: the strip (H, LENGTH, 3) to start from; known: (H, LENGTH), how much of
    it stays."""

    request: Request
    prompts: Sequence[tuple[Prompt, ...]]
    before: Floats | None = None
    known: Floats | None = None
    shown: StripPreview = field(default_factory=StripPreview)
    order: Sequence[int] = (1, 0, 2)
    warnings: list[str] = field(default_factory=lambda: ["the strip is a toy"])
    files: Sequence[str] = ("strip.png", "report.json")
    lighter: Sequence[str] = ("views",)
    channels: Sequence[Channel] = (main_channel(),)

    @property
    def room(self) -> int:
        return 1

    @property
    def views(self) -> Sequence[CanvasView]:
        everywhere, grey = np.ones((HEIGHT, WIDTH), bool), np.full((1, HEIGHT, WIDTH), 0.5, np.float32)
        beside = [tuple(j for j in (i - 1, i + 1) if 0 <= j < COUNT) for i in range(COUNT)]
        return [
            CanvasView(HEIGHT, WIDTH, prompts, dict.fromkeys(CONTROLS, grey), everywhere, others)
            for prompts, others in zip(self.prompts, beside, strict=True)
        ]

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> LinearSpace:
        height, length = HEIGHT // scale, LENGTH // scale
        strip = np.arange(height * length).reshape(height, length)
        element = np.concatenate([cut_out(strip, i, scale).reshape(-1) for i in range(COUNT)])
        pixel = np.arange(len(element))
        average = csr_matrix((1 / np.bincount(element)[element], (element, pixel)))
        confidence = np.ones(average.nnz) if averaging.reweighted else None
        maps = LinearMaps(pixel, element, average, np.ones(strip.size, bool), confidence)
        return LinearSpace.build(maps, device, self.order if averaging.earlier else ())

    def start(self) -> Start | None:
        if self.before is None:
            return None
        known = None if self.known is None else np.stack([cut_out(self.known, i) for i in range(COUNT)])
        return Start(np.stack([cut_out(self.before, i).transpose(2, 0, 1) for i in range(COUNT)]), known)

    def closer(self, pictures: Floats) -> None:
        return None

    def finish(self, pictures: Floats) -> PaintedStrip:
        total, count = np.zeros((HEIGHT, LENGTH, 3), np.float32), np.zeros((HEIGHT, LENGTH, 1), np.float32)
        for i, picture in enumerate(pictures):
            cut_out(total, i)[:] += picture
            cut_out(count, i)[:] += 1
        return PaintedStrip(self.request, total / count)

    def preview(self) -> StripPreview:
        return self.shown

    def report(self, warnings: list[str]) -> dict[str, Any]:
        return {"strip": {"length": LENGTH, "warnings": warnings}}


@dataclass(frozen=True)
class PreparedStrip:
    """Makes a StripCanvas."""

    request: Request
    warnings: Sequence[str] = ()
    made: list[StripCanvas] = field(default_factory=list)
    files: Sequence[str] = ()

    def canvas(self, settings: Settings, denoiser: Denoiser) -> StripCanvas:
        prompt = Prompt(settings.prompt, settings.negative)
        self.made.append(StripCanvas(self.request, [(prompt,)] * COUNT))
        return self.made[-1]


def prepare(request: Request, host: Host, clock: Clock) -> PreparedStrip:
    return PreparedStrip(request)
