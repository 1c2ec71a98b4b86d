"""What the original code of transformers calls layers and weights that diffusers calls otherwise.

Where the original has one layer for what are several in diffusers (queries, keys and values), its name stands
for all of them, one behind the other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

Layers = tuple[str, ...]
Originals = Callable[[Iterable[str]], Iterator[tuple[str, Layers]]]

_ATTENTION = ("to_q", "to_k", "to_v")
_ADDED = ("add_q_proj", "add_k_proj", "add_v_proj")
_DOUBLE: Mapping[str, Layers] = {
    "img_mod.lin": ("norm1.linear",),
    "txt_mod.lin": ("norm1_context.linear",),
    "img_attn.qkv": tuple(f"attn.{name}" for name in _ATTENTION),
    "txt_attn.qkv": tuple(f"attn.{name}" for name in _ADDED),
    "img_attn.proj": ("attn.to_out.0",),
    "txt_attn.proj": ("attn.to_add_out",),
    "img_mlp.0": ("ff.net.0.proj",),
    "img_mlp.2": ("ff.net.2",),
    "txt_mlp.0": ("ff_context.net.0.proj",),
    "txt_mlp.2": ("ff_context.net.2",),
}
_SINGLE: Mapping[str, Layers] = {
    "linear1": (*(f"attn.{name}" for name in _ATTENTION), "proj_mlp"),
    "linear2": ("proj_out",),
    "modulation.lin": ("norm.linear",),
}
_FLUX_ENDS = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "guidance_in.in_layer": "time_text_embed.guidance_embedder.linear_1",
    "guidance_in.out_layer": "time_text_embed.guidance_embedder.linear_2",
    "final_layer.linear": "proj_out",
}
_LAST = "final_layer.adaLN_modulation.1"  # of FLUX.1: its halves are the other way round
_FLUX_SCALES = {  # the ends of names of norms, ours with what theirs begin with
    "transformer_blocks": (
        "double_blocks",
        {"norm_q": "img_attn.norm.query_norm"}
        | {"norm_k": "img_attn.norm.key_norm", "norm_added_q": "txt_attn.norm.query_norm"}
        | {"norm_added_k": "txt_attn.norm.key_norm"},
    ),
    "single_transformer_blocks": ("single_blocks", {"norm_q": "norm.query_norm", "norm_k": "norm.key_norm"}),
}
_SCALE = re.compile(r"(\w+)\.(\d+)\.attn\.(norm_\w+)\.weight")
_Z_IMAGE = {  # parts of names, ours and theirs
    "all_final_layer.2-1.": "final_layer.",
    "all_x_embedder.2-1.": "x_embedder.",
    ".attention.norm_q.": ".attention.q_norm.",
    ".attention.norm_k.": ".attention.k_norm.",
}


def flux(layers: Iterable[str]) -> Iterator[tuple[str, Layers]]:
    """Of FLUX.1. Not its last modulation, whose halves diffusers has the other way round."""
    layers = set(layers)
    yield from ((theirs, (ours,)) for theirs, ours in _FLUX_ENDS.items() if ours in layers)
    kinds = {
        "transformer_blocks": ("double_blocks", _DOUBLE),
        "single_transformer_blocks": ("single_blocks", _SINGLE),
    }
    for ours, (theirs, names) in kinds.items():
        for number in sorted({layer.split(".")[1] for layer in layers if layer.startswith(f"{ours}.")}):
            for name, found in names.items():
                yield f"{theirs}.{number}.{name}", tuple(f"{ours}.{number}.{one}" for one in found)


def z_image(layers: Iterable[str]) -> Iterator[tuple[str, Layers]]:
    """Of Z-Image, whose original attention has two layers."""
    for layer in layers:
        if layer.endswith(".attention.to_q"):
            place = layer.removesuffix("to_q")
            yield f"{place}qkv", tuple(place + name for name in _ATTENTION)
            yield f"{place}out", (f"{place}to_out.0",)


def weights(kind: str, own: Iterable[str]) -> dict[str, Layers]:
    """Of a network of the class ``kind`` its ``own`` weights, by the names of the original's."""
    own = set(own)
    layers = {name.rpartition(".")[0] for name in own}
    found: dict[str, Layers] = {}
    for theirs, ours in LAYERS[kind](layers) if kind in LAYERS else ():
        for end in ("weight", "bias"):
            if f"{ours[0]}.{end}" in own:
                found[f"{theirs}.{end}"] = tuple(f"{one}.{end}" for one in ours)
    return found | dict(_NORMS[kind](own) if kind in _NORMS else ())


def swapped(kind: str, original: str) -> bool:
    """Whether the two halves of the weight that is called ``original`` are the other way round."""
    return kind == "FluxTransformer2DModel" and original.startswith(_LAST)


def _flux_norms(own: Iterable[str]) -> Iterator[tuple[str, Layers]]:
    for name in own:
        if name.startswith("norm_out.linear."):
            yield name.replace("norm_out.linear", _LAST), (name,)
        elif (found := _SCALE.fullmatch(name)) and found[1] in _FLUX_SCALES:
            blocks, names = _FLUX_SCALES[found[1]]
            yield f"{blocks}.{found[2]}.{names[found[3]]}.scale", (name,)


def _z_image_norms(own: Iterable[str]) -> Iterator[tuple[str, Layers]]:
    for name in own:
        for ours, theirs in _Z_IMAGE.items():
            if ours in name:
                yield name.replace(ours, theirs), (name,)


LAYERS: Mapping[str, Originals] = {"FluxTransformer2DModel": flux, "ZImageTransformer2DModel": z_image}
_NORMS: Mapping[str, Originals] = {
    "FluxTransformer2DModel": _flux_norms,
    "ZImageTransformer2DModel": _z_image_norms,
}
