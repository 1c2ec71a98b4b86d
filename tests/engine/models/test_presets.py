"""The defaults by model family."""

from __future__ import annotations

import pytest

from engine.models import presets
from engine.options.choices import SYNC_SPACES


def test_published_defaults() -> None:
    preset = presets.of_family("sd15", 64, 8)
    assert (preset.family, preset.steps, preset.guidance) == ("sd15", 30, 15.5)
    assert (preset.view_size, preset.latent_view_size) == (768, 96)
    assert (preset.conditioning_scale, preset.control_end) == (0.7, 0.99)
    assert preset.background == "colours"
    assert (preset.attention, preset.reference_share) == ("views", 0.2)
    assert preset.sync_space == "latent"
    assert preset.texture_size == {"latent": 1536, "rgb": 1024}


def test_second_generation() -> None:
    assert presets.of_family("sd21", 96, 8).family == "sd21"


@pytest.mark.parametrize(("sample", "downscale"), [(32, 4), (32, 8), (48, 4)])
def test_own_models_work_at_the_size_they_were_trained_at(sample: int, downscale: int) -> None:
    preset = presets.of_family("starter", sample, downscale)
    assert (preset.latent_view_size, preset.view_size) == (sample, sample * downscale)
    assert (preset.steps, preset.order, preset.guidance, preset.sync_space) == (10, 2, 3.0, "rgb")
    assert (preset.prefix, preset.negative) == ("", "")
    published = presets.SD15.texture_size["latent"] / presets.SD15.latent_view_size
    assert preset.texture_size["latent"] == published * sample
    assert preset.texture_size["rgb"] / 3 > preset.view_size  # texels that a view shows


@pytest.mark.parametrize("preset", [presets.SD15, presets.SD21, presets.STARTER])
def test_every_synchronisation_space_has_its_numbers(preset: presets.Preset) -> None:
    assert set(preset.sync_share) == set(preset.texture_size) == set(SYNC_SPACES)
    assert preset.view_size % preset.latent_view_size == 0
