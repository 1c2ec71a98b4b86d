"""Estimators that a job names, beside its model: what the sampler runs, and what comes of its pictures.

What the model itself carries to tell of its pictures is in estimator.py.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from ..errors import OutOfMemory, UserError
from ..models import estimators, presets, sources
from ..models.estimators import EstimatorFiles, Told
from ..options.channels import Channel
from . import device as devices
from .controlnets import Steering
from .denoiser import Denoiser
from .families.family import NETWORK, PIXELS, TEXT
from .families.marigold import Marigold
from .loading import Model, import_libraries
from .weights import Check

Array = NDArray[np.float32]
PICTURE = "picture"  # the kind of what it is shown, the finished views
SMALL = 0.5  # of what an estimator was trained on: of smaller views it tells little
LONGEST = 2.0  # of vectors whose numbers, seen by a camera, lie in [-1, 1]
_GAMMA = 1 / 2.2  # that diffusers and the authors show linear light with


class Estimating(Denoiser):
    """An estimator as a denoiser: it paints its targets, side by side, of finished pictures."""

    def __init__(self, model: Model, files: EstimatorFiles, beside: Denoiser) -> None:
        """beside: the model whose pictures they are, which gives memory for it once they are finished."""
        self.files, self._beside = files, beside
        self._axes = torch.empty(0, 3, 3)
        super().__init__(model, lambda: beside.household.lendable)

    @property
    def controls(self) -> tuple[Steering, ...]:
        return (Steering(PICTURE, self.files.folder, 1.0, 1.0),)

    @property
    def told(self) -> Mapping[Channel, Told]:
        """What it tells, by channels."""
        return self.files.told

    @property
    def turns(self) -> bool:
        """Whether what it paints turns with the view, so that views can't agree on its latents."""
        return self.files.normals

    @property
    def note(self) -> list[str]:
        """What is to be known about how it is used, one line or none."""
        view = self.preset.view_size
        if view >= SMALL * self.files.side:
            return []
        what = f"{self.files.name} was trained on pictures of {self.files.side} pixels"
        return [f"{what}: of views of {view} it tells little"]

    def decode(self, latents: Tensor, quick: bool = False) -> Tensor:
        """As of a denoiser; normals, not yet of length 1, as vectors in the space of the views' axes, v as
        v / (2 LONGEST) + 1 / 2. They are cut off at the end, as published, but not where views are brought to
        agree (``quick``), which couldn't reach what is cut off."""
        pictures = super().decode(latents, quick)
        if not self.turns:
            return pictures
        seen = pictures * 2 - 1
        seen = seen if quick else seen.clamp(-1, 1)
        if not self.files.whole:
            seen = torch.cat([seen[:, :2], seen[:, 2:] / 2 + 0.5], dim=1)
        return self._turned(seen, self._axes) / (2 * LONGEST) + 0.5

    def encode(self, images: Tensor, quick: bool = False) -> Tensor:
        """The reverse."""
        if not self.turns:
            return super().encode(images, quick)
        seen = self._turned((images - 0.5) * (2 * LONGEST), self._axes.mT)
        if not self.files.whole:
            seen = torch.cat([seen[:, :2], seen[:, 2:] * 2 - 1], dim=1)
        return super().encode(seen / 2 + 0.5, quick)

    def encode_difference(self, images: Tensor, others: Tensor, quick: bool = False) -> Tensor:
        if self.turns:
            return self.encode(images, quick) - self.encode(others, quick)
        return super().encode_difference(images, others, quick)

    @staticmethod
    def _turned(vectors: Tensor, axes: Tensor) -> Tensor:
        """Those of each view, (N, 3, H, W), said in its ``axes`` (N, 3, 3): as sums of these."""
        return torch.einsum("nkhw,nkj->njhw", vectors, axes.to(vectors))

    def begin(self, axes: Sequence[Array | None]) -> None:
        """The pictures are finished: have the memory that it takes. axes: of the views, as of CanvasView.
        Raises OutOfMemory where there is less than there was."""
        self._axes = torch.stack([torch.eye(3) if one is None else torch.from_numpy(one) for one in axes])
        self._beside.household.lend(self.household.plan.need)
        self.household.settle()

    def end(self) -> None:
        """Give the memory back."""
        for stage in (TEXT, NETWORK, PIXELS):
            self.release(stage)


def open_estimators(asked: Sequence[str], beside: Denoiser, check: Check) -> tuple[Estimating, ...]:
    """Those that a job ``asked`` for, found or downloaded, none of their weights loaded, for the finished
    views of the model ``beside``. check: called all along; may raise Cancelled. Raises UserError for what is
    none, OutOfMemory for what will find no room."""
    found = estimators.find(asked, sources.Fetch(lambda name, done, total: None, check))
    return tuple(_opened(files, beside, check) for files in found)


def _opened(files: EstimatorFiles, beside: Denoiser, check: Check) -> Estimating:
    view = beside.preset.view_size
    if view % files.pixels:
        what = f"{{estimator}}: {files.name} takes pictures in steps of {files.pixels} pixels"
        raise UserError(f"{what}, and the model's have {view}", "leave it out", estimator=None)
    import_libraries(check)
    family = Marigold(files, beside.device, devices.network_dtype(beside.device))
    preset = replace(presets.SD21, view_size=view, latent_view_size=view // files.pixels)
    try:
        found = Estimating(Model(family, preset, None, files.name), files, beside)
        if beside.batch == beside.vae_batch == 1:  # as frugal as the model has to be
            found.household.limit(1, 1)
    except OutOfMemory as error:
        fix = "leave {estimator} out, or close other programs"
        raise OutOfMemory(error.wording.error, fix, estimator=None) from error
    return found


def channels_of(pictures: Tensor, told: Mapping[Channel, Told]) -> dict[Channel, Tensor]:
    """What is ``told`` by the ``pictures`` of all views, (N, 3 T, H, W) in [0, 1], each (N, width, H, W) in
    [0, 1]. One factor serves all views, or they wouldn't agree."""
    return {channel: _values(pictures[:, list(of.numbers)], channel, of) for channel, of in told.items()}


def _values(numbers: Tensor, channel: Channel, told: Told) -> Tensor:
    if told.facing:
        return functional.normalize(numbers - 0.5, dim=1, eps=1e-6 / LONGEST) / 2 + 0.5
    if numbers.shape[1] != channel.width:  # a grey picture of its own
        numbers = numbers.mean(dim=1, keepdim=True)
    if told.to_scale:
        numbers = numbers / numbers.max().clamp(min=1e-6)
    return torch.pow(numbers, _GAMMA) if told.light else numbers
