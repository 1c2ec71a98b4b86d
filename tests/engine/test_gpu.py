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
from engine.controls.position import CHANNELS
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.host import Host
from engine.pipeline import texture
from engine.views.backends import make_raster, obstacle
from engine.views.cameras import even_rig
from engine.views.raster import EmbreeRaster
from tests.engine.denoise.loaded import level
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
def test_half_precision_denoises_as_full_precision(model: str, tiny_model: Path) -> None:
    name = str(tiny_model) if model == "tiny" else model
    cpu, cuda = (load_denoiser(name, device, lambda: None) for device in ("cpu", "cuda"))
    generator = torch.Generator().manual_seed(4)
    size = cpu.preset.view_size // cpu.downscale
    x = torch.randn(2, cpu.latent_channels, size, size, generator=generator)
    planes = {"position": 3, "place": CHANNELS}.get(cpu.preset.control, 1)
    control = torch.rand(2, planes, cpu.preset.view_size, cpu.preset.view_size, generator=generator)
    for t in (950, 500, 100):
        full, half = (predicted(denoiser, x, t, control) for denoiser in (cpu, cuda))
        assert torch.isfinite(half).all()
        assert ((half - full).norm() / full.norm()).item() < 0.05
    full, half = (denoiser.decode(x.to(denoiser.device)).float().cpu() for denoiser in (cpu, cuda))
    assert (half - full).abs().mean().item() < 0.02


def predicted(denoiser: Denoiser, x: torch.Tensor, t: int, control: torch.Tensor) -> torch.Tensor:
    words, nothing = denoiser.embed(["red bricks"]), denoiser.embed([""])
    home = denoiser.device
    return (
        denoiser.predict_x0(x.to(home), level(denoiser, t), words, nothing, control.to(home), 3.0)
        .float()
        .cpu()
    )


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
