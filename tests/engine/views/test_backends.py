"""Which rasteriser a job gets, and what is said where one can't be had."""

from __future__ import annotations

import pytest
import torch

from engine import options, protocol
from engine.errors import UserError
from engine.views import backends
from engine.views.raster import EmbreeRaster
from tests.engine import brute


def test_without_cuda_it_is_embree() -> None:
    for device in ("cpu", "mps"):
        assert backends.choose("auto", device) == "embree"
        assert backends.choose("embree", device) == "embree"
    made = brute.box((-0.5,) * 3, (0.5,) * 3)
    raster = backends.make_raster("embree", made.vertices, made.faces)
    assert type(raster) is EmbreeRaster
    assert raster.name == "embree"
    assert raster.name in protocol.RASTERS


def test_where_there_is_no_card_or_package_asking_for_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = protocol.Request(mesh="x.obj", prompt="x", out="x", raster="nvdiffrast")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="torch sees no CUDA device") as caught:
        options.check(asked)
    assert "--raster embree" in caught.value.fix
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="isn't installed") as caught:
        options.check(asked)
    assert "pip install" in caught.value.fix
    assert backends.choose("auto", "cuda") == "embree"


def test_a_package_that_fails_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise OSError("undefined symbol: _ZN3c10\nand more")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(backends, "cuda_draw", fails)
    assert backends.choose("auto", "cuda") == "embree"
    error = backends.obstacle()
    assert error is not None
    assert str(error) == "nvdiffrast doesn't work here: undefined symbol: _ZN3c10"


def test_where_it_works_auto_takes_it_on_cuda_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "obstacle", lambda: None)
    assert backends.choose("auto", "cuda") == "nvdiffrast"
    assert backends.choose("auto", "cpu") == "embree"
    assert backends.choose("embree", "cuda") == "embree"
