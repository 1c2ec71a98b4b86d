"""16 bits on a processor, held against 32."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.controls.position import CHANNELS
from engine.denoise import device as devices
from engine.denoise.resting import EIGHT_BITS, resting
from engine.host import Host
from engine.protocol import Request, Result
from engine.worker import Worker
from tests.engine.denoise import precisions
from tests.engine.flow_pipelines import make_flux, make_qwen_image, make_z_image


@pytest.mark.parametrize("model", ["tiny", "starter"])
def test_bfloat16_denoises_as_full_precision(
    model: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precisions.require_alike(str(tiny_model) if model == "tiny" else model, "cpu", monkeypatch)


def test_places_and_the_small_encoder_stay_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    """The starter tells places by waves, and what averaging changed by differences: both need all digits."""
    full, half = precisions.both("starter", "cpu", monkeypatch)
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(2, 3, 64, 64, generator=generator)
    torch.testing.assert_close(half.encode(pictures), full.encode(pictures), rtol=0, atol=1e-5)
    places = torch.rand(2, CHANNELS, 64, 64, generator=generator)
    exact, rounded = (model._family.controlnet.embed(places, 1) for model in (full, half))
    assert rounded.dtype == half.dtype
    torch.testing.assert_close(rounded, exact.to(half.dtype), rtol=0, atol=0)
    net = half._family.controlnet
    weights = [*net.part.network().parameters(), *net.embedding.parameters()]
    assert net.part.bytes_here == sum(weight.nbytes for weight in weights)


def test_what_is_exact_rests_as_it_is() -> None:
    network = torch.nn.ModuleDict({"a": torch.nn.Linear(2, 2), "ab": torch.nn.Linear(2, 2)})
    assert resting(network, EIGHT_BITS, ("a",)) == {"ab.weight", "ab.bias"}


@pytest.mark.parametrize("make", [make_flux, make_qwen_image, make_z_image, "xl", "eps"])
def test_every_family_paints_in_bfloat16(
    make: Callable[[Path], Path] | str,
    worker: Worker,
    request_for: Callable[..., Request],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model: Any = (
        request.getfixturevalue(f"{make}_model") if isinstance(make, str) else make(tmp_path / "model")
    )
    monkeypatch.delenv(devices.PRECISION)
    monkeypatch.setattr(devices, "has_bfloat16", lambda _: True)
    outcome = worker.run(request_for(model=str(model), views="2", sync_space="rgb"), Host())
    assert isinstance(outcome, Result), outcome
    assert '"memory": "computed in bfloat16' in Path(outcome.report).read_text(encoding="utf-8")
