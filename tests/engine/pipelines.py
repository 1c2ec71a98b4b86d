"""Tiny models of Stable Diffusion's own classes, random but fixed: 4 latent channels, 8 pixels per latent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel

WORDS = ("red", "bricks", "old", "wood", "gold", "view", "front")
TOKENS = 16


def write_tokenizer(folder: Path, pad: str = "<|endoftext|>") -> int:
    """A byte-level CLIP tokenizer that knows WORDS; returns the size of its vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    letters = [chr(b) for b in printable] + [chr(256 + n) for n in range(len(others))]
    vocabulary = letters + [letter + "</w>" for letter in letters]
    merges = []
    for word in WORDS:
        done = word[0]
        for i, letter in enumerate(word[1:], 1):
            piece = letter + ("</w>" if i == len(word) - 1 else "")
            merges.append(f"{done} {piece}")
            done += piece
            vocabulary.append(done)
    vocabulary = [*list(dict.fromkeys(vocabulary)), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True)
    table = {token: i for i, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(table), encoding="utf-8")
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(dict.fromkeys(merges)) + "\n", encoding="utf-8"
    )
    config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": TOKENS, "pad_token": pad}
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return len(vocabulary)


def write_text_encoder(folder: Path, words: int, width: int) -> None:
    """A small one for so many ``words``, its weights drawn at random as of all these."""
    from transformers import CLIPTextConfig, CLIPTextModel

    text = CLIPTextConfig(
        vocab_size=words,
        hidden_size=width,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=TOKENS,
        bos_token_id=words - 2,
        eos_token_id=words - 1,
        pad_token_id=words - 1,
    )
    CLIPTextModel(text).save_pretrained(folder / "text_encoder")


def write_unet(folder: Path, taken: int, given: int, width: int) -> UNet2DConditionModel:
    """One that is given ``taken`` channels and gives ``given``, for texts ``width`` wide."""
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=taken,
        out_channels=given,
        block_out_channels=(32, 64),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=width,
        attention_head_dim=4,
    )
    unet.save_pretrained(folder / "unet")
    return unet


def write_autoencoder(folder: Path, channels: int) -> None:
    from diffusers import AutoencoderKL

    AutoencoderKL(
        latent_channels=channels,
        block_out_channels=(32, 32, 32, 32),
        layers_per_block=1,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        sample_size=64,
    ).save_pretrained(folder / "vae")


def write_scheduler(folder: Path, scheduler: dict[str, object]) -> None:
    (folder / "scheduler").mkdir()
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(scheduler), encoding="utf-8")


def make_pipeline(
    folder: Path, scheduler: dict[str, object], seed: int = 0, width: int = 32, channels: int = 4
) -> Path:
    """A whole pipeline in diffusers layout, ControlNet included, written to ``folder``."""
    from diffusers import ControlNetModel

    torch.manual_seed(seed)
    words = write_tokenizer(folder / "tokenizer")
    write_text_encoder(folder, words, width)
    unet = write_unet(folder, channels, channels, width)
    controlnet = ControlNetModel.from_unet(unet)
    for block in [*controlnet.controlnet_down_blocks, controlnet.controlnet_mid_block]:
        torch.nn.init.normal_(block.weight, std=0.1)  # zero at first: the ControlNet would do nothing
    torch.nn.init.normal_(controlnet.controlnet_cond_embedding.conv_out.weight, std=0.1)
    controlnet.save_pretrained(folder / "controlnet")
    write_autoencoder(folder, channels)
    write_scheduler(folder, scheduler)
    _write_index(folder, scheduler)
    return folder


def _write_index(folder: Path, scheduler: dict[str, object]) -> None:
    index = {
        "_class_name": "StableDiffusionControlNetPipeline",
        "controlnet": ["diffusers", "ControlNetModel"],
        "scheduler": ["diffusers", scheduler["_class_name"]],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "safety_checker": [None, None],
        "feature_extractor": [None, None],
        "requires_safety_checker": False,
    }
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
