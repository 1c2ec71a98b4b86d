"""Estimators of Marigold's kind against diffusers' own pipeline, and synchronised over views against not."""

from __future__ import annotations

import gc
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import trimesh
from diffusers import MarigoldIntrinsicsPipeline
from PIL import Image
from torch import Tensor

from engine import generate, settings
from engine.canvas.canvas import CanvasView, Prompt
from engine.denoise.autoencoder import Autoencoder
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.estimates import Estimating, channels_of, open_estimators
from engine.errors import OutOfMemory, UserError
from engine.generate import Painter
from engine.host import Clock, Host
from engine.models import estimators
from engine.models.ladder import Room
from engine.options.channels import CHANNELS
from engine.protocol import Request, Result
from engine.sync.spaces import Averaging, LinearMaps, LinearSpace
from engine.worker import Failure, Worker
from tests.engine.marigold import APPEARANCE, LIGHTING, SCHEDULER, make_marigold

Make = Callable[..., Request]
BASE, ROUGHNESS, METALLIC = (CHANNELS[name] for name in ("base_color", "roughness", "metallic"))
SIDE = 64


@pytest.fixture(scope="module")
def marigold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_marigold(tmp_path_factory.mktemp("estimators") / "appearance")


@pytest.fixture(scope="module")
def denoiser(tiny_model: Path) -> Denoiser:
    return load_denoiser(str(tiny_model), "cpu", lambda: None)


@pytest.fixture
def opened(marigold: Path, denoiser: Denoiser) -> Estimating:
    return open_estimators([str(marigold)], denoiser, lambda: None)[0]


class Shown:
    """A canvas of ``count`` views of which each pixel is one of the canonical variable, the same in all views
    but turned by quarters."""

    def __init__(self, count: int = 1) -> None:
        everywhere = np.ones((SIDE, SIDE), bool)
        self.views = [CanvasView(SIDE, SIDE, (Prompt("x", ""),), {}, everywhere)] * count
        self.order: Sequence[int] = range(count)
        self.channels = (BASE, ROUGHNESS, METALLIC)
        self.lighter = ("views",)

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> LinearSpace:
        from scipy.sparse import csr_matrix

        side, count = SIDE // scale, len(self.views)
        grid = np.arange(side * side).reshape(side, side)
        element = np.concatenate([np.rot90(grid, i).ravel() for i in range(count)])
        pixel = np.arange(len(element))
        average = csr_matrix((np.full(len(pixel), 1 / count), (element, pixel)), (side * side, len(pixel)))
        return LinearSpace.build(LinearMaps(pixel, element, average, np.ones(side * side, bool)), device)

    def start(self) -> None:
        return None


def pictures(count: int = 1) -> Tensor:
    """Smooth ones: what a view shows, turned as the views are."""
    coarse = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(5))
    first = torch.nn.functional.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1)
    return torch.cat([torch.rot90(first, i, (2, 3)) for i in range(count)])


def painter(denoiser: Denoiser, opened: Estimating, **asked: Any) -> Painter:
    request = Request(mesh="", prompt="x", out="", estimator=("it",), **asked)
    used = settings.resolve(request, denoiser.preset, opened.told)
    return Painter(denoiser, used, Clock(), Host(), (opened,))


def by_diffusers(folder: Path, shown: Tensor, latents: Tensor, **how: Any) -> Tensor:
    """(3 T, H, W) of one view."""
    pipe = MarigoldIntrinsicsPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    found = pipe(shown, latents=latents, output_type="pt", batch_size=1, **how).prediction
    return found.flatten(0, 1)


def told_alone(denoiser: Denoiser, opened: Estimating, method: str = "independent", **asked: Any) -> Any:
    """What is told of one view, and the noise that it began with."""
    begun: list[Tensor] = []
    sample = generate.sample

    def noting(*given: Any) -> Any:
        begun.append(given[3])
        return sample(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "sample", noting)
        own = painter(denoiser, opened, method=method, **asked)
        found = generate._estimated(Shown(), own, opened, pictures())  # type: ignore[arg-type]
    return found, begun[0]


