"""Shared by the tests of training: noise that takes no time."""

from __future__ import annotations

import pytest

from tests.training.volumes import few_voxels
from training.fields import Fields


@pytest.fixture(scope="module")
def fields() -> Fields:
    return few_voxels()
