"""Write the trained networks as a pipeline folder that Stable Diffusion's loaders read."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from diffusers import AutoencoderDC, AutoencoderKL, StableDiffusionControlNetPipeline
from transformers import CLIPTokenizer

from training.captions import vocabulary
from training.networks import Networks, scheduler

_TOKENIZER_FILES = ("vocab.json", "merges.txt", "special_tokens_map.json")  # transformers 5 omits them


SIDECAR = {
    "control": "place",
    "precision": "bfloat16",  # in float16 its network overflows
    "guidance": 2.0,
    "guidance_end": 0.5,
    "autoencoder": "tiny",
}


def pipeline(
    networks: Networks, vae: AutoencoderKL, tokenizer: CLIPTokenizer
) -> StableDiffusionControlNetPipeline:
    """The stock pipeline around the networks as they are."""
    return StableDiffusionControlNetPipeline(
        vae=vae,
        text_encoder=networks.text,
        tokenizer=tokenizer,
        unet=networks.unet,
        controlnet=networks.controlnet,
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def save(
    folder: Path,
    networks: Networks,
    vae: AutoencoderKL,
    small: AutoencoderDC,
    tokenizer: CLIPTokenizer,
    tokenizer_files: Path,
) -> None:
    """Export in float16: safetensors, configurations, tokenizer, the vocabulary list and what the
    engine must know: that the ControlNet reads places, that its waves of them need float32 (in float16
    the network's answer is off by an eighth), and that the small autoencoder is the better one. The networks
    themselves are left in float16."""
    whole = pipeline(networks, vae, tokenizer).to(dtype=torch.float16)
    whole.save_pretrained(folder, safe_serialization=True)
    save_small(folder, small)
    for name in _TOKENIZER_FILES:
        (folder / "tokenizer" / name).write_bytes((tokenizer_files / name).read_bytes())
    (folder / "sync_texture.json").write_text(json.dumps(SIDECAR) + "\n")
    (folder / "vocabulary.json").write_text(json.dumps(vocabulary(), indent=1) + "\n")


def save_small(folder: Path, small: AutoencoderDC) -> None:
    """Export the small autoencoder alone, and leave it in float16."""
    small.to(dtype=torch.float16).save_pretrained(folder / "tiny_autoencoder", safe_serialization=True)
    _forget_origins(folder)


def _forget_origins(folder: Path) -> None:
    """Leave out of the configurations which folders of this computer the networks were loaded from."""
    for path in folder.glob("*/config.json"):
        said = json.loads(path.read_text())
        if said.pop("_name_or_path", None) is not None:
            path.write_text(json.dumps(said, indent=2, sort_keys=True) + "\n")
