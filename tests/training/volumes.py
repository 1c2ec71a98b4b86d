"""Noise of a few voxels: the real volumes take a minute."""

from __future__ import annotations

import torch

from engine.controls.noise import CELLS, FIELDS
from training.fields import Fields


def few_voxels() -> Fields:
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, 16, 16, 16, generator=generator)
    cells = torch.rand(1, 3, 16, 16, 16, generator=generator).sort(1).values
    told = torch.randn(1, FIELDS, 16, 16, 16, generator=generator)
    told[:, : 3 * len(CELLS)] = torch.rand(1, 3 * len(CELLS), 16, 16, 16, generator=generator)
    return Fields(noise, cells, told)
