"""Which family of models a folder or a file belongs to: the one place that tells, by configs and headers.

A family's defaults are in presets.py, how it is run in denoise/families. What belongs to none is refused by
name: run as something else it would give pictures, only bad ones.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..options.values import cut
from .files import read_json
from .header import header

SUPPORTED = "choose a Stable Diffusion 1.x or 2.x or a Z-Image, Qwen-Image or FLUX.1 model"


@dataclass(frozen=True)
class Parts:
    """The folders of a pipeline in diffusers layout. networks: with a config and weights, each of the class
    in ``classes`` (as its config names it). others: without weights."""

    classes: Mapping[str, str]
    others: tuple[str, ...]

    @property
    def networks(self) -> tuple[str, ...]:
        return tuple(self.classes)

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.others, *self.networks)


STABLE_DIFFUSION = Parts(
    {"text_encoder": "CLIPTextModel", "unet": "UNet2DConditionModel", "vae": "AutoencoderKL"},
    ("tokenizer", "scheduler"),
)
Z_IMAGE = Parts(
    {"text_encoder": "Qwen3Model", "transformer": "ZImageTransformer2DModel", "vae": "AutoencoderKL"},
    ("tokenizer", "scheduler"),
)
QWEN_IMAGE = Parts(
    {
        "text_encoder": "Qwen2_5_VLTextModel",
        "transformer": "QwenImageTransformer2DModel",
        "vae": "AutoencoderKLQwenImage",
    },
    ("tokenizer", "scheduler"),
)
FLUX = Parts(
    {
        "text_encoder": "CLIPTextModel",
        "text_encoder_2": "T5EncoderModel",
        "transformer": "FluxTransformer2DModel",
        "vae": "AutoencoderKL",
    },
    ("tokenizer", "tokenizer_2", "scheduler"),
)
PARTS = {
    "flux-dev": FLUX,
    "flux-schnell": FLUX,
    "qwen-image": QWEN_IMAGE,
    "z-image": Z_IMAGE,
    "z-image-turbo": Z_IMAGE,
    "sd15": STABLE_DIFFUSION,
    "sd21": STABLE_DIFFUSION,
    "starter": STABLE_DIFFUSION,
}

# Of a pipeline whose family isn't known yet: what a download fetches, as far as it is there.
ANY = tuple(dict.fromkeys(part for parts in PARTS.values() for part in parts.all))
CONTROLNET = "controlnet"  # the folder of a pipeline's own

_TRANSFORMERS = {  # and the classes of pipelines that read as we do
    "FluxTransformer2DModel": re.compile("Flux(Img2Img|ControlNet|)Pipeline"),
    "QwenImageTransformer2DModel": re.compile("QwenImage(Img2Img|ControlNet|)Pipeline"),
    "ZImageTransformer2DModel": re.compile("ZImage(Img2Img|ControlNet|)Pipeline"),
}
_QWEN_OTHERS = (
    "guidance_embeds",
    "zero_cond_t",
    "use_additional_t_cond",
    "use_layer3d_rope",
)  # editing models
_TURBO_SHIFT = 4.5  # at most

_OURS = re.compile(r"StableDiffusion(?!XL|3)")  # pipelines' classes
_WIDTHS = {768: "sd15", 1024: "sd21"}  # of text: CLIP ViT-L (Stable Diffusion 1.x), OpenCLIP ViT-H (2.x)
_OWN_WIDTHS = range(1, 768)  # no published text encoder is as narrow: one of our own small models
_TEXT_WEIGHT = re.compile(r"model\.diffusion_model\..*attn2\.to_k\.weight")
_FOREIGN = {  # single files: what begins a key, and whose it is
    "conditioner.embedders.": "Stable Diffusion XL",
    "model.diffusion_model.joint_blocks.": "Stable Diffusion 3",
    "joint_blocks.": "Stable Diffusion 3",
    "model.diffusion_model.double_blocks.": "FLUX",
    "double_blocks.": "FLUX",
    "model.diffusion_model.cap_embedder.": "Z-Image (give its folder)",
    "cap_embedder.": "Z-Image (give its folder)",
}


def of_folder(folder: Path) -> str:
    """The family of a pipeline in diffusers layout, a key of PARTS. Raises UserError for any other."""
    index = folder / "model_index.json"
    kind = str(read_json(index).get("_class_name", "")) if index.is_file() else ""
    if (folder / "transformer").is_dir():
        return _of_transformer(folder, kind)
    if "XL" in kind or (folder / "text_encoder_2").exists():
        raise UserError(f"{folder} is a {kind or 'two-encoder'} model: not supported yet", SUPPORTED)
    if kind and not _OURS.match(kind):
        raise UserError(f"{folder} is a {cut(kind)} model: not supported", SUPPORTED)
    _require_parts(folder)
    return of_unet(str(folder), read_json(folder / "unet" / "config.json"))


def parts_of(folder: Path) -> Parts:
    """What belongs into the pipeline in ``folder``, some of which may be missing. Raises UserError."""
    if not (folder / "transformer").is_dir():
        return STABLE_DIFFUSION
    kind = read_json(folder / "transformer" / "config.json").get("_class_name")
    known = (parts for parts in PARTS.values() if parts.classes.get("transformer") == kind)
    return next(known, STABLE_DIFFUSION)


def _require_parts(folder: Path) -> None:
    expected = parts_of(folder).all
    if absent := [part for part in expected if not (folder / part).is_dir()]:
        what = f"{folder} isn't a pipeline in diffusers layout: {', '.join(absent)} missing"
        raise UserError(what, f"give the folder that holds {', '.join(expected)}")


def _of_transformer(folder: Path, kind: str) -> str:
    """kind: of the pipeline, "" where it doesn't say. The same transformer serves other pipelines that give
    it more to read, such as a picture to change: run as here, it would give bad ones."""
    config = read_json(folder / "transformer" / "config.json")
    network = str(config.get("_class_name"))
    ours = _TRANSFORMERS.get(network)
    if ours is None or (kind and not ours.fullmatch(kind)):
        raise UserError(f"{folder} is a {cut(kind or network)} model: not supported", SUPPORTED)
    _require_parts(folder)
    if network == FLUX.classes["transformer"]:
        return "flux-dev" if config.get("guidance_embeds") else "flux-schnell"
    if network == QWEN_IMAGE.classes["transformer"]:
        return _of_qwen_image(folder, config)
    return _of_z_image(folder, config)


def _of_qwen_image(folder: Path, transformer: Mapping[str, Any]) -> str:
    if others := [key for key in _QWEN_OTHERS if transformer.get(key)]:
        raise UserError(f"{folder} is a Qwen-Image model with {others[0]}: not supported", SUPPORTED)
    return "qwen-image"


def _of_z_image(folder: Path, transformer: Mapping[str, Any]) -> str:
    """Turbo was distilled for few steps without guidance. Its files differ from the others in nothing but
    weights and its scheduler's shift, 3 where that of Z-Image itself is 6."""
    if transformer.get("siglip_feat_dim") is not None:
        raise UserError(f"{folder} is a Z-Image Omni model: not supported", SUPPORTED)
    shift = read_json(folder / "scheduler" / "scheduler_config.json").get("shift")
    return "z-image" if isinstance(shift, int | float) and shift > _TURBO_SHIFT else "z-image-turbo"


