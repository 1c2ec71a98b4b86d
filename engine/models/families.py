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
from ..options.values import cut, short
from . import quantised, transformer_files
from .files import SUPPORTED, read_json
from .header import header

NETWORKS = ("unet", "transformer")  # folders, one of which every pipeline has


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
    def network(self) -> str:
        """What denoises."""
        return next(name for name in NETWORKS if name in self.classes)

    @property
    def beside(self) -> tuple[str, ...]:
        """The other networks."""
        return tuple(name for name in self.classes if name != self.network)

    @property
    def all(self) -> tuple[str, ...]:
        return (*self.others, *self.networks)


STABLE_DIFFUSION = Parts(
    {"text_encoder": "CLIPTextModel", "unet": "UNet2DConditionModel", "vae": "AutoencoderKL"},
    ("tokenizer", "scheduler"),
)
STABLE_DIFFUSION_XL = Parts(
    {**STABLE_DIFFUSION.classes, "text_encoder_2": "CLIPTextModelWithProjection"},
    (*STABLE_DIFFUSION.others, "tokenizer_2"),
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
    "sdxl": STABLE_DIFFUSION_XL,
    "starter": STABLE_DIFFUSION,
}

ALIKE = frozenset({"z-image", "z-image-turbo"})  # they differ in weights and schedules alone
# Of a pipeline whose family isn't known yet: what a download fetches, as far as it is there.
ANY = tuple(dict.fromkeys(part for parts in PARTS.values() for part in parts.all))
CONTROLNET = "controlnet"  # the folder of a pipeline's own

_TRANSFORMERS = {  # and the classes of pipelines that read as we do
    "FluxTransformer2DModel": re.compile("Flux(Img2Img|ControlNet|)Pipeline"),
    "QwenImageTransformer2DModel": re.compile("QwenImage(Img2Img|ControlNet|)Pipeline"),
    "ZImageTransformer2DModel": re.compile("ZImage(Img2Img|ControlNet|)Pipeline"),
}
_QWEN_OTHERS = (  # of models that edit pictures
    *("guidance_embeds", "zero_cond_t"),
    *("use_additional_t_cond", "use_layer3d_rope"),
)
_TURBO_SHIFT = 4.5  # at most

_OURS = re.compile(r"StableDiffusion(?!3)")  # pipelines' classes
_WIDTHS = {768: "sd15", 1024: "sd21"}  # of text: CLIP ViT-L (Stable Diffusion 1.x), OpenCLIP ViT-H (2.x)
_XL_WIDTHS = {2048: "sdxl"}  # CLIP ViT-L and OpenCLIP ViT-bigG side by side
WIDTHS = {768: "Stable Diffusion 1", 1024: "Stable Diffusion 2", 2048: "Stable Diffusion XL"}
"""Of the text that the published models read, in words."""
_REFINER_WIDTH = 1280  # the latter alone
_OWN_WIDTHS = range(1, 768)  # no published text encoder is as narrow: one of our own small models
_TEXT_WEIGHT = re.compile(r"(model\.diffusion_model\.|(down|mid)_block).*attn2\.to_k\.weight")
# They begin what reads the pooled text and the size, of XL alone; here and below of a UNet alone, too:
_SIZES = ("model.diffusion_model.label_emb.", "add_embedding.")
_FIRST = ("model.diffusion_model.input_blocks.0.0.weight", "conv_in.weight")
_INPAINTING = 9  # channels that it takes: latents, a mask and what is around it
_FOREIGN = {  # single files: what begins a key, and what the file is
    "edm_mean": "a Playground v2.5 checkpoint",
    "conditioner.embedders.0.model.": "the refiner of Stable Diffusion XL",
    "model.diffusion_model.joint_blocks.": "a Stable Diffusion 3 checkpoint",
    "joint_blocks.": "a Stable Diffusion 3 checkpoint",
    "lora_": "a LoRA, which changes a model and is none",
    "image_proj.": "an IP-Adapter (give it as --ip-adapter)",
}


