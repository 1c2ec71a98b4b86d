"""The networks of an IP-Adapter (Ye et al., 2023, "IP-Adapter: Text Compatible Image Prompt Adapter"): what
makes tokens of a picture, and what lets a UNet attend to them beside its prompt.

    out = Attention(Q, K, V) + sum over i of w_i Attention(Q, K_i, V_i)

Q, K and V are the layer's own, of the picture that is painted and of the prompt; K_i and V_i the adapter's,
of the tokens of reference i; w_i is its weight. All of them are diffusers' own classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..errors import UserError
from ..models import image_encoder
from ..models.families import WIDTHS
from ..models.ip_adapter_file import DEPTH, FIX, HEAD, IMAGE, LAYERS, AdapterFile
from ..models.ip_adapters import IPAdapter
from . import weights
from .build import build, empty_parameters
from .parts import Part
from .weights import Check

ENCODER = "transformers.models.clip.modeling_clip:CLIPVisionModelWithProjection"
LONGEST = 4  # of a picture's sides, in the shorter one
_READS_PROMPT = ".attn2.to_k"
_RESAMPLER = {  # parts of a resampler's layer as its authors number them, and as diffusers calls them
    "0.norm1": "ln0",
    "0.norm2": "ln1",
    "0.to_q": "attn.to_q",
    "0.to_out": "attn.to_out.0",
    "1.0": "ff.0",
    "1.1": "ff.1.net.0.proj",
    "1.3": "ff.1.net.2",
}
_IN_LAYER = re.compile(r"(layers\.\d+)\.(.+)\.(weight|bias)")


def encoder(adapter: IPAdapter, unet: Part) -> Part:
    """The image encoder, empty; it will lie where ``unet`` does, in its precision."""
    config = image_encoder.config(adapter.encoder)
    file = adapter.encoder / "config.json" if adapter.encoder.is_dir() else adapter.encoder
    empty = partial(build, ENCODER, config, file)
    tensors = partial(_of_place, adapter)
    return Part("image encoder", empty, tensors, unet.device, unet.dtype)


def _of_place(adapter: IPAdapter, _network: Any, _check: Check) -> Iterable[tuple[str, Tensor]]:
    return weights.of_place(adapter.encoder)


def projection(file: AdapterFile, unet: Part) -> Part:
    """What makes tokens (N, tokens, width) of what the encoder says of N pictures: (N, sees) of a plain
    adapter, (N, any, sees) of a Plus one. Empty; it will lie where ``unet`` does."""
    return Part(
        "IP-Adapter's projection", partial(_projection, file), partial(_image, file), unet.device, unet.dtype
    )


def _projection(file: AdapterFile) -> Any:
    from diffusers.models.embeddings import ImageProjection, IPAdapterPlusImageProjection

    with empty_parameters():
        if not file.plus:
            return ImageProjection(file.sees, file.width, file.tokens)
        return IPAdapterPlusImageProjection(
            file.sees, file.width, file.inner, DEPTH, HEAD, file.heads, file.tokens
        )


def _image(file: AdapterFile, _network: Any, _check: Check) -> Iterable[tuple[str, Tensor]]:
    """The tensors of a projection by diffusers' names."""
    for key, tensor in weights.of_file(file.path, lambda key: key.startswith(IMAGE)):
        name = key.removeprefix(IMAGE)
        if not file.plus:
            yield name.replace("proj.", "image_embeds."), tensor
        elif name.endswith(".0.to_kv.weight"):
            layer = name.removesuffix("0.to_kv.weight")
            for which, half in zip("kv", tensor.chunk(2), strict=True):
                yield f"{layer}attn.to_{which}.weight", half
        elif (match := _IN_LAYER.fullmatch(name)) and match[2] in _RESAMPLER:
            yield f"{match[1]}.{_RESAMPLER[match[2]]}.{match[3]}", tensor
        else:
            yield name, tensor


