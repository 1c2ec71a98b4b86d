"""The training command on a tiny configuration, and what comes out of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline
from diffusers.models.controlnets.controlnet import ControlNetConditioningEmbedding
from PIL import Image
from transformers import CLIPTokenizer

from engine.denoise.denoiser import load_denoiser
from training import autoencoder, fields, networks, optim, places, sheet, small_autoencoder, train
from training.buffer import Draw
from training.data import make_batch
from training.diffusion import losses
from training.networks import Architecture, scheduler, tokens
from training.optim import fastest, resume
from training.pool import SIZE, Pool
from training.stages import PLANS, stage_at
from training.tokenizer import END, MAX_TOKENS, write_tokenizer

MODEL = Path(__file__).resolve().parents[2] / "engine" / "models" / "starter" / "tokenizer"
TINY = Architecture(
    widths=(64, 16),
    heads=(1, 2),
    attention=(False, True),
    text_width=16,
    text_layers=1,
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> train.TrainingSettings:
    """A finished run: two training steps of every stage."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "NOISE_GRID", 16)
        patch.setattr(fields, "CELL_GRID", 24)
        patch.setattr(fields, "TOLD_GRID", 16)
        patch.setattr(train.sheet, "draw", lambda *_: None)  # sampling a sheet takes longer than all the rest
        settings = train.TrainingSettings(
            run=tmp_path_factory.mktemp("run"),
            hours=1e-4,
            threads=1,
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


def test_the_export_loads_in_the_stock_pipeline_and_samples(run: train.TrainingSettings) -> None:
    model = run.run / "model"
    pipeline = StableDiffusionControlNetPipeline.from_pretrained(
        model, dtype=torch.float32, safety_checker=None
    )
    pipeline.set_progress_bar_config(disable=True)
    told = torch.rand(1, places.CONTROL, SIZE, SIZE)
    picture = pipeline("weathered red bricks, front view.", told, num_inference_steps=2).images[0]
    assert picture.size == (SIZE, SIZE)
    assert pipeline.scheduler.config.prediction_type == "sample"
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        assert (model / "tokenizer" / name).exists()
    assert not list(model.rglob("*.bin"))
    assert not [file for file in model.rglob("*.json") if str(run.run) in file.read_text()], "whose computer"


def test_a_sheet_is_drawn_of_a_model_that_is_told_noise(run: train.TrainingSettings, tmp_path: Path) -> None:
    path = tmp_path / "sheet.png"
    sheet.draw(run.run / "model", Pool(run.run / "held_out"), path, ("red bricks", "lava"), 1, 1.0)
    with Image.open(path) as page:
        cells = np.asarray(page)[sheet.CELL :]
    for half in np.array_split(cells, 2, axis=1):  # a prompt each
        assert half[:, sheet.LABEL :].std() > 2


@pytest.mark.parametrize(
    ("device", "processor", "dtype"),
    [
        ("cpu", {"avx512_bf16": True}, torch.bfloat16),
        ("cpu", {"avx512_bf16": False}, torch.float32),
        ("cpu", {}, torch.float32),  # another architecture
        ("cuda", {}, torch.bfloat16),
    ],
)
def test_networks_learn_in_bfloat16_only_where_that_is_fast(
    device: str, processor: dict[str, bool], dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: processor)
    assert fastest(torch.device(device)) == dtype


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float32])
def test_a_step_is_taken_in_either_precision(
    run: train.TrainingSettings, precision: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(optim, "fastest", lambda _: precision)
    nets = networks.load(run.run / "model")
    optimizer = train.Optimizer(nets.all, run.average)
    assert nets.unet.dtype == precision
    draw = Draw(
        torch.randn(2, autoencoder.LATENTS, 16, 16),
        torch.randn(2, places.CODES + places.TAPS, 16, 16),
        torch.ones(2, 1, 16, 16),
        torch.zeros(2, MAX_TOKENS, dtype=torch.long),
    )
    generator = torch.Generator().manual_seed(0)
    found = losses(nets, draw, draw.tokens[0], scheduler().alphas_cumprod, generator)
    before = [master.clone() for master in optimizer.masters]
    optimizer.step(optimizer.gradients(found.mean()), 1e-3)
    assert sum(not torch.equal(*pair) for pair in zip(before, optimizer.masters, strict=True)) > 10
    assert {master.dtype for master in optimizer.masters} == {torch.float32}


def test_a_second_call_goes_on_from_the_checkpoint(run: train.TrainingSettings) -> None:
    prepared = train.prepare(run, lambda _: None)
    nets = train.networks.build(prepared.tokenizer, run.arch, run.seed)
    optimizer = train.Optimizer(nets.all, run.average)
    fresh = [master.clone() for master in optimizer.masters]
    spent, samples = resume(run.run / "checkpoint", optimizer)
    assert optimizer.steps >= 1
    assert spent > 0
    assert samples >= run.start
    assert any(not torch.equal(a, b) for a, b in zip(fresh, optimizer.masters, strict=True))
    assert resume(run.run / "nowhere", optimizer) == (0.0, 0)
    assert replace(run, hours=2).run == run.run


def test_the_encoder_is_the_projection(run: train.TrainingSettings) -> None:
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


def test_the_small_autoencoder_starts_as_the_projection_and_its_best_linear_inverse(
    run: train.TrainingSettings,
) -> None:
    prepared = train.prepare(run, lambda _: None)
    data = make_batch(prepared.pool, prepared.fields, 1, 0, 6)
    network = small_autoencoder.by_hand(prepared.vae, data)
    pictures = data.pictures * 2 - 1
    weight, bias = autoencoder.as_convolution(prepared.vae)
    scale = prepared.vae.config.scaling_factor
    latents = scale * torch.nn.functional.conv2d(pictures, weight, bias, stride=8)
    torch.testing.assert_close(autoencoder.encode(network, data.pictures), latents, atol=1e-4, rtol=1e-4)
    rows = torch.nn.functional.unfold(pictures, 8, stride=8).transpose(1, 2).flatten(0, 1).double()
    inputs = latents.permute(0, 2, 3, 1).flatten(0, 2).double()
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], 1)
    best = inputs @ torch.linalg.pinv(inputs) @ rows
    best = best.unflatten(0, (6, -1)).transpose(1, 2).float()
    best = torch.nn.functional.fold(best, pictures.shape[-2:], 8, stride=8)
    with torch.no_grad():
        decoded = network.decode(latents).sample
    assert _apart(decoded, best) < 0.03  # the normalisation's factor isn't quite the same everywhere
    assert (decoded - best).abs().max() < 0.05


