"""build.py bench models: what is counted and measured is the engine's own, how it reckons, and its page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from torch import Tensor, nn

from engine.models import sources
from tests.bench.cases import model_flops
from tests.bench.cases import models as case
from tests.bench.pages import models as page
from tests.engine.pipelines import make_pipeline
from tests.engine.schedules import SD15

SEEN = page.Run(
    geometry=1.0,
    denoise=10.5,
    sync=0.5,
    decode=2.0,
    bake=0.5,
    measure=0.25,
    save=0.75,
    network=10.0,
    text=0.5,
    control=0.25,
    total=15.5,
    load=30.0,
    rows=4,
    steps=2,
    usual_steps=20,
    view=256,
    views=2,
    device="cpu",
    precision="float32",
    peak_mb=2048.0,
)


def test_the_share_of_the_network_in_a_run_of_usual_length() -> None:
    assert SEEN.once == 5.25
    assert SEEN.beside == pytest.approx(0.025)
    assert SEEN.ratio == pytest.approx((5.25 + 10 * 10.25) / 100)
    assert not replace(SEEN, geometry=100.0).misses, "the target is for cards"
    assert not replace(SEEN, device="cuda:0").misses
    assert replace(SEEN, device="cuda:0", geometry=5.0).misses


def test_operations_of_all_parts_are_counted(model: Path) -> None:
    """Of the network at least those of its layers, and little more: attention between few latents."""
    found, usual = model_flops.without_weights(sources.find(str(model), lambda: None))
    counted = model_flops.counted(found, usual)
    assert set(counted) == {"view", *page.COLUMNS}
    assert 0 < counted["network"] < counted["row"]
    assert counted["encode"] < counted["decode"]
    layers = []

    def note(layer: nn.Module, _: object, output: Tensor) -> None:
        inputs = layer.weight[0].numel()  # type: ignore[union-attr]  # of one number of the output
        layers.append(2 * inputs * output.numel() / 1e12)

    for layer in found.parts["unet"].network().modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            layer.register_forward_hook(note)
    assert model_flops.of_row(found, usual) == counted["network"]
    assert sum(layers) <= counted["network"] <= 1.2 * sum(layers)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_pipeline(tmp_path_factory.mktemp("models") / "eps", SD15)


def test_a_small_run_is_measured(model: Path) -> None:
    found = page.Run(**case.measured(case.Case(str(model), view_size=64)))
    assert 0 < found.network < found.denoise < found.total
    assert 0 < found.text + found.control < found.denoise - found.network
    assert (found.steps, found.view, found.views, found.rows) == (2, 64, 2, 4)
    parts = sum(getattr(found, part) for part in case.PARTS)
    assert parts == pytest.approx(found.total, rel=0.2)


def test_the_page_has_all_figures() -> None:
    counted = dict.fromkeys(("view", *page.COLUMNS), 2.5)
    text = page.page({"sd15": counted, "sdxl": counted}, {"sd15 on cpu": SEEN})
    assert "| sd15 on cpu, float32 | 2 of 256 | 2 | 10.00 | 2.5% | 5.25 | 1.08 | 2.0 |" in text
    assert "| `sdxl` | 2 | 2.5 | 2.5 | 2.5 | 2.5 | 2.5 | 2.5 | 1,500 |" in text
    assert all(len(line) <= 115 or line.startswith("|") for line in text.splitlines())