@pytest.mark.parametrize("resolution", [0, SIDE])
def test_a_view_alone_is_as_diffusers_own_pipeline_has_it(
    marigold: Path, denoiser: Denoiser, opened: Estimating, resolution: int
) -> None:
    found, begun = told_alone(denoiser, opened)
    wanted = by_diffusers(marigold, pictures(), begun, processing_resolution=resolution)
    assert wanted.std() > 0.01
    torch.testing.assert_close(found[BASE][0], wanted[:3], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[ROUGHNESS][0], wanted[3:4], atol=1e-4, rtol=0)
    torch.testing.assert_close(found[METALLIC][0], wanted[4:5], atol=1e-4, rtol=0)


@pytest.mark.parametrize("space", ["latent", "rgb"])
def test_agreeing_with_itself_alone_changes_nothing(
    marigold: Path, denoiser: Denoiser, opened: Estimating, space: str
) -> None:
    """Through f and g of one view, in which every pixel is an element of its own."""
    found, begun = told_alone(denoiser, opened, "synctweedies", sync_space=space)
    wanted = by_diffusers(marigold, pictures(), begun, processing_resolution=0)
    torch.testing.assert_close(found[BASE][0], wanted[:3], atol=1e-4, rtol=0)


def test_linear_light_is_shown_as_diffusers_shows_it(tmp_path: Path, denoiser: Denoiser) -> None:
    folder = make_marigold(tmp_path / "lighting", LIGHTING)
    (lighting,) = open_estimators([str(folder)], denoiser, lambda: None)
    assert [*lighting.told] == [BASE]
    found, begun = told_alone(denoiser, lighting)
    raw = by_diffusers(folder, pictures(), begun, processing_resolution=0)
    pipe = MarigoldIntrinsicsPipeline.from_pretrained(folder)
    (shown,) = pipe.image_processor.visualize_intrinsics(raw.reshape(3, 3, SIDE, SIDE), LIGHTING)
    theirs = torch.from_numpy(np.asarray(shown["albedo"]) / 255.0).permute(2, 0, 1).float()
    torch.testing.assert_close(found[BASE][0], theirs, atol=1.01 / 255, rtol=0)  # it rounds down


@pytest.fixture
def _squares(monkeypatch: pytest.MonkeyPatch) -> None:
    """An autoencoder that turns with its pictures: a latent is the mean of a square of pixels."""
    pool, grow = torch.nn.functional.avg_pool2d, torch.nn.functional.interpolate

    def encoded(self: Autoencoder, vae: Any, shown: Tensor) -> Tensor:
        means = pool(shown, 8)
        return torch.cat([means, means[:, :1]], dim=1)

    monkeypatch.setattr(Autoencoder, "_encoded", encoded)
    monkeypatch.setattr(Autoencoder, "_decoded", lambda self, vae, own: grow(own[:, :3], scale_factor=8.0))


@pytest.mark.usefixtures("_squares")
@pytest.mark.parametrize("space", ["latent", "rgb"])
def test_views_that_are_synchronised_agree(denoiser: Denoiser, opened: Estimating, space: str) -> None:
    """Of one surface, turned by quarters. What disagrees is the network, which knows up from down."""

    def spread(method: str) -> dict[str, float]:
        asked = {} if method == "independent" else {"sync_space": space}
        canvas: Any = Shown(4)
        found = generate._estimated(canvas, painter(denoiser, opened, method=method, **asked), opened, pictures(4))
        return {channel.name: _spread(values) for channel, values in found.items()}

    apart, together = spread("independent"), spread("synctweedies")
    assert min(apart.values()) > 0.01, apart
    assert max(together.values()) < 1e-4, together


def _spread(found: Tensor) -> float:
    """How far the views' numbers are from their mean, seen from the first view."""
    seen = torch.stack([torch.rot90(one, -i, (1, 2)) for i, one in enumerate(found)])
    return float((seen - seen.mean(dim=0)).square().mean().sqrt())
