"""The models with random weights that benchmarks run: as large as the published ones, and fit to be read."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.models.catalogue import BY_FAMILY
from engine.models.families import CONTROLNET, PARTS
from tests.bench.cases import true_sizes

PUBLISHED = {  # billions of weights, by the models' pages
    "sd15": {"unet": 0.860, "controlnet": 0.361},
    "z-image-turbo": {"transformer": 6.155, "text_encoder": 4.022},
    "qwen-image": {"transformer": 20.43, "controlnet": 1.768, "text_encoder": 7.07},
}


@pytest.mark.parametrize("family", PUBLISHED)
def test_models_of_true_sizes_have_as_many_weights_as_the_published(family: str) -> None:
    found = true_sizes.sizes(family)
    assert set(found) == {*PARTS[family].networks, CONTROLNET}
    for name, billions in PUBLISHED[family].items():
        assert found[name] / 1e9 == pytest.approx(billions, rel=2e-3), name


def test_every_family_that_is_downloaded_has_a_true_size() -> None:
    assert set(true_sizes.FAMILIES) == set(BY_FAMILY) - {"starter", "sd21"}


def test_random_weights_are_read_back_as_noise_of_a_trained_networks_strength(tmp_path: Path) -> None:
    network = torch.nn.Sequential(torch.nn.Linear(400, 300, device="meta"), torch.nn.Linear(300, 7))
    # more than is made at once:
    network[1].weight = torch.nn.Parameter(torch.empty(2000, 3000, device="meta"))
    true_sizes.write_weights(network, tmp_path / "model.safetensors")
    found = load_file(tmp_path / "model.safetensors")
    assert {name: (tensor.shape, tensor.dtype) for name, tensor in found.items()} == {
        name: (tensor.shape, torch.bfloat16) for name, tensor in network.state_dict().items()
    }
    for name, inputs in (("0.weight", 400), ("1.weight", 3000)):
        assert float(found[name].float().std()) == pytest.approx(inputs**-0.5, rel=0.02)
        assert abs(float(found[name].float().mean())) < 0.01 * inputs**-0.5
