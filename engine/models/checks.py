"""Does a model fit together? Asked of the configs, before any weight is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..options.choices import CONDITIONING
from ..options.values import cut, either, short
from . import families
from .files import AGAIN, SUPPORTED

ANOTHER = "choose a depth ControlNet made for this model"
PLAIN, UNION = "ControlNetModel", "ControlNetUnionModel"
_SHARED = (  # what a ControlNet's config and its UNet's must agree on; it may have fewer attention layers
    *("in_channels", "cross_attention_dim", "block_out_channels", "layers_per_block"),
    *("addition_embed_type", "addition_time_embed_dim", "projection_class_embeddings_input_dim"),
)


def check_configs(where: str, family: str, configs: Mapping[str, dict[str, Any]]) -> None:
    """Raise UserError when the pipeline ``where`` isn't of Stable Diffusion's shape. Reads nothing."""
    unet, vae = configs["unet"], configs["vae"]
    for name, expected in families.PARTS[family].classes.items():
        if (found := _class(configs[name])) not in (None, expected):
            raise UserError(f"{where}: its {name} is a {found}, not a {expected}", SUPPORTED)
    families.of_unet(where, unet)
    if vae.get("latents_mean"):
        what = f"{where}: its autoencoder has statistics of its own, as that of Playground v2.5"
        raise UserError(f"{what}: not supported", SUPPORTED)
    latents = vae.get("latent_channels", 4)
    if unet.get("in_channels", 4) != latents:
        raise UserError(
            f"{where}: the UNet takes {unet.get('in_channels')} channels, the autoencoder makes {latents}"
            " (an inpainting or depth model?)",
            SUPPORTED,
        )
    _check_text(where, unet, [config for name, config in configs.items() if name.startswith("text_encoder")])


def _check_text(where: str, unet: Mapping[str, Any], encoders: list[dict[str, Any]]) -> None:
    """Raise UserError where the text encoders' numbers, side by side, aren't what the UNet reads; of several
    the last gives the pooled text."""
    width = sum(text.get("hidden_size", 512) for text in encoders)
    if unet.get("cross_attention_dim", 1280) != width:
        raise UserError(
            f"{where}: the UNet expects text of width {unet.get('cross_attention_dim')},"
            f" the text encoder{'s make' if len(encoders) > 1 else ' makes'} {width}",
            SUPPORTED,
        )
    if len(encoders) == 1:
        return
    if len({text.get("max_position_embeddings", 77) for text in encoders}) > 1:
        raise UserError(f"{where}: its text encoders read texts of different lengths", SUPPORTED)
    sizes = 6 * (unet.get("addition_time_embed_dim") or 0)
    expected, pooled = (
        unet.get("projection_class_embeddings_input_dim"),
        encoders[-1].get("projection_dim", 512),
    )
    if expected != sizes + pooled:
        what = f"{where}: the UNet expects {expected} numbers of pooled text and sizes"
        raise UserError(f"{what}, there are {sizes + pooled}", SUPPORTED)


_VIEW = 8192  # pixels across one, as of the largest texture
_TRANSFORMERS = 1024  # pixels across what today's were trained on


def view_shape(name: str, configs: Mapping[str, Mapping[str, Any]]) -> tuple[int, int]:
    """(latents across what a model was trained on, pixels across a latent), by the configs of the networks of
    the model ``name``. Raises UserError for what can't be."""
    vae, unet = configs["vae"], configs.get("unet")
    levels = vae.get("block_out_channels", vae.get("dim_mult"))  # of pictures, and of videos
    pixels = _pixels(name, "the autoencoder's block_out_channels", levels)
    if unet is None:  # a transformer, whose config doesn't say; its autoencoder's does, in pixels
        owner, side, unit = "autoencoder", vae.get("sample_size", _TRANSFORMERS), pixels
    else:
        owner, side, unit = "UNet", unet.get("sample_size"), 1
    if type(side) is not int or side % unit or not 1 <= side // unit <= _VIEW // pixels:
        raise UserError(f"{name}: the {owner}'s sample_size is {short(side)}", f"{AGAIN}, or {SUPPORTED}")
    return side // unit, pixels


def latent_channels(vae: Mapping[str, Any]) -> int:
    """Of an autoencoder with this config. Raises UserError for what can't be."""
    channels = vae.get("latent_channels", vae.get("z_dim"))
    if type(channels) is not int or not 1 <= channels <= 256:
        raise UserError(f"the autoencoder's latent_channels are {short(channels)}", AGAIN)
    return channels


def _pixels(name: str, key: str, levels: Any) -> int:
    """Across a latent, for an autoencoder of these ``levels``."""
    if not isinstance(levels, list | tuple | range) or not 1 <= len(levels) <= 8:
        raise UserError(f"{name}: {key} is {short(levels)}", AGAIN)
    return int(2 ** (len(levels) - 1))


