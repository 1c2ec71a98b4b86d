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


@pytest.mark.parametrize(
    ("name", "has", "half", "bfloat16"),
    [
        ("cuda", True, torch.bfloat16, torch.bfloat16),
        ("cuda", False, torch.float16, torch.float32),
        ("cpu", True, torch.bfloat16, torch.bfloat16),
        ("cpu", False, torch.float32, torch.float32),
        ("mps", False, torch.float32, torch.float32),
    ],
)
def test_16_bits_where_they_are_faster(
    name: str, has: bool, half: torch.dtype, bfloat16: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(device, "has_bfloat16", lambda _: has)
    monkeypatch.delenv(device.PRECISION)
    there = torch.device(name)
    assert device.network_dtype(there) == half
    assert device.network_dtype(there, "bfloat16") == bfloat16
    assert device.network_dtype(there, "full") == torch.float32
    monkeypatch.setenv(device.PRECISION, "full")
    assert device.network_dtype(there) == torch.float32


@pytest.mark.parametrize(
    ("told", "has"), [({"avx512_bf16": True}, True), ({"avx2": True}, False), ({}, False)]
)
def test_a_processor_has_bfloat16_where_it_calculates_in_it(
    told: dict[str, bool], has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told)
    assert device.has_bfloat16(torch.device("cpu")) is has
    assert not device.has_bfloat16(torch.device("mps"))
    monkeypatch.delattr(torch.cpu, "get_capabilities")
    assert not device.has_bfloat16(torch.device("cpu"))
