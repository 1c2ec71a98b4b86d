"""Whole jobs that synchronise in RGB through a small autoencoder, with every method that averages x0."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.host import Host
from engine.options.choices import METHODS
from engine.protocol import Request, Result
from engine.settings import averages_x0
from engine.worker import Worker
from tests.engine.denoise.test_small_autoencoder import make_tiny

AVERAGING = [method for method in METHODS if averages_x0(method)]
Make = Callable[..., Request]


@pytest.fixture(scope="module")
def models(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The same model without and with a tiny autoencoder."""
    other = shutil.copytree(tiny_model, tmp_path_factory.mktemp("models") / "with")
    make_tiny(other / "tiny_autoencoder")
    return str(tiny_model), str(other)


@pytest.fixture(scope="module")
def workers() -> tuple[Worker, Worker]:
    return Worker(), Worker()


@pytest.mark.parametrize("space", ["latent", "rgb"])
@pytest.mark.parametrize("method", AVERAGING)
def test_it_decides_where_views_are_averaged_in_rgb_and_nowhere_else(
    models: tuple[str, str], workers: tuple[Worker, Worker], request_for: Make, method: str, space: str
) -> None:
    textures, used = [], []
    for worker, model in zip(workers, models, strict=True):
        # So many views that several see each face of the box and have something to agree on.
        request = request_for(method=method, model=model, sync_space=space, views="paper")
        result = worker.run(request, Host())
        assert isinstance(result, Result), result
        report = json.loads(Path(result.report).read_text(encoding="utf-8"))
        assert np.isfinite(report["view_psnr"])
        textures.append(np.asarray(Image.open(result.texture), np.int64))
        used.append(report["sync_autoencoder"])
    assert used == ([None, None] if space == "latent" else ["full", "tiny"])
    apart = np.abs(textures[0] - textures[1]).max()
    assert apart == 0 if space == "latent" else apart > 2, "more than rounding"
