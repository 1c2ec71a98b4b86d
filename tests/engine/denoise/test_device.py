"""Devices by name."""

from __future__ import annotations

import pytest
import torch

from engine.denoise import device
from engine.errors import UserError


def test_auto_takes_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    for best in ("cuda", "mps", "cpu"):
        monkeypatch.setattr(device, "available", lambda name, best=best: name in (best, "cpu"))
        assert device.resolve("auto").type == best


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_absent_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "available", lambda _: False)
    with pytest.raises(UserError, match=f"torch sees no {name.upper()} device") as error:
        device.resolve(name)
    assert error.value.fix == "use --device auto or cpu"


def test_unknown_device() -> None:
    with pytest.raises(UserError, match="--device is 'tpu'") as error:
        device.resolve("tpu")
    assert error.value.fix == "use one of auto, cpu, cuda or mps"


def test_half_precision_on_cuda_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bfloat16 where the card calculates in it."""
    for has, expected in ((True, torch.bfloat16), (False, torch.float16)):
        monkeypatch.setattr(device, "has_bfloat16", lambda _, has=has: has)
        assert device.network_dtype(torch.device("cuda")) == expected
    assert device.network_dtype(torch.device("cuda"), "full") == torch.float32
    assert device.network_dtype(torch.device("cpu")) == torch.float32
    assert device.network_dtype(torch.device("mps")) == torch.float32
