"""What only an NVIDIA card can show, in about a minute: `build.py test -m gpu`. Skipped elsewhere."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine import protocol
from engine.denoise.denoiser import load_denoiser
from engine.host import Host
from engine.pipeline import texture
from engine.views.backends import make_raster, obstacle
from engine.views.cameras import even_rig
from engine.views.raster import EmbreeRaster
from tests.engine.denoise import precisions
from tests.engine.views.same_views import SHAPES, assert_same_view

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA card: torch sees no CUDA device"),
]


@pytest.fixture
def nvdiffrast() -> None:
    if importlib.util.find_spec("nvdiffrast") is None:
        pytest.skip("nvdiffrast isn't installed: README.md, 'On an NVIDIA card', says how")
    why = obstacle()
    assert why is None, f"{why}; {why.fix}"


@pytest.mark.usefixtures("nvdiffrast")
@pytest.mark.parametrize("name", sorted(SHAPES))
@pytest.mark.parametrize("resolution", [64, 77, 512])
def test_nvdiffrast_draws_what_rays_hit(name: str, resolution: int) -> None:
    made = SHAPES[name]
    rays = EmbreeRaster(made.vertices, made.faces)
    card = make_raster("nvdiffrast", made.vertices, made.faces)
    for camera in even_rig(6):
        view, expected = card.rasterise(camera, resolution), rays.rasterise(camera, resolution)
        assert_same_view(view, expected, resolution)


@pytest.mark.parametrize("model", ["tiny", "starter"])
def test_half_precision_denoises_as_full_precision(
    model: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    precisions.require_alike(str(tiny_model) if model == "tiny" else model, "cuda", monkeypatch)


@pytest.mark.usefixtures("nvdiffrast")
def test_a_whole_texture_on_the_card_is_that_of_rays(
    request_for: Callable[..., protocol.Request], tmp_path: Path
) -> None:
    pictures = []
    for raster in ("auto", "embree"):
        request = request_for(device="cuda", raster=raster, out=str(tmp_path / raster))
        result = texture(request, lambda name, device, _: load_denoiser(name, device, lambda: None), Host())
        report = json.loads(Path(result.report).read_text(encoding="utf-8"))
        assert report["device"].startswith("cuda")
        assert report["raster"] == ("nvdiffrast" if raster == "auto" else "embree")
        pictures.append(np.asarray(Image.open(result.texture), np.float32) / 255)
    # A random network makes much of a pixel on an edge.
    assert np.abs(pictures[0] - pictures[1]).mean() < 0.05
