"""The model in the repository: small, readable by the stock loader, and right about plain colours."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionControlNetPipeline
from safetensors import safe_open
from transformers import CLIPTokenizer

from engine.controls.position import told

MODEL = Path(__file__).resolve().parents[2] / "engine" / "models" / "starter"


@pytest.fixture(scope="module")
def pipeline() -> StableDiffusionControlNetPipeline:
    loaded = StableDiffusionControlNetPipeline.from_pretrained(
        MODEL, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    loaded.set_progress_bar_config(disable=True)
    return loaded


def test_it_fits_in_41_megabytes_of_half_precision() -> None:
    assert sum(file.stat().st_size for file in MODEL.rglob("*") if file.is_file()) < 41e6
    weights = list(MODEL.rglob("*.safetensors"))
    assert len(weights) == 6
    for path in weights:
        with safe_open(path, "pt") as file:
            assert {file.get_tensor(name).dtype for name in file.keys()} <= {torch.float16, torch.int64}  # noqa: SIM118


def test_it_says_that_it_reads_places() -> None:
    assert json.loads((MODEL / "sync_texture.json").read_text())["control"] == "place"


def test_nearly_every_word_of_the_vocabulary_list_is_a_token() -> None:
    """The list belongs to these weights; the tokenizer is older than some of its materials, whose words are
    of a few pieces, and every prompt still has room for many more."""
    tokenizer = CLIPTokenizer.from_pretrained(MODEL / "tokenizer")
    listed = json.loads((MODEL / "vocabulary.json").read_text())
    texts = [*listed["materials"], *listed["colours"], *listed["adjectives"], *listed["examples"]]
    words = {*listed["words"], *(word for text in texts for word in re.findall("[a-z]+", text))}
    pieces = {word: tuple(tokenizer.tokenize(word)) for word in words}
    assert len(words) > 200
    assert np.mean([len(parts) == 1 for parts in pieces.values()]) > 0.8
    assert max(len(parts) for parts in pieces.values()) <= 8
    assert len(set(pieces.values())) == len(words)
    assert max(len(tokenizer(text).input_ids) for text in texts) <= tokenizer.model_max_length / 2


@pytest.mark.parametrize(
    ("prompt", "rgb"),
    [
        ("polished gold, front view.", (0.95, 0.7, 0.22)),
        ("red plastic", (0.78, 0.1, 0.09)),
        ("green plastic", (0.13, 0.55, 0.16)),
        ("snow", (0.93, 0.95, 0.99)),
    ],
)
def test_a_ball_gets_the_named_colour_on_a_grey_ground(
    pipeline: StableDiffusionControlNetPipeline, prompt: str, rgb: tuple[float, float, float]
) -> None:
    steps = np.linspace(-1.1, 1.1, 256)
    x, y = np.meshgrid(steps, -steps)
    square = x**2 + y**2
    ball = square < 1
    places = np.stack([x, y, np.sqrt(np.clip(1 - square, 0, 1))], axis=-1)  # the camera is at +Z
    control = torch.from_numpy(told(places[ball].astype(np.float32), ball))[None]
    generator = torch.Generator().manual_seed(0)
    picture = pipeline(
        prompt, control, num_inference_steps=8, guidance_scale=2.0, generator=generator
    ).images[0]
    colours = np.asarray(picture, np.float32) / 255
    assert np.abs(np.median(colours[ball], 0) - rgb).max() < 0.15
    assert np.abs(np.median(colours[square > 1.2], 0) - 0.5).max() < 0.2
