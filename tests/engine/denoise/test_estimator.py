"""The estimator of materials against its network called by hand; folders of another kind are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel

from engine.denoise.estimator import Estimator, find
from engine.errors import UserError
from tests.engine.estimators import TEXT, made


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("estimating"))


@pytest.fixture(scope="module")
def estimator(pipeline: Path) -> Estimator:
    part = find(pipeline, TEXT, torch.device("cpu"), torch.float32)
    assert part
    return Estimator(part)


def inputs(height: int, width: int) -> tuple[torch.Tensor, dict[str, torch.Tensor], torch.Tensor]:
    torch.manual_seed(0)
    controls = {"position": torch.rand(2, 3, height, width), "depth": torch.rand(2, 3, height, width)}
    return torch.rand(2, 3, height, width), controls, torch.randn(2, 5, TEXT)


def test_a_pixel_is_where_it_was_and_glow_has_the_pictures_colour(
    pipeline: Path, estimator: Estimator
) -> None:
    """Patches by loops: channel c of pixel (4 i + y, 4 j + x) is number 16 c + 4 y + x of patch (i, j)."""
    pictures, controls, text = inputs(16, 24)
    found = estimator(pictures, controls, text, lambda: None)
    seen = torch.cat([pictures, controls["position"], controls["depth"][:, :1]], 1) * 2 - 1
    patches = torch.empty(2, 7 * 16, 4, 6)
    for y, x in np.ndindex(4, 4):
        patches[:, 4 * y + x :: 16] = seen[:, :, y::4, x::4]
    with torch.no_grad():
        network = UNet2DConditionModel.from_pretrained(pipeline / "estimator")
        given = network(patches, torch.tensor([0, 0]), text).sample
    wanted = torch.empty(2, 4, 16, 24)
    for y, x in np.ndindex(4, 4):
        wanted[:, :, y::4, x::4] = given[:, 4 * y + x :: 16]
    wanted = wanted.clamp(0, 1)
    assert ((wanted > 0) & (wanted < 1)).float().mean() > 0.05
    torch.testing.assert_close(found[:, :3], wanted[:, :3], atol=1e-5, rtol=0)
    glow = ((wanted[:, 3:] - 0.08) / 0.92).clamp(min=0)  # what is doubtful doesn't glow
    torch.testing.assert_close(found[:, 3:], glow * pictures, atol=1e-5, rtol=0)


def test_any_size_and_no_places_will_do(estimator: Estimator) -> None:
    pictures, _, text = inputs(18, 21)
    assert estimator(pictures, {}, text, lambda: None).shape == (2, 6, 18, 21)


def test_a_model_without_the_folder_has_none(tmp_path: Path) -> None:
    assert find(tmp_path, TEXT, torch.device("cpu"), torch.float32) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("_class_name", "UNet2DModel"), ("in_channels", 4), ("out_channels", 4), ("cross_attention_dim", 768)],
)
def test_a_network_of_another_kind_is_refused_by_name(tmp_path: Path, key: str, value: object) -> None:
    file = made(tmp_path) / "estimator" / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {key: value}))
    with pytest.raises(UserError, match=rf"config\.json is of no estimator .* {key} is '?{value}"):
        find(tmp_path, TEXT, torch.device("cpu"), torch.float32)