def of_unet(name: str, config: Mapping[str, Any]) -> str:
    """The family of the model ``name`` by its UNet's config."""
    kind = config.get("_class_name", "UNet2DConditionModel")
    if kind != STABLE_DIFFUSION.classes["unet"] or config.get("addition_embed_type") == "text_time":
        raise UserError(f"{name}: a {cut(str(kind))} of Stable Diffusion XL or another kind", SUPPORTED)
    return _of_width(name, config.get("cross_attention_dim"))


def of_checkpoint(path: Path) -> str:
    """The family of a single file in the original layout. Raises UserError for any other."""
    table = header(path)
    for start, family in _FOREIGN.items():
        if any(key.startswith(start) for key in table):
            raise UserError(f"{path} is a {family} checkpoint: not supported yet", SUPPORTED)
    for key, entry in table.items():
        if _TEXT_WEIGHT.fullmatch(key):
            return _of_width(str(path), (*entry.shape, 0, 0)[1])
    raise UserError(f"{path} isn't a Stable Diffusion checkpoint", SUPPORTED)


def _of_width(name: str, width: Any) -> str:
    """By the width of the text that the UNet reads."""
    if isinstance(width, int) and (width in _WIDTHS or width in _OWN_WIDTHS):
        return _WIDTHS.get(width, "starter")
    raise UserError(f"{name}: its UNet reads text of width {width}, which no known family has", SUPPORTED)