def test_the_engine_uses_the_small_autoencoder_of_the_export(run: train.TrainingSettings) -> None:
    prepared = train.prepare(run, lambda _: None)
    pictures = make_batch(prepared.pool, prepared.fields, 1, 0, 2).pictures
    denoiser = load_denoiser(str(run.run / "model"), "cpu", lambda: None)
    with torch.no_grad():
        latents = prepared.small.encode(pictures * 2 - 1).latent
    assert _apart(denoiser.encode(pictures), latents) < 0.01  # its weights are kept in half precision
    again = denoiser.encode(denoiser.decode(latents))
    assert _apart(again, latents) < 0.2


def _apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.fixture(scope="module")
def embedding() -> torch.nn.Module:
    tokenizer = CLIPTokenizer.from_pretrained(MODEL)
    return networks.build(tokenizer, TINY, 0).controlnet.controlnet_cond_embedding


def _slope(side: int) -> torch.Tensor:
    """A control picture (1, CONTROL, 8 * side, 8 * side) of a plane that rises to the right and below."""
    line = torch.linspace(0.3, 0.7, 8 * side)
    x, y = torch.meshgrid(line, line, indexing="xy")
    return _told(torch.stack([x, y, 0.5 * (x + y)]))


def _told(positions: torch.Tensor) -> torch.Tensor:
    """(1, CONTROL, H, W): ``positions`` (3, H, W) with noise of any kind beside them, alike in squares of
    2x2."""
    height, width = positions.shape[1:]
    drawn = torch.rand(places.FIELDS, height // 2, width // 2, generator=torch.Generator().manual_seed(0))
    return torch.cat([positions, drawn.repeat_interleave(2, 1).repeat_interleave(2, 2)])[None]


@torch.no_grad()
def test_the_control_embedding_writes_places_as_waves(embedding: torch.nn.Module) -> None:
    control = _slope(32)
    code = places.coded(embedding, control)[0]
    there = 2 * torch.nn.functional.avg_pool2d(control, 8)[0, :3] - 1
    per_axis = 2 * len(places.PERIODS) + 1
    for axis in range(3):
        for number, period in enumerate(places.PERIODS):
            for part, wave in enumerate((torch.sin, torch.cos)):
                found = code[axis * per_axis + 2 * number + part]
                assert (found - wave(2 * torch.pi * there[axis] / period)).abs().max() < 0.25
        assert (code[axis * per_axis + per_axis - 1] - there[axis]).abs().max() < 0.03
    rises = code[places.PLACE :]
    assert rises[0].min() > 3 * rises[1].abs().max()  # x grows to the right, and not to the left
    assert rises[6].min() > 3 * rises[7].abs().max()  # y grows downwards
    assert code[places.PLACE + places.TILT].min() > 0.95
    nothing = places.coded(embedding, torch.zeros(1, places.CONTROL, 16, 16))
    assert nothing[0, places.PLACE + places.TILT].abs().max() < 0.05


@torch.no_grad()
def test_the_waves_along_a_wall_follow_its_facing(embedding: torch.nn.Module) -> None:
    line = torch.linspace(0.3, 0.7, 256)
    x, y = torch.meshgrid(line, line, indexing="xy")
    first = places.CODES - 2 * len(places.ALONG)
    for z_faced, control in ((True, (x, y, 0.6 + 0.3 * x)), (False, (0.6 + 0.3 * x, y, x))):
        code = places.coded(embedding, _told(torch.stack(control)))[0, first : places.CODES]
        along = 2 * torch.nn.functional.avg_pool2d(x[None, None], 8)[0, 0] - 1
        for number, period in enumerate(places.ALONG):
            wave = torch.sin(2 * torch.pi * along / period)
            assert (code[2 * number] - wave)[1:-1, 1:-1].abs().max() < 0.25, (z_faced, period)


@torch.no_grad()
def test_the_noise_passes_the_embedding_at_4x4_places_of_a_latent(embedding: torch.nn.Module) -> None:
    control = _slope(4)
    taps = places.coded(embedding, control)[:, places.CODES :]
    seen = torch.nn.functional.pixel_unshuffle(control[:, 3:, ::2, ::2], 4).unflatten(1, (-1, 16))
    means = torch.tensor(places.MEANS)[None, :, None, None, None]
    found = taps.unflatten(1, (-1, 16)).sort(2).values
    torch.testing.assert_close(found, (seen - means).sort(2).values, rtol=0, atol=2e-3)


@torch.no_grad()
def test_what_is_exported_reads_what_training_did() -> None:
    """Diffusers' own layers in half precision, of all that training was told and learned."""
    network = networks.build(CLIPTokenizer.from_pretrained(MODEL), TINY, 0).controlnet
    embedding = network.controlnet_cond_embedding
    control = _slope(8)
    told = places.coded(embedding, control)
    torch.testing.assert_close(embedding(told), told[:, : places.CODES])
    embedding.reads.weight.normal_(0, 0.02)
    learned = embedding(told)
    assert (learned - told[:, : places.CODES]).abs().max() > 0.1
    places.finished(embedding)
    assert type(embedding) is ControlNetConditioningEmbedding
    torch.testing.assert_close(embedding.half().float()(control), learned, rtol=0, atol=0.02)
    assert network.config.conditioning_channels == places.CONTROL


@torch.no_grad()
def test_a_model_of_positions_alone_learns_on_with_the_code_that_it_has(tmp_path: Path) -> None:
    network = networks.build(CLIPTokenizer.from_pretrained(MODEL), TINY, 0).controlnet
    narrow = ControlNetModel.from_config(
        {
            **network.config,
            "conditioning_channels": 3,
            "conditioning_embedding_out_channels": (4, 4, 8, places.HINGES),
        }
    )
    expected = narrow.controlnet_cond_embedding(control := _slope(8)[:, :3])
    wider = networks.told_noise(narrow).controlnet_cond_embedding
    told = torch.cat([control, torch.rand(1, places.FIELDS, 64, 64)], 1)
    torch.testing.assert_close(wider(told), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_a_windows_code_is_the_window_of_the_code(embedding: torch.nn.Module) -> None:
    control = _slope(8)
    window = places.coded(embedding, control[..., 16:48, 24:56])
    torch.testing.assert_close(places.coded(embedding, control)[..., 2:6, 3:7], window)


def test_stages_cover_a_run_in_order() -> None:
    for stages in PLANS.values():
        bounds = [stage.until for stage in stages]
        assert bounds == sorted(bounds)
        assert bounds[-1] == 1
        assert stage_at(stages, 0.0) is stages[0]
        assert stage_at(stages, bounds[0]) is stages[1]
        assert stage_at(stages, 1.5) is stages[-1]


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


def test_a_run_that_begins_with_a_model_takes_its_tokenizer_and_autoencoders_over(
    run: train.TrainingSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And moves its weights but a little."""
    for name in ("NOISE_GRID", "CELL_GRID", "TOLD_GRID"):
        monkeypatch.setattr(fields, name, 16)
    monkeypatch.setattr(train.sheet, "draw", lambda *_: None)
    monkeypatch.setattr(train, "refine_decoder", lambda *_: None)
    model = run.run / "model"
    train.main(replace(run, run=tmp_path, begin_with=str(model)))
    for part in ("vae", "tiny_autoencoder", "tokenizer"):
        for file in (model / part).iterdir():
            assert (
                file.suffix == ".json"
                or (tmp_path / "model" / part / file.name).read_bytes() == file.read_bytes()
            )
    old, new = (networks.load(path).unet.state_dict() for path in (model, tmp_path / "model"))
    assert 0 < max(float((old[name] - value).abs().max()) for name, value in new.items()) < 0.01
