"""The training command on a tiny configuration, and what comes out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import StableDiffusionControlNetPipeline
from PIL import Image
from transformers import CLIPTokenizer

from training import autoencoder, fields, networks, train
from training.data import make_batch
from training.networks import Architecture, scheduler, tokens
from training.pool import SIZE
from training.tokenizer import END, MAX_TOKENS, write_tokenizer

MODEL = Path(__file__).resolve().parents[2] / "engine" / "models" / "starter" / "tokenizer"
TINY = Architecture(
    widths=(16, 16),
    heads=(1, 2),
    attention=(False, True),
    text_width=16,
    text_layers=1,
    control_widths=(4, 8, 16, 12),
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> train.Settings:
    """A finished run: two training steps of every stage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "NOISE_GRID", 16)
        patch.setattr(fields, "CELL_GRID", 24)
        patch.setattr(train.sheet, "draw", lambda *_: None)  # sampling a sheet takes longer than all the rest
        settings = train.Settings(
            run=tmp_path_factory.mktemp("run"),
            hours=1e-4,
            threads=1,
            batch=4,
            layout_steps=1,
            fresh=1,
            start=64,
            capacity=64,
            shapes=3,
            views=2,
            autoencoder_pictures=4,
            autoencoder_steps=2,
            arch=TINY,
        )
        train.main(settings)
    return settings


def test_the_export_loads_in_the_stock_pipeline_and_samples(run: train.Settings) -> None:
    model = run.run / "model"
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        model, dtype=torch.float32, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    depth = Image.new("RGB", (SIZE, SIZE))
    picture = pipeline("weathered red bricks, front view.", depth, num_inference_steps=2).images[0]
    assert picture.size == (SIZE, SIZE)
    assert pipeline.scheduler.config.prediction_type == "v_prediction"
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        assert (model / "tokenizer" / name).exists()
    assert not list(model.rglob("*.bin"))


def test_a_second_call_goes_on_from_the_checkpoint(run: train.Settings) -> None:
    prepared = train.prepare(run, lambda _: None)
    nets = train.networks.build(prepared.tokenizer, run.arch, run.seed)
    optimizer = train.Optimizer(nets.all, run.average)
    fresh = [master.clone() for master in optimizer.masters]
    spent, samples = train._resume(run.run / "checkpoint", optimizer)
    assert optimizer.steps >= 1
    assert spent > 0
    assert samples >= run.start
    assert any(not torch.equal(a, b) for a, b in zip(fresh, optimizer.masters, strict=True))
    assert train._resume(run.run / "nowhere", optimizer) == (0.0, 0)
    assert replace(run, hours=2).run == run.run


def test_the_encoder_is_the_projection(run: train.Settings) -> None:
    prepared = train.prepare(run, lambda _: None)
    data = make_batch(prepared.pool, prepared.fields, 1, 0, 6)
    projection = autoencoder.Projection.fit(data.pictures, data.mask)
    network = autoencoder.untrained()
    autoencoder.write_projection(network, projection)
    patches = torch.nn.functional.unfold(data.pictures * 2 - 1, 8, stride=8).transpose(1, 2)
    expected = ((patches - projection.mean) @ projection.basis).transpose(1, 2).unflatten(2, (32, 32))
    assert _apart(autoencoder.encode(network, data.pictures), expected) < 0.06
    short = torch.nn.functional.conv2d(data.pictures * 2 - 1, *autoencoder.as_convolution(network), stride=8)
    assert _apart(short, expected) < 1e-4


def _apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


def test_the_control_embedding_begins_with_a_code_of_the_place() -> None:
    """Each latent's strongest bump on an axis is that of its coordinate."""
    embedding = networks.build(CLIPTokenizer.from_pretrained(MODEL), Architecture(), 0).controlnet
    places = torch.linspace(0.05, 0.95, 32)
    x, y = torch.meshgrid(places, places, indexing="xy")
    control = torch.stack([x, y, 1 - x]).repeat_interleave(8, 1).repeat_interleave(8, 2)[None]
    found = embedding.controlnet_cond_embedding(control)[0, :48].unflatten(0, (3, 16))
    strongest = (found.argmax(1) - 0.5) / 14
    for axis, expected in enumerate((x, y, 1 - x)):
        assert (strongest[axis] - expected).abs().max() < 0.75 / 14  # half an interval, and the bend of SiLU


def test_training_noise_ends_in_pure_noise() -> None:
    assert float(scheduler().alphas_cumprod[-1]) == 0.0


def test_known_words_are_one_token_and_unknown_ones_never_end_the_prompt(tmp_path: Path) -> None:
    tokenizer: CLIPTokenizer = write_tokenizer(tmp_path, ["weathered red bricks", "mossy cobblestone"])
    assert tokenizer.tokenize("Weathered red bricks") == ["weathered</w>", "red</w>", "bricks</w>"]
    for strange in ("zxqj", "café", "砖", "🧱", "a-b_c", "x" * 10):
        assert END not in tokenizer.tokenize(strange)
    ids = tokens(tokenizer, ["", "red " * 100])
    assert ids.shape == (2, MAX_TOKENS)
    reloaded = CLIPTokenizer.from_pretrained(tmp_path)
    assert torch.equal(tokens(reloaded, ["mossy red"]), tokens(tokenizer, ["mossy red"]))
