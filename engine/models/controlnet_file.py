"""What the single file of a ControlNet is, by its keys and shapes: it has no config. Reads no weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from . import files
from .checks import ANOTHER
from .header import Listed, header

Shapes = Mapping[str, tuple[int, ...]]

_FOREIGN = {  # what keys have in them, and what the file is
    "lora_controlnet": "a Control-LoRA",
    "lllite": "a ControlNet-LLLite",
    "control_all_x_embedder": "a ControlNet for Z-Image",
    "controlnet_x_embedder": "a ControlNet for a transformer",
}
UNION = "task_embedding"  # the weight that unions alone have
_DIFFUSERS = "time_embedding.linear_1.weight"  # else it has the original layout
_OF_UNET_ALONE = ("sample_size", "out_channels", "up_block_types")


def is_union(path: Path) -> bool:
    """Whether the ControlNet's weights at ``path``, a component folder or a file, are a union's. Not every
    union's config says so."""
    paths = [path] if path.is_file() else files.weights(path)[0]
    return any(UNION in header(one) for one in paths)


def config(path: Path, unet: Mapping[str, Any]) -> dict[str, Any]:
    """The config of the ControlNet in the file ``path``: what the file tells, and for the rest that of the
    UNet. Raises UserError for what is no ControlNet for it."""
    shapes = _shapes(path, header(path))
    found = {k: v for k, v in unet.items() if k not in _OF_UNET_ALONE and not k.startswith("_")}
    try:
        found |= _text(shapes, unet) | _embedding(shapes)
        if _DIFFUSERS in shapes:
            found |= _blocks(shapes, unet)
        if UNION in shapes:
            found |= _union(shapes)
    except (ValueError, IndexError) as error:
        raise UserError(f"{path} isn't a ControlNet: weights have shapes of another kind", ANOTHER) from error
    return found


def reads_as(path: Path, table: Mapping[str, Listed], unet: Mapping[str, Any]) -> bool:
    """Whether the file ``path``, whose header is ``table``, is a ControlNet that is told what the UNet with
    this config is. Raises UserError for what is none."""
    return all(unet.get(key) == found for key, found in _text(_shapes(path, table), unet).items())


def _shapes(path: Path, table: Mapping[str, Listed]) -> Shapes:
    shapes: Shapes = {key: entry.shape for key, entry in table.items()}
    for part, what in _FOREIGN.items():
        if any(part in key for key in shapes):
            raise UserError(f"{path} is {what}: not supported", ANOTHER)
    return shapes


def _text(shapes: Shapes, unet: Mapping[str, Any]) -> dict[str, Any]:
    """What it is told beside the picture: nothing of its size in the first two generations."""
    sized = any(key.endswith(("add_embedding.linear_1.weight", "label_emb.0.0.weight")) for key in shapes)
    widths = [shape[-1] for key, shape in shapes.items() if key.endswith("attn2.to_k.weight")]
    return {
        "addition_embed_type": "text_time" if sized else None,
        "cross_attention_dim": widths[0] if widths else unet["cross_attention_dim"],
    }


def _blocks(shapes: Shapes, unet: Mapping[str, Any]) -> dict[str, Any]:
    """Which blocks attend to the text, and in how many layers: in small ControlNets fewer than the UNet's."""
    blocks = range(len(unet["block_out_channels"]))
    attending = [_any(shapes, rf"down_blocks\.{i}\.attentions\..*") for i in blocks]
    middle = _any(shapes, r"mid_block\.attentions\..*")
    layers = [
        _count(shapes, rf"down_blocks\.{i}\.attentions\.0\.transformer_blocks\.(\d+)\..*") for i in blocks
    ]
    layers[-1] = max(layers[-1], _count(shapes, r"mid_block\.attentions\.0\.transformer_blocks\.(\d+)\..*"))
    return {
        "down_block_types": ["CrossAttnDownBlock2D" if one else "DownBlock2D" for one in attending],
        "mid_block_type": "UNetMidBlock2DCrossAttn" if middle else "UNetMidBlock2D",
        "transformer_layers_per_block": layers,
    }


def _embedding(shapes: Shapes) -> dict[str, Any]:
    """The widths that a control picture goes through, where it is told."""
    embedding = r"controlnet_cond_embedding\.(?:conv_in|blocks\.\d*[13579])\.weight"
    hint = r"(?:control_model\.)?input_hint_block\.(?:0|4|8|12)\.weight"
    found = [key for key in shapes if re.fullmatch(rf"{embedding}|{hint}", key)]
    ordered = sorted(found, key=lambda key: int((re.findall(r"\.(\d+)\.weight", key) or [-1])[0]))
    widths = [shapes[key][0] for key in ordered]
    return {"conditioning_embedding_out_channels": widths} if widths else {}


def _union(shapes: Shapes) -> dict[str, Any]:
    kinds, width = shapes[UNION]
    return {
        "num_control_type": kinds,
        "num_trans_channel": width,
        "num_trans_layer": _count(shapes, r"transformer_layes\.(\d+)\..*"),
        "num_proj_channel": shapes["spatial_ch_projs.weight"][0]
        if "spatial_ch_projs.weight" in shapes
        else width,
    }


def _any(shapes: Shapes, pattern: str) -> bool:
    return any(re.fullmatch(pattern, key) for key in shapes)


def _count(shapes: Shapes, pattern: str) -> int:
    """One more than the highest number that ``pattern`` finds."""
    found = (re.fullmatch(pattern, key) for key in shapes)
    return max((int(match[1]) + 1 for match in found if match), default=0)
