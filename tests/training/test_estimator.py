"""How the estimator of materials is taught and judged."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.denoise.estimator import Estimator
from training import estimator
from training.coat import CHANNELS
from training.fields import Fields
from training.judge import channels, pairs


def samples(truth: Tensor, mask: Tensor) -> estimator.Samples:
    count, _, height, width = truth.shape
    seen = torch.zeros(count, estimator.SEEN, height, width, dtype=torch.uint8)
    return estimator.Samples(seen, truth, mask, torch.zeros(count, 5, 32))


def test_only_the_object_counts_and_edges_count_more(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = torch.full((1, len(CHANNELS), 8, 8), 102, dtype=torch.uint8)
    mask = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    mask[..., 2:6, 2:6] = 255
    found = truth.float() / 255
    monkeypatch.setattr(estimator, "estimate", lambda unet, seen, text: found)
    network = SimpleNamespace(dtype=torch.float32)
    beside = found.clone()
    beside[..., 0, 0] = 1
    assert estimator.loss(network, samples(truth, mask)) == 0
    found = beside
    assert estimator.loss(network, samples(truth, mask)) == 0
    found = truth.float() / 255 + 0.1
    assert estimator.loss(network, samples(truth, mask)) == pytest.approx(0.01, abs=1e-6)
    found = truth.float() / 255
    found[..., 3, 3] += 0.1  # one pixel of 16, and its four differences
    error = 0.01 * (1 + 4 * estimator.EDGES) / 16
    assert estimator.loss(network, samples(truth, mask)) == pytest.approx(error, abs=1e-6)
    found = truth.float() / 255 + 0.1
    weighed = 0.01 * (3 + 3**2) / 4  # of four channels one, three times as much
    assert estimator.loss(network, samples(truth, mask), relief=3) == pytest.approx(weighed, abs=1e-6)


def test_the_network_fits_the_shipped_size_and_gives_a_value_for_each_pixel() -> None:
    network = estimator.network(32)
    assert 2 * sum(weight.numel() for weight in network.parameters()) <= 3e6
    with torch.no_grad():
        found = estimator.estimate(network, torch.zeros(1, estimator.SEEN, 32, 48), torch.zeros(1, 5, 32))
    assert found.shape == (1, len(CHANNELS), 32, 48)


class Undecided:
    """A model whose estimator says 0.5 of everything, and whose autoencoder loses nothing."""

    estimated = Estimator.channels
    preset = SimpleNamespace(prefix="")

    def embed(self, prompts: list[str]) -> list[str]:
        return prompts

    def encode(self, pictures: Tensor) -> Tensor:
        return pictures

    def decode(self, latents: Tensor) -> Tensor:
        return latents

    def estimate(self, pictures: Tensor, controls: dict[str, Tensor], text: list[str]) -> Tensor:
        assert {kind: one.shape[1] for kind, one in controls.items()} == {"position": 3, "depth": 1}
        return torch.full((1, 6, *pictures.shape[-2:]), 0.5)


def test_errors_are_those_of_the_generators_own_materials(fields: Fields) -> None:
    """Polished copper is all metal and smooth: who says 0.5 errs by 0.5 and 0.38."""
    drawn = (pairs.Pair("copper metal", "copper", None, seed, "sphere", 0.0, 0.0) for seed in range(200))
    copper = next(pair for pair in drawn if not pair.extras and pair.look.phrase == "copper metal")
    rows, by_material = channels.errors(Undecided(), [copper], fields)
    found = {row.name.split(":")[0]: row for row in rows}
    assert found["metallic"].value == pytest.approx(0.5, abs=1e-3)
    assert found["roughness"].value == pytest.approx(0.38, abs=1e-3)
    assert found["height"].value == pytest.approx(0, abs=1e-3)
    assert found["emission"].value == pytest.approx(0.5, abs=1e-3)
    assert all(np.isclose(row.real, 0, atol=1e-3) for row in rows)  # one value does for all of it
    assert by_material["metallic"] == {"copper": 0.5}


def test_a_model_without_an_estimator_has_no_rows(fields: Fields) -> None:
    assert channels.errors(SimpleNamespace(estimated=()), pairs.load()[:1], fields) == ([], {})