def layers(file: AdapterFile, unet: Part) -> Part:
    """The adapter's keys and values for each layer of ``unet`` that reads the prompt, empty."""
    return Part("IP-Adapter", partial(_layers, file), partial(_keys, file), unet.device, unet.dtype)


def _layers(file: AdapterFile) -> nn.ModuleDict:
    with empty_parameters():
        return nn.ModuleDict(
            {
                str(number): nn.ModuleDict(
                    {f"to_{one}_ip": nn.Linear(file.width, outputs, bias=False) for one in "kv"}
                )
                for number, outputs in file.layers.items()
            }
        )


def _keys(file: AdapterFile, _network: Any, _check: Check) -> Iterable[tuple[str, Tensor]]:
    return (
        (key.removeprefix(LAYERS), one)
        for key, one in weights.of_file(file.path, lambda key: key.startswith(LAYERS))
    )


def require_fit(adapter: IPAdapter, unet: Part) -> None:
    """Raise UserError where ``adapter`` was made for another model than that of ``unet``."""
    file, shapes = adapter.file, [s for name, s in unet.layers.items() if name.endswith(_READS_PROMPT)]
    if [(outputs, file.width) for outputs in file.layers.values()] != shapes:
        whose = f" is for {WIDTHS[file.width]}, and" if file.width in WIDTHS else ""
        theirs = f"its {len(file.layers)} layers read text of width {file.width}"
        ours = f"the model's {len(shapes)} of width {shapes[0][1] if shapes else 0}"
        what = f"{{ip_adapter}}: {adapter.name}{whose} doesn't fit the model: {theirs}, {ours}"
        raise UserError(what, f"leave it out, or {FIX}", ip_adapter=None)


def processors(unet: Any, network: Mapping[str, Any], tokens: int, scales: Sequence[float]) -> dict[str, Any]:
    """Attention processors for all layers of ``unet``, by name: for those that read the prompt diffusers'
    with the adapter's ``network`` in them, for the others those that are there.

    tokens: of each reference. scales: their weights.
    """
    from diffusers.models.attention_processor import IPAdapterAttnProcessor2_0

    found, left = dict(unet.attn_processors), iter(network.values())
    for name in found:
        if name.endswith("attn2.processor"):
            keys, values = (next_layer := next(left))["to_k_ip"], next_layer["to_v_ip"]
            count = len(scales)
            with empty_parameters():
                one = IPAdapterAttnProcessor2_0(
                    keys.out_features, keys.in_features, [tokens] * count, list(scales)
                )
            one.to_k_ip, one.to_v_ip = (nn.ModuleList([each] * count) for each in (keys, values))
            found[name] = one.requires_grad_(False)
    return found


def _middle(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Of a picture that is very long, the middle: all that is seen of it is a square there, but the rest
    would be enlarged with it."""
    height, width = pixels.shape[:2]
    most = LONGEST * min(height, width)
    top, left = (max(0, (side - most) // 2) for side in (height, width))
    return pixels[top : height - top, left : width - left]


@torch.no_grad()
def looked_at(pixels: NDArray[np.uint8], see: Any, plus: bool) -> tuple[Tensor, Tensor]:
    """What the image encoder ``see`` says of a picture, (H, W, 3) uint8 in sRGB, and of none: (1, sees) each,
    or with ``plus`` (1, any, sees). As diffusers has it, nothing is zeros, or what it says of a black one."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    side = see.config.image_size
    prepare = CLIPImageProcessorPil(size=side, crop_size=side)
    values = prepare(_middle(pixels), return_tensors="pt", input_data_format="channels_last").pixel_values
    values = values.to(see.device, see.dtype)
    if not plus:
        vector = see(values).image_embeds
        return vector, torch.zeros_like(vector)
    said = (
        see(one, output_hidden_states=True).hidden_states[-2] for one in (values, torch.zeros_like(values))
    )
    whole, nothing = said
    return whole, nothing
