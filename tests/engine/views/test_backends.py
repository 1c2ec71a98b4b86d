"""Which rasteriser a job gets, and what is said where one can't be had."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from engine import memory, protocol, settings
from engine.errors import UserError
from engine.options import choices
from engine.views import backends
from engine.views.raster import EmbreeRaster
from tests.engine import brute
from tests.engine.views.test_cuda_raster import card


def test_without_cuda_it_is_embree() -> None:
    for device in ("cpu", "mps"):
        assert backends.choose("auto", device) == "embree"
        assert backends.choose("embree", device) == "embree"
    made = brute.box((-0.5,) * 3, (0.5,) * 3)
    raster = backends.make_raster("embree", made.vertices, made.faces)
    assert type(raster) is EmbreeRaster
    assert raster.name == "embree"
    assert raster.name in choices.RASTERS


def test_where_there_is_no_card_or_package_asking_for_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = protocol.Request(mesh="x.obj", prompt="x", out="x", raster="nvdiffrast")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="torch sees no CUDA device") as caught:
        settings.check(asked)
    assert "--raster embree" in caught.value.fix
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="isn't installed") as caught:
        settings.check(asked)
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


def test_a_package_that_draws_nothing_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """Built for another card it makes a context all the same."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(
        backends, "cuda_draw", lambda: lambda positions, faces, side: torch.zeros(side, side, 4)
    )
    error = backends.obstacle()
    assert error is not None
    assert "draws" in str(error)
    monkeypatch.setattr(backends, "cuda_draw", lambda: card)
    assert backends.obstacle() is None


def test_memory_that_torch_keeps_is_given_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[int] = []
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(1))
    words = ["Cuda error: 2[cudaMalloc(&m_gpuPtr, size);]"]

    def draw(positions: object, faces: object, side: int) -> torch.Tensor:
        if words:
            raise RuntimeError(words.pop())
        return torch.ones(side, side, 4)

    nothing = np.zeros((0, 4), np.float32), np.zeros((0, 3), np.int32)
    assert backends.guarded(draw)(*nothing, 8).shape == (8, 8, 4)
    assert emptied == [1]
    words += 2 * ["Cuda error: 2[cudaMalloc(&m_gpuPtr, size);]"]
    with pytest.raises(RuntimeError) as caught:
        backends.guarded(draw)(*nothing, 8)
    assert memory.ran_out(caught.value)
    words += ["Cuda error: 700[x]"]
    with pytest.raises(RuntimeError, match="700") as caught:
        backends.guarded(draw)(*nothing, 8)
    assert not memory.ran_out(caught.value)
    assert len(emptied) == 2


def test_one_thread_draws_at_a_time() -> None:
    inside: list[int] = []
    most = []

    def draw(positions: object, faces: object, side: int) -> torch.Tensor:
        inside.append(1)
        time.sleep(0.01)
        most.append(len(inside))
        inside.pop()
        return torch.zeros(1)

    guarded = backends.guarded(draw)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: guarded(np.zeros((0, 4)), np.zeros((0, 3)), 8), range(8)))
    assert most == [1] * 8


def test_where_it_works_auto_takes_it_on_cuda_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "obstacle", lambda: None)
    assert backends.choose("auto", "cuda") == "nvdiffrast"
    assert backends.choose("auto", "cpu") == "embree"
    assert backends.choose("embree", "cuda") == "embree"
