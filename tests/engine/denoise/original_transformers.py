"""Weights of transformers as the single files that were published, spelled out from diffusers' names."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

Keys = dict[str, Tensor]

_FLUX_WHOLE = {
    "x_embedder": "img_in",
    "context_embedder": "txt_in",
    "time_text_embed.timestep_embedder.linear_1": "time_in.in_layer",
    "time_text_embed.timestep_embedder.linear_2": "time_in.out_layer",
    "time_text_embed.text_embedder.linear_1": "vector_in.in_layer",
    "time_text_embed.text_embedder.linear_2": "vector_in.out_layer",
    "time_text_embed.guidance_embedder.linear_1": "guidance_in.in_layer",
    "time_text_embed.guidance_embedder.linear_2": "guidance_in.out_layer",
    "proj_out": "final_layer.linear",
    "norm_out.linear": "final_layer.adaLN_modulation.1",
}
_FLUX_DOUBLE = {
    "norm1.linear": "img_mod.lin",
    "norm1_context.linear": "txt_mod.lin",
    "attn.to_q": "img_attn.qkv",
    "attn.add_q_proj": "txt_attn.qkv",
    "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj",
    "ff.net.0.proj": "img_mlp.0",
    "ff.net.2": "img_mlp.2",
    "ff_context.net.0.proj": "txt_mlp.0",
    "ff_context.net.2": "txt_mlp.2",
    "attn.norm_q": "img_attn.norm.query_norm",
    "attn.norm_k": "img_attn.norm.key_norm",
    "attn.norm_added_q": "txt_attn.norm.query_norm",
    "attn.norm_added_k": "txt_attn.norm.key_norm",
}
_FLUX_SINGLE = {
    "norm.linear": "modulation.lin",
    "attn.to_q": "linear1",
    "proj_out": "linear2",
    "attn.norm_q": "norm.query_norm",
    "attn.norm_k": "norm.key_norm",
}
_BLOCK = re.compile(r"(single_)?transformer_blocks\.(\d+)\.(.+)")


def flux(state: Mapping[str, Tensor]) -> Keys:
    """Of FLUX.1: queries, keys and values (and in single blocks what widens, too) are one layer."""
    found = {}
    for name, tensor in state.items():
        layer, _, end = name.rpartition(".")
        if (block := _BLOCK.fullmatch(layer)) is None:
            whole = torch.cat(tensor.chunk(2)[::-1]) if layer == "norm_out.linear" else tensor
            found[f"{_FLUX_WHOLE[layer]}.{end}"] = whole
            continue
        theirs = (_FLUX_SINGLE if block[1] else _FLUX_DOUBLE).get(block[3])
        if theirs is None:
            continue  # behind the queries
        place = f"{'single' if block[1] else 'double'}_blocks.{block[2]}.{theirs}"
        found[f"{place}.{'scale' if '_norm' in theirs else end}"] = torch.cat(_fused(state, layer, end))
    return found


def _fused(state: Mapping[str, Tensor], layer: str, end: str) -> list[Tensor]:
    """What lies behind ``layer`` in one of the original's, itself first."""
    names = [layer]
    if layer.endswith("to_q"):
        names += [layer.replace("to_q", "to_k"), layer.replace("to_q", "to_v")]
    if layer.endswith("add_q_proj"):
        names += [layer.replace("add_q", "add_k"), layer.replace("add_q", "add_v")]
    if layer.endswith("to_q") and layer.startswith("single"):
        names.append(layer.replace("attn.to_q", "proj_mlp"))
    return [state[f"{name}.{end}"] for name in names]


def z_image(state: Mapping[str, Tensor]) -> Keys:
    found = {}
    for name, tensor in state.items():
        if name.endswith((".to_k.weight", ".to_v.weight")):
            continue
        layer, _, end = name.rpartition(".")
        whole = torch.cat(_fused(state, layer, end)) if layer.endswith(".to_q") else tensor
        for ours, theirs in (
            ("all_final_layer.2-1.", "final_layer."),
            ("all_x_embedder.2-1.", "x_embedder."),
            (".to_q.", ".qkv."),
            (".to_out.0.", ".out."),
            (".norm_q.", ".q_norm."),
            (".norm_k.", ".k_norm."),
        ):
            name = name.replace(ours, theirs)
        found[name] = whole
    return {**found, "norm_final.weight": torch.ones(1)}  # published with it, and of no use
