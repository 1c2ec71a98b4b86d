"""The image encoder that an IP-Adapter needs: where it lies, and what its config is. Reads no weights.

It is a CLIP vision model, in one of two sizes: OpenCLIP ViT-H, or ViT-bigG for the oldest adapter of
Stable Diffusion XL. Repositories have it as a folder in diffusers layout, other programs as a single file
in a folder ``clip_vision``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..options.values import short
from . import files
from .header import header
from .ip_adapter_file import AdapterFile

NAME = "image_encoder"
CLIP_VISION = "clip_vision"
REPOSITORY = "h94/IP-Adapter"
FOLDERS = (f"models/{NAME}", f"sdxl_models/{NAME}")  # there: ViT-H, ViT-bigG
_SIZES = {(1280, 1024): FOLDERS[0], (1664, 1280): FOLDERS[1]}  # hidden numbers, and of the vector
_HEADS = 16  # in both
_ABOVE = 3  # folders above an adapter that may hold a clip_vision
_LAYER = re.compile(r"vision_model\.encoder\.layers\.(\d{1,4})\..+")


def beside(adapter: AdapterFile) -> Path | None:
    """The folder or the file of an encoder that fits ``adapter`` and lies where such do; None without one."""
    return next((place for place in _near(adapter.path) if _fits(place, adapter)), None)


def published(adapter: AdapterFile) -> str | None:
    """The folder in REPOSITORY of the encoder that fits ``adapter``; None where neither does."""
    known = (name for sizes, name in _SIZES.items() if sizes[0 if adapter.plus else 1] == adapter.sees)
    return next(known, None)


def _near(adapter: Path) -> Iterator[Path]:
    """Encoders that lie where those of an adapter do: in its folder, in one beside that, and in those above
    for whole programs."""
    near = adapter.absolute().parent
    for folder in (near / NAME, *(near.parent / folder for folder in FOLDERS)):
        if not files.missing(folder.parent, [folder.name]):
            yield folder
    for above in list(near.parents)[:_ABOVE]:
        yield from sorted((above / CLIP_VISION).glob("**/*.safetensors"))


def _fits(place: Path, adapter: AdapterFile) -> bool:
    """Whether the encoder in ``place`` gives what ``adapter`` takes; not where it can't be read."""
    try:
        found = config(place)
    except UserError:
        return False
    return found.get("hidden_size" if adapter.plus else "projection_dim") == adapter.sees


def config(place: Path) -> dict[str, Any]:
    """That of the encoder in ``place``: of a folder its own, of a file what its shapes tell. Raises
    UserError for what is none."""
    if place.is_dir():
        return files.read_json(place / "config.json")
    shapes = {key: entry.shape for key, entry in header(place).items()}
    try:
        return _config(shapes)
    except (KeyError, ValueError, IndexError, ZeroDivisionError) as error:
        what = f"{place} isn't an image encoder of CLIP's kind ({short(str(error))})"
        raise UserError(what, "choose a CLIP vision model with its projection (.safetensors)") from error


def is_encoder(keys: Mapping[str, Any]) -> bool:
    """Whether a file with these ``keys`` is one."""
    return "visual_projection.weight" in keys and "vision_model.pre_layrnorm.weight" in keys


def _config(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Of a file in diffusers' layout. Heads and activation can't be told from it: they are OpenCLIP's."""
    hidden, _, patch, _ = shapes["vision_model.embeddings.patch_embedding.weight"]
    positions = shapes["vision_model.embeddings.position_embedding.weight"][0]
    layers = {match[1] for match in map(_LAYER.fullmatch, shapes) if match}
    return {
        "hidden_size": hidden,
        "patch_size": patch,
        "image_size": patch * math.isqrt(positions - 1),
        "num_hidden_layers": len(layers),
        "intermediate_size": shapes["vision_model.encoder.layers.0.mlp.fc1.weight"][0],
        "projection_dim": shapes["visual_projection.weight"][0],
        "num_attention_heads": _HEADS,
        "hidden_act": "gelu",
    }
