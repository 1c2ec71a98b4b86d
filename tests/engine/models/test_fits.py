"""Whether a model runs on a machine and how long: against counts of true networks; and what is shown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.denoise import speed
from engine.models import accelerators, fits, machine, presets, show
from engine.models import command as models_command
from engine.models.catalogue import BY_NAME, ENTRIES
from engine.models.describe import describe
from engine.models.figures import BY_FAMILY
from engine.models.ladder import FULL, HALF
from engine.models.machine import Machine
from tests.bench.cases import network_cost, true_sizes

GB = 1 << 30
STAGES = {"text": ("text_encoder", "text_encoder_2"), "network": ("unet", "transformer", "controlnet")}


def card(memory: int, name: str = "GeForce", ram: int | None = 64) -> Machine:
    """Of so many GB, with half of a good one's speed."""
    return Machine("cuda", name, memory * GB, 50.0, half=True, ram=ram and ram * GB)


def preset(name: str) -> presets.Preset:
    entry = BY_NAME[name]
    return accelerators.accelerated(presets.PUBLISHED[entry.family], entry.accelerator)


@pytest.mark.parametrize("family", ["sdxl", "flux-dev"])
def test_figures_are_those_of_networks_of_true_sizes(family: str) -> None:
    figures, layers = BY_FAMILY[family], []
    for stage, names in STAGES.items():
        of_stage = set(names) & set(true_sizes.FAMILIES[family].networks)
        found = [true_sizes.weights(family, name) for name in of_stage]
        total, eight = sum(one.total for one in found), sum(one.eight for one in found)
        layers += [one.largest for one in found]
        weights = getattr(figures, stage)
        assert (weights.total, weights.eight) == pytest.approx((total / 1e9, eight / 1e9), abs=2e-3)
    assert figures.layer == pytest.approx(max(layers) / 1e9, abs=1e-3)
    assert figures.pixels == pytest.approx(true_sizes.weights(family, "vae").total / 1e9, abs=1e-3)


def test_costs_are_those_of_a_network_of_true_size() -> None:
    found = network_cost.network("sd15")["network"]
    figures = BY_FAMILY["sd15"]
    assert figures.tflop == pytest.approx(found.tflop, rel=0.01)
    assert found.peak < figures.row * 1e9 < 1.5 * found.peak


def test_what_is_saved_and_how_long_it_takes_are_told() -> None:
    fit = fits.on("sdxl", preset("sdxl"), card(24, "GeForce RTX 4090"))
    assert fit is not None
    assert fit.words == "runs on the GeForce RTX 4090 (24 GB); ten views take about 3 minutes"
    rows = 10 * 2 * 30  # guidance takes two passes
    assert fit.seconds == pytest.approx((rows * 9.72 + 10 * 10.5) / (50 * fits.REACHED), rel=0.01)
    small = fits.on("sdxl", preset("sdxl"), card(8))
    assert small is not None
    assert small.words.startswith("runs on the GeForce (8 GB): weights in 8 bits (fp8), ")
    assert fits.on("starter", presets.STARTER, card(8)) is None


def test_rgb_synchronisation_and_few_steps_are_reckoned_with() -> None:
    """Z-Image-Turbo: 8 steps without guidance; at each, ten pictures are decoded, and twice encoded."""
    fit = fits.on("z-image-turbo", preset("z-image-turbo"), card(48))
    assert fit is not None
    pictures = 10 * 8 * (10.5 + 2 * 4.88) + 10 * 10.5
    assert fit.seconds == pytest.approx((10 * 8 * 69.7 + pictures) / (50 * fits.REACHED), rel=0.01)


def test_a_card_too_small_is_told_why() -> None:
    fit = fits.on("flux-dev", preset("flux-dev"), card(8, ram=16))
    assert fit is not None
    assert not fit.runs
    assert fit.seconds is None
    assert "can't wait in the computer's memory" in fit.words
    assert fits.on("flux-dev", preset("flux-dev"), card(8)).runs  # type: ignore[union-attr]
    computer = fits.on("qwen-image", preset("qwen-image"), Machine("cpu", "", 16 * GB, 0.1, half=False))
    assert computer is not None
    assert computer.words == "doesn't fit on the processor (16 GB): it takes 29.0 GB at least"


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.family in BY_FAMILY], ids=lambda e: e.name)
def test_the_catalogue_says_which_card_a_model_wants(entry: fits.Entry) -> None:
    assert entry.memory == fits.wants(entry.family)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "1 second"),
        (7.4, "7 seconds"),
        (43, "45 seconds"),
        (100, "2 minutes"),
        (5000, "83 minutes"),
        (90_000, "25 hours"),
        (400_000, "5 days"),
    ],
)
def test_durations_are_rounded_as_people_say_them(seconds: float, said: str) -> None:
    assert fits.duration(seconds) == f"about {said}"


def test_what_was_measured_is_remembered_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNC_TEXTURE_LINKS", str(tmp_path / "links.json"))
    assert machine.read() is None
    assert describe("sdxl").fits is None
    found = speed.measure()
    assert 1e-4 < found.tflops < 1e4
    machine.write(found)
    assert machine.read() == found
    machine.write(card(12))
    said = describe("sdxl").fits
    assert said is not None
    assert "runs on the GeForce (12 GB)" in said
    assert "ten views take about" in said
    assert any("GeForce (12 GB)" in line for line in show.as_text(describe("sdxl"), 200))
    lines = list(show.before_download(BY_NAME["sdxl"], 200))
    for word in ("OpenRAIL", "9.4 GB", "8 GB in fp8", "30 steps", "GeForce (12 GB)"):
        assert any(word in line for line in lines), word
    assert models_command.run("list", None, as_json=True) == 0
    listed = {model["name"]: model["fits"] for model in json.loads(capsys.readouterr().out)}
    assert listed["sdxl"] == said
    assert listed["starter"] is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"device": 1}', "\0", '{"device": "cuda", "name": "x"}'])
def test_what_is_damaged_there_is_as_if_nobody_had_looked(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNC_TEXTURE_LINKS", str(tmp_path / "links.json"))
    machine.path().write_text(text, encoding="utf-8")
    assert machine.read() is None


def test_smaller_models_are_named_where_one_does_not_fit() -> None:
    assert fits.smaller(card(6).room, HALF)[0] == "sd15"
    assert "flux-dev" not in fits.smaller(card(6, ram=12).room, HALF)
    assert fits.smaller(machine.Room(1e6, 1e6), HALF) == []
    computer = Machine("cpu", "", 24 * GB, 0.1, half=False).room
    half, full = (set(fits.smaller(computer, computed)) for computed in (HALF, FULL))
    assert half - full == {"flux-dev", "flux-schnell"}


def test_smaller_views_cost_less() -> None:
    assert BY_FAMILY["sdxl"].at(512).tflop == pytest.approx(BY_FAMILY["sdxl"].tflop / 4)
