"""How programs that train LoRAs spell the layers of our networks.

Three ways, each with a prefix for the part of the model: the layer's path in diffusers, its path in the
model's original code, and either of them with underscores in place of dots (kohya's), which can't be taken
apart again. So all spellings of all layers are made, and looked up. Where the original code has one layer for
what are several in diffusers (queries, keys and values), a spelling stands for all of them, one behind the
other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from . import original_names
from .original_names import Layers, Originals

Names = Mapping[str, Layers]

_DOTTED = {
    "unet": ("unet.", "diffusion_model.", "model.diffusion_model.", "base_model.model.", ""),
    "transformer": ("transformer.", "diffusion_model.", "model.diffusion_model.", "base_model.model.", ""),
    "text_encoder": ("text_encoder.",),
    "text_encoder_2": ("text_encoder_2.",),
}
_FLAT = {
    "unet": ("lora_unet_", "lycoris_", "lycoris_unet_"),
    "transformer": ("lora_unet_", "lora_transformer_", "lycoris_"),
    "text_encoder": ("lora_te_", "lora_te1_"),
    "text_encoder_2": ("lora_te2_",),
}
_READERS = ("text_model.", "model.", "")  # what a text encoder's layers may begin with


def spellings(part: str, network: str, layers: Iterable[str]) -> dict[str, Layers]:
    """The ``layers`` of a ``part`` of a model, a network of that class, by every name that they may have in
    files. {} for parts that LoRAs leave alone."""
    if part not in _DOTTED:
        return {}
    layers = tuple(layers)
    originals = _ORIGINALS.get(network, _text if part.startswith("text_encoder") else _none)
    paths = dict(originals(layers)) | {layer: (layer,) for layer in layers}
    dotted = {f"{start}{path}": found for path, found in paths.items() for start in _DOTTED[part]}
    flat = {start + path.replace(".", "_"): found for path, found in paths.items() for start in _FLAT[part]}
    return dotted | flat


def _none(_layers: Iterable[str]) -> Iterator[tuple[str, Layers]]:
    yield from ()


def _text(layers: Iterable[str]) -> Iterator[tuple[str, Layers]]:
    """Of text encoders, which lost and got a prefix from version to version."""
    for layer in layers:
        bare = layer.removeprefix("text_model.").removeprefix("model.")
        yield from ((start + bare, (layer,)) for start in _READERS)


_RESNET = {
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_ENDS = {
    "conv_in": "input_blocks.0.0",
    "conv_out": "out.2",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2",
}
_BLOCK = re.compile(
    r"(down_blocks|up_blocks)\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)"
)
_MIDDLE = re.compile(r"mid_block\.(resnets|attentions)\.(\d+)\.(.+)")


def _unet(layers: Iterable[str]) -> Iterator[tuple[str, Layers]]:
    """Of Stable Diffusion's UNet: blocks counted through, resnets and attentions as their steps."""
    layers = tuple(layers)
    down, up = _resnets(layers, "down_blocks"), _resnets(layers, "up_blocks")
    attending = {found[2] for layer in layers if (found := _BLOCK.fullmatch(layer)) and _is_attention(found)}
    for layer in layers:
        if layer in _ENDS:
            yield _ENDS[layer], (layer,)
        elif found := _MIDDLE.fullmatch(layer):
            place = 2 * int(found[2]) + (found[1] == "attentions")
            yield f"middle_block.{place}.{_RESNET.get(found[3], found[3])}", (layer,)
        elif found := _BLOCK.fullmatch(layer):
            if found[1] == "down_blocks":
                yield _below(found, down), (layer,)
            else:
                yield _above(found, up, found[2] in attending), (layer,)


def _is_attention(found: re.Match[str]) -> bool:
    return found[1] == "up_blocks" and found[3] == "attentions"


def _resnets(layers: Iterable[str], blocks: str) -> int:
    """How many each of the ``blocks`` has."""
    found = (re.match(rf"{blocks}\.\d+\.resnets\.(\d+)\.", layer) for layer in layers)
    return max((int(one[1]) + 1 for one in found if one), default=1)


def _below(found: re.Match[str], count: int) -> str:
    block, kind, number, rest = int(found[2]), found[3], int(found[4]), found[5]
    if kind == "downsamplers":
        return f"input_blocks.{(block + 1) * (count + 1)}.0.op"
    place = 1 + block * (count + 1) + number
    return f"input_blocks.{place}.{int(kind == 'attentions')}.{_RESNET.get(rest, rest)}"


def _above(found: re.Match[str], count: int, attends: bool) -> str:
    block, kind, number, rest = int(found[2]), found[3], int(found[4]), found[5]
    if kind == "upsamplers":
        return f"output_blocks.{(block + 1) * count - 1}.{1 + attends}.conv"
    return f"output_blocks.{block * count + number}.{int(kind == 'attentions')}.{_RESNET.get(rest, rest)}"


_ORIGINALS: Mapping[str, Originals] = {"UNet2DConditionModel": _unet, **original_names.LAYERS}
