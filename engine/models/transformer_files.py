"""Which model the single file of a transformer is, by its keys and shapes: as ComfyUI has them in
``diffusion_models`` or ``unet``, in the original layout or diffusers'."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from ..errors import UserError
from .files import SUPPORTED
from .header import Listed

PREFIXES = (
    "model.diffusion_model.",
    "diffusion_model.",
    "transformer.",
)  # of keys; a whole checkpoint's first
LATENTS = 64  # that FLUX.1 and Qwen-Image take for a token: 16 channels of 2 x 2

_FLUX, _QWEN, _Z_IMAGE = "FLUX.1", "Qwen-Image", "Z-Image"
_MARKS = {  # keys that only they have
    "double_blocks.0.img_attn.qkv.weight": _FLUX,
    "single_transformer_blocks.0.proj_mlp.weight": _FLUX,
    "transformer_blocks.0.img_mod.1.weight": _QWEN,
    "noise_refiner.0.adaLN_modulation.0.weight": _Z_IMAGE,
}
_ENTRIES = ("img_in.weight", "x_embedder.weight")  # what reads the latents
_OTHERS = {  # what begins keys of their relatives, and what these are
    "single_stream_modulation": "a FLUX.2 model",
    "double_stream_modulation": "a FLUX.2 model",
    "early_stream_modulations": "a FLUX.3 model",
    "distilled_guidance_layer.": "a Chroma model",
    "txt_in.text_norm": "a Qwen-Image-2.1 model",
    "__index_timestep_zero__": "a Qwen-Image-Edit model",
    "time_text_embed.addition_t_embedding": "a Qwen-Image-Layered model",
    "siglip_embedder": "a Z-Image Omni model",
    "controlnet_": "a ControlNet (give it as MODEL+CONTROLNET)",
    "control_all_x_embedder": "a ControlNet (give it as MODEL+CONTROLNET)",
}
_EDITOR = re.compile(r"image.?edit|kontext", re.IGNORECASE)  # in the names of files whose keys tell nothing
_BASE = re.compile(r"z.?image(?!.*turbo)", re.IGNORECASE)  # begins the name of a file of Z-Image itself


def bare(key: str) -> str:
    """``key`` without what begins it in some files."""
    start = next((start for start in PREFIXES if key.startswith(start)), "")
    return key.removeprefix(start)


def family(path: Path, table: Mapping[str, Listed]) -> str | None:
    """The family, a key of families.PARTS, of the file whose header is ``table``; None for one that isn't a
    transformer's. Raises UserError for a relative that can't be run as one.

    Z-Image and Z-Image-Turbo are told apart by the file's name: they differ in nothing else.
    """
    keys = {bare(key): entry for key, entry in table.items()}
    kind = next((kind for mark, kind in _MARKS.items() if mark in keys), None)
    for start, what in _OTHERS.items():
        if any(key.startswith(start) for key in keys):
            raise UserError(f"{path} is {what}: not supported", SUPPORTED)
    if kind is None:
        return None
    if _EDITOR.search(path.stem):
        raise UserError(f"{path} is a {kind} model that edits pictures: not supported", SUPPORTED)
    width = next((keys[one].shape[1:] for one in _ENTRIES if one in keys), (LATENTS,))
    if width != (LATENTS,) and kind != _Z_IMAGE:
        what = f"a {kind} model that reads {width[0] if width else 0} numbers a token, not {LATENTS}"
        raise UserError(f"{path} is {what} (one that edits pictures?): not supported", SUPPORTED)
    if kind == _FLUX:
        told = any("guidance_in." in key or "guidance_embedder." in key for key in keys)
        return "flux-dev" if told else "flux-schnell"
    if kind == _QWEN:
        return "qwen-image"
    return "z-image" if _BASE.match(path.stem) else "z-image-turbo"
