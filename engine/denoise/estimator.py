"""What a finished view says of the surface besides its colour: roughness, metal, relief and glow.

The starter's own estimator (training/estimator.py): one pass of a small UNet over patches of 4x4 pixels, at
time 0, with the prompt as text. A model has one where its folder has an ``estimator`` folder of this kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import UserError
from ..models.files import read_json
from ..options.channels import CHANNELS, Channel
from ..options.values import short
from . import weights
from .build import build
from .parts import Part
from .weights import Check

FOLDER = "estimator"  # of a pipeline
UNET = "diffusers.models.unets.unet_2d_condition:UNet2DConditionModel"
SEES = {"position": 3, "depth": 1}  # control pictures, beside the view's three colours, with their numbers
_PATCH = 4  # pixels along an edge
_TOGETHER = 4  # pictures in a pass: more are hardly faster, and take memory
_DARK = 0.08  # glow up to this is doubt: what nearly never glows would shine faintly in the dark


class Estimator:
    """channels: what it gives, in the order in which its network does: a number for each, that of emission is
    glow, a share of the colour."""

    channels: tuple[Channel, ...] = tuple(
        CHANNELS[name] for name in ("roughness", "metallic", "height", "emission")
    )

    def __init__(self, part: Part) -> None:
        self.part = part
        levels = len(part.config.block_out_channels)
        self._grid = _PATCH * 2 ** (levels - 1)  # pixels; its levels halve the patches

    @torch.no_grad()
    def __call__(
        self, pictures: Tensor, controls: Mapping[str, Tensor], text: Tensor, check: Check
    ) -> Tensor:
        """(N, 6, H, W) in [0, 1] of ``pictures`` (N, 3, H, W) in [0, 1], their ``controls`` (N, C, H, W)
        in [0, 1] by kind, those of SEES, black where there are none, and prompts ``text`` (N, T, D)."""
        network, part = self.part.network(check), self.part
        height, width = pictures.shape[-2:]
        seen = torch.cat([pictures.to(part.device), *self._places(pictures, controls)], dim=1) * 2 - 1
        margin = (0, -width % self._grid, 0, -height % self._grid)
        seen = F.pixel_unshuffle(F.pad(seen, margin, mode="replicate"), _PATCH).to(part.dtype)
        found = []
        batches = (torch.split(each, _TOGETHER) for each in (seen, text.to(part.device, part.dtype)))
        for patches, words in zip(*batches, strict=True):
            check()
            found.append(network(patches, 0, words).sample.float())
        values = F.pixel_shuffle(torch.cat(found), _PATCH)[..., :height, :width].clamp(0, 1)
        glow = ((values[:, 3:] - _DARK) / (1 - _DARK)).clamp(min=0) * pictures.to(part.device)
        return torch.cat([values[:, :3], glow], dim=1).to(pictures.device)

    def _places(self, pictures: Tensor, controls: Mapping[str, Tensor]) -> list[Tensor]:
        """What it sees beside the colours, as many numbers of each kind as it takes."""
        nothing = torch.zeros_like(pictures[:, :1])
        shown = ((controls.get(kind, nothing), count) for kind, count in SEES.items())
        parts = (one[:, :n] if one.shape[1] >= n else one[:, :1].expand(-1, n, -1, -1) for one, n in shown)
        return [part.to(self.part.device) for part in parts]


def find(pipeline: Path, text_width: int, device: torch.device, dtype: torch.dtype) -> Part | None:
    """The estimator in the folder ``pipeline``, for a model whose text is ``text_width`` wide; None without
    one. Raises UserError for a network of another kind."""
    file = pipeline / FOLDER / "config.json"
    if not file.is_file():
        return None
    config = read_json(file)
    _check(file, config, text_width)
    network = partial(build, UNET, config, file)
    return Part(FOLDER, network, lambda _, check: weights.of_folder(file.parent), device, dtype)


def _check(file: Path, config: Mapping[str, Any], text_width: int) -> None:
    expected = {
        "_class_name": "UNet2DConditionModel",
        "in_channels": (3 + sum(SEES.values())) * _PATCH**2,
        "out_channels": len(Estimator.channels) * _PATCH**2,
        "cross_attention_dim": text_width,
    }
    for key, value in expected.items():
        if config.get(key) != value:
            found = short(config.get(key))
            what = f"{file} is of no estimator for this model: its {key} is {found}, not {value!r}"
            raise UserError(what, "take the folder away, or get the model again")
