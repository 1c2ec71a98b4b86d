"""Small files of transformers' pipelines that make no sense: one line that says what is wrong, or a model
that works."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UserError
from tests.engine.denoise.flow_runs import inputs, ours
from tests.engine.denoise.loaded import load
from tests.engine.denoise.test_hostile_configs import changed, said, some
from tests.engine.flow_pipelines import make_flux, make_qwen_image, make_z_image
from tests.engine.models import odd_json


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "flux": make_flux(folder / "flux", told=True),
        "qwen": make_qwen_image(folder / "qwen"),
        "z": make_z_image(folder / "z"),
    }


@some(60)
@given(data=st.data(), name=st.sampled_from(["flux", "qwen", "z"]))
def test_a_whole_model_works_or_says_what_is_wrong(
    data: st.DataObject, name: str, models: Mapping[str, Path]
) -> None:
    path = data.draw(st.sampled_from(sorted(models[name].rglob("*.json"))))
    whole = path.read_bytes()
    if data.draw(st.integers(0, 5)) == 0:
        written = whole[: data.draw(st.integers(0, len(whole)))]
    else:
        written = odd_json.dumped(changed(data, json.loads(whole)))
    path.write_bytes(written)
    try:
        model = load(models[name])
        assert torch.isfinite(ours(model, 1, 2.0)[0]).all()
        assert torch.isfinite(model.decode(inputs()[0])).all()
    except UserError as error:
        said(error)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "file", "key", "value"),
    [
        ("z", "vae", "scaling_factor", None),
        ("z", "vae", "scaling_factor", 0),
        ("flux", "vae", "shift_factor", [None]),
        ("qwen", "vae", "latents_std", [0.0] * 16),
        ("qwen", "vae", "latents_mean", [1.0]),
        ("z", "vae", "sample_size", 100),
        ("z", "controlnet", "control_layers_places", [0, 4]),
        ("z", "controlnet", "control_layers_places", [1, 2]),
        ("z", "controlnet", "control_in_dim", 8),
        ("qwen", "controlnet", "num_layers", 0),
        ("flux", "controlnet", "num_layers", None),
        ("z", "scheduler", "shift", -3.0),
        ("z", "scheduler", "shift", float("nan")),
    ],
)
def test_values_that_would_give_wrong_pictures_are_refused(
    name: str, file: str, key: str, value: object, models: Mapping[str, Path]
) -> None:
    path = models[name] / file / ("scheduler_config.json" if file == "scheduler" else "config.json")
    whole = path.read_bytes()
    path.write_bytes(odd_json.dumped({**json.loads(whole), key: value}))
    try:
        with pytest.raises(UserError) as error:
            load(models[name])
        assert key in said(error.value)
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "key", "value", "words"),
    [
        ("z", "cap_feat_dim", 24, "reads text of width 24, its encoder makes 16"),
        ("flux", "in_channels", 128, "takes 128 channels, the autoencoder makes 16"),
        ("qwen", "joint_attention_dim", 40, "reads text of width 40"),
    ],
)
def test_networks_of_different_models_are_refused(
    name: str, key: str, value: int, words: str, models: Mapping[str, Path]
) -> None:
    path = models[name] / "transformer" / "config.json"
    whole = path.read_bytes()
    path.write_bytes(odd_json.dumped({**json.loads(whole), key: value}))
    try:
        with pytest.raises(UserError, match=words):
            load(models[name])
    finally:
        path.write_bytes(whole)