def of_folder(folder: Path) -> str:
    """The family of a pipeline in diffusers layout, a key of PARTS. Raises UserError for any other."""
    index = _index(folder)
    kind = str(index.get("_class_name", ""))
    if (folder / "transformer").is_dir():
        return _of_transformer(folder, kind)
    if kind.startswith("Marigold"):
        what = f"{folder} is a {cut(kind)}, which paints nothing from prompts"
        raise UserError(what, "give it as {estimator}, beside a model", estimator=None)
    if kind and not _OURS.match(kind):
        raise UserError(f"{folder} is a {cut(kind)} model: not supported", SUPPORTED)
    if index.get("requires_aesthetics_score"):
        raise _refiner(str(folder))
    _require_parts(folder)
    return of_unet(str(folder), read_json(folder / "unet" / "config.json"))


def parts_of(folder: Path) -> Parts:
    """What belongs into the pipeline in ``folder``, some of which may be missing. Raises UserError."""
    if not (folder / "transformer").is_dir():
        two = (folder / "text_encoder_2").is_dir() or "XL" in str(_index(folder).get("_class_name", ""))
        return STABLE_DIFFUSION_XL if two else STABLE_DIFFUSION
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


def _index(folder: Path) -> dict[str, Any]:
    path = folder / "model_index.json"
    return read_json(path) if path.is_file() else {}


def of_unet(name: str, config: Mapping[str, Any]) -> str:
    """The family of the model ``name`` by its UNet's config."""
    kind = config.get("_class_name", "UNet2DConditionModel")
    if kind != STABLE_DIFFUSION.classes["unet"]:
        raise UserError(f"{name}: a {cut(str(kind))} of another kind of model", SUPPORTED)
    sized = config.get("addition_embed_type") == "text_time"
    return _of_width(name, config.get("cross_attention_dim"), sized)


def of_checkpoint(path: Path) -> str:
    """The family of a single file in the original layout, or of a UNet or transformer alone. Raises UserError
    for any other."""
    table = header(path)
    quantised.scales(path, table)
    if found := transformer_files.family(path, table):
        return found
    for start, what in _FOREIGN.items():
        if any(key.startswith(start) for key in table):
            raise UserError(f"{path} is {what}: not supported", SUPPORTED)
    if any(table[first].shape[1:2] == (_INPAINTING,) for first in _FIRST if first in table):
        raise UserError(f"{path} is an inpainting checkpoint: not supported", SUPPORTED)
    sized = any(key.startswith(_SIZES) for key in table)
    for key, entry in table.items():
        if _TEXT_WEIGHT.fullmatch(key):
            return _of_width(str(path), (*entry.shape, 0, 0)[1], sized)
    raise UserError(f"{path} isn't a Stable Diffusion checkpoint", SUPPORTED)


def is_network(path: Path) -> bool:
    """Whether a single file counts as a network alone: a UNet in diffusers layout, or a transformer, whatever
    lies beside it. A ControlNet has no way up."""
    table = header(path)
    alone = "conv_out.weight" in table and any(key.startswith("up_blocks.") for key in table)
    return alone or transformer_files.family(path, table) is not None


def of_configs(folder: Path) -> str:
    """The family of the configs that lie beside a single file in ``folder``. Raises UserError."""
    if not (folder / "transformer").is_dir():
        return of_unet(str(folder), read_json(folder / "unet" / "config.json"))
    return _of_transformer(folder, str(_index(folder).get("_class_name", "")))


def schedule_of_checkpoint(path: Path) -> dict[str, Any]:
    """What a single file says of its schedule by markers, empty tensors without a use: keys of a scheduler's
    config. Stable Diffusion XL itself predicts the noise; its descendants that predict v say so in no other
    way, and read as the former they would give nothing but noise."""
    table = header(path)
    found: dict[str, Any] = {"prediction_type": "v_prediction"} if "v_pred" in table else {}
    if "ztsnr" in table:
        found |= {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return found


def _of_width(name: str, width: Any, sized: bool) -> str:
    """By the width of the text that the UNet reads, and whether it is told the picture's size."""
    if sized and width == _REFINER_WIDTH:
        raise _refiner(name)
    widths, own = (_XL_WIDTHS, "sdxl") if sized else (_WIDTHS, "starter")
    if isinstance(width, int) and (width in widths or width in _OWN_WIDTHS):
        return widths.get(width, own)
    what = f"{name}: its UNet reads text of width {short(width)}, which no known family has"
    raise UserError(what, SUPPORTED)


def _refiner(name: str) -> UserError:
    return UserError(f"{name} is the refiner of Stable Diffusion XL: not supported", "choose its base model")