def check_classes(where: str, family: str, configs: Mapping[str, dict[str, Any]]) -> None:
    """Raise UserError when a network of the pipeline ``where`` is of another class than its family's."""
    for name, expected in families.PARTS[family].classes.items():
        found = _class(configs[name])
        if _INSIDE.get(str(found), found) not in (None, expected):
            raise UserError(f"{where}: its {name} is a {cut(str(found))}, not a {expected}", SUPPORTED)


_INSIDE = {  # a language model with what writes the next word: what is inside it
    "Qwen3ForCausalLM": "Qwen3Model",
    "Qwen2_5_VLForConditionalGeneration": "Qwen2_5_VLTextModel",
}


def check_controlnet(path: Path, control: Mapping[str, Any], unet: Mapping[str, Any]) -> None:
    """Raise UserError when a ControlNet (its config) is of another kind or doesn't fit the UNet's config."""
    if (found := _class(control)) not in (None, PLAIN, UNION):
        raise UserError(f"{path} is a {found}: not supported", ANOTHER)
    if found == UNION and unet["addition_embed_type"] is None:
        raise UserError(f"{path} is a {found}, a union, which is for Stable Diffusion XL alone", ANOTHER)
    if (found := control.get("conditioning_channels", 3)) not in CONDITIONING:
        what = f"its pictures have {short(found)} channels, not {either([*map(str, CONDITIONING)])}"
        raise UserError(f"the ControlNet {path} reads other pictures than there are: {what}", ANOTHER)
    check_agreement(path, control, unet, _SHARED, "UNet")


def check_agreement(
    path: Path,
    control: Mapping[str, Any],
    network: Mapping[str, Any],
    keys: Iterable[str],
    owner: str,
    fix: str = ANOTHER,
) -> None:
    """Raise UserError, with ``fix``, where a ControlNet's config has something else for one of ``keys`` than
    that of the ``network`` that it is for, which people know as ``owner``."""
    for key in keys:
        if key in control and _plain(control[key]) != _plain(network[key]):
            what = f"its {key} is {short(control[key])}, the {owner}'s {network[key]}"
            raise UserError(f"the ControlNet {path} doesn't fit the model: {what}", fix)


def check_condition_size(path: Path, control: Mapping[str, Any], vae: Mapping[str, Any]) -> None:
    """Raise UserError when a ControlNet shrinks its picture by another factor than the autoencoder."""
    key = "conditioning_embedding_out_channels"
    found = _pixels(f"the ControlNet {path}", key, control[key])
    expected = _pixels("the model", "block_out_channels", vae["block_out_channels"])
    if found != expected:
        raise UserError(
            f"the ControlNet {path} has {found} pixels per latent, the autoencoder {expected}", ANOTHER
        )


def check_half(path: Path, half: Mapping[str, Any], vae: Mapping[str, Any]) -> None:
    """Raise UserError when an autoencoder for half precision (its config) makes other latents."""
    for key in ("latent_channels", "scaling_factor", "block_out_channels"):
        if _plain(half.get(key)) != _plain(vae[key]):
            what = f"the autoencoder {path} has the {key} {half.get(key)}, the model's own {vae[key]}"
            raise UserError(what, "take it away")


TINY_CLASSES = ("AutoencoderTiny", "AutoencoderDC")


def check_tiny(path: Path, tiny: Mapping[str, Any], vae: Mapping[str, Any]) -> None:
    """Raise UserError when a tiny autoencoder's config is of none of TINY_CLASSES or not for the latents of
    the model's own."""
    fix = "choose one made for this model, or take it away"
    if tiny.get("_class_name") not in TINY_CLASSES:
        raise UserError(f"{path} is no {' or '.join(TINY_CLASSES)}: {tiny.get('_class_name')}", fix)
    if "latent_channels" not in vae:
        raise UserError(f"the tiny autoencoder {path} is for another kind of model", fix)
    ours = vae["latent_channels"], _pixels("the model", "block_out_channels", vae["block_out_channels"])
    theirs = _tiny_latents(path, tiny)
    if ours != theirs:
        raise UserError(
            f"the tiny autoencoder {path} has {theirs[0]} channels of {theirs[1]} pixels,"
            f" the model's has {ours[0]} of {ours[1]}",
            fix,
        )


def _tiny_latents(path: Path, config: Mapping[str, Any]) -> tuple[int, int]:
    """(channels, pixels per latent) of a tiny autoencoder; what its config leaves out is its class's."""
    deep = config["_class_name"] == "AutoencoderDC"
    key = "encoder_block_out_channels" if deep else "num_encoder_blocks"
    channels, levels = (32, range(6)) if deep else (4, range(4))
    pixels = _pixels(f"the tiny autoencoder {path}", key, config.get(key, levels))
    return config.get("latent_channels", channels), pixels


def _class(config: Mapping[str, Any]) -> str | None:
    """The class of a network as its config names it, in diffusers' way or in transformers'."""
    listed = config.get("architectures")
    first = listed[0] if isinstance(listed, list) and listed else None
    named = config.get("_class_name") or first
    if isinstance(named, str):
        return cut(named) or None
    return short(named) if named else None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, (list, tuple)) else value
