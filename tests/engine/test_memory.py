"""What counts as memory running out, and how much was used."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine import memory


def test_real_failures_are_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert memory.ran_out(caught.value)
    with pytest.raises(MemoryError) as from_numpy:
        np.empty(1 << 60, np.uint8)
    assert memory.ran_out(from_numpy.value)


def test_other_failures_are_not() -> None:
    assert not memory.ran_out(RuntimeError("shapes differ"))
    assert not memory.ran_out(ValueError("out of memory"))


def test_the_peak_is_in_mib() -> None:
    before = memory.peak_mb()
    block = np.ones(96 << 20, np.uint8)
    assert block[-1] == 1
    after = memory.peak_mb()
    assert 20 < before <= after < 100_000
    assert after >= 96


def test_sparse_maps_stay_off_mps() -> None:
    assert memory.tensor_home(torch.device("mps")) == torch.device("cpu")
    assert memory.tensor_home(torch.device("cpu")) == torch.device("cpu")
