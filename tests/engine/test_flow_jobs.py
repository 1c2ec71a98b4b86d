"""Whole jobs with tiny transformers for flow matching: every method, and what they are told of."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.host import Host
from engine.protocol import Request, Result
from engine.worker import Failure, Worker
from tests.engine.flow_pipelines import make_flux, make_qwen_image, make_z_image

Make = Callable[..., Request]
MAKERS = {"flux": make_flux, "qwen-image": make_qwen_image, "z-image": make_z_image}


@pytest.fixture(scope="module", params=MAKERS)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("models") / request.param)


def report(worker: Worker, request: Request) -> dict[str, Any]:
    outcome = worker.run(request, Host())
    assert isinstance(outcome, Result), outcome
    found: dict[str, Any] = json.loads(Path(outcome.report).read_text(encoding="utf-8"))
    return found


def test_a_texture_is_made_in_either_space(worker: Worker, request_for: Make, model: Path) -> None:
    """In one of them with a prompt and a guidance for the object itself."""
    for space, region in (("latent", ()), ("rgb", ("object:box=gold|3",))):
        found = report(worker, request_for(model=str(model), sync_space=space, region=region))
        assert found["region"] == list(region)
        assert np.isfinite(found["view_psnr"])
        assert found["attention"] == "off"


def test_attention_across_views_is_refused_in_words(worker: Worker, request_for: Make, model: Path) -> None:
    outcome = worker.run(request_for(model=str(model), views="4", steps=1, attention="views"), Host())
    assert isinstance(outcome, Failure)
    assert "can work across views" in outcome.error
