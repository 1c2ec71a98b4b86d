"""Shared by the tests of training: noise that takes no time."""

from __future__ import annotations

import pytest
import torch

from engine.controls.noise import FIELDS
from training.fields import Fields


@pytest.fixture(scope="module")
def fields() -> Fields:
    """Noise of a few voxels: the real volumes take half a minute."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(1, 3, 16, 16, 16, generator=generator)
    return Fields(
        noise,
        torch.rand(1, 3, 16, 16, 16, generator=generator).sort(1).values,
        torch.rand(1, FIELDS, 16, 16, 16, generator=generator),
    )
