"""Defaults by model family, each with its source.

"Published" is the SyncTweedies paper's released mesh configuration. A model's own ``sync_texture.json``
(sidecar.py) replaces any of these but the family and the view's size; a request replaces either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Preset:
    """What a job uses where the request says nothing.

    accelerator: one of ACCELERATORS, what the weights were distilled as; "none" for most.
    guidance_end: share of the way from noise to picture after which there is no guidance, whatever it is.
    view_size: pixels of a square view; a multiple of the model's downscale. latent_view_size: the same in
    latents. sync_share and texture_size: by synchronisation space, "latent" or "rgb": the share of the steps
    that are synchronised, a number or one of choices.SYNC_SHARES, and the side of the texture that they are
    averaged in. aggregate: one of AGGREGATES there, for methods that don't weight views in a way of their
    own. control: which of CONTROLS the ControlNet takes. conditioning_scale: its strength. control_end: share
    of the way from noise to picture after which it is off. precision: one of PRECISIONS (device.py).
    autoencoder: one of AUTOENCODERS, which one makes the last pictures where a model has a tiny one too.
    prefix: put before every prompt.
    background: "colours" or "grey", what lies behind views that are rendered from the texture.
    attention: "views" or "off", whether views attend to each other (attention.py). reference_share: share of
    the way on which they attend to a reference as well. nearest: how many times nearer than the whole object
    it is asked to paint close-ups at most where ``detail`` is left to it. order: of the
    steps, 1 or 2 (steps.extrapolated).
    """

    family: str
    view_size: int
    latent_view_size: int
    accelerator: str
    steps: int
    guidance: float
    guidance_end: float
    sync_space: str
    sync_share: Mapping[str, float | str] = field(hash=False)
    texture_size: Mapping[str, int] = field(hash=False)
    aggregate: str
    control: str
    conditioning_scale: float
    control_end: float
    precision: str
    autoencoder: str
    prefix: str
    negative: str
    background: str
    attention: str
    reference_share: float
    nearest: int
    order: int


def _by_space(latent: float, rgb: float) -> Mapping[str, float | str]:
    return MappingProxyType({"latent": latent, "rgb": rgb})


def _sizes(latent: int, rgb: int) -> Mapping[str, int]:
    return MappingProxyType({"latent": latent, "rgb": rgb})


# Of the textures that x0 is averaged in, for each latent or pixel across a view of one of our own models.
TEXELS_A_LATENT = 16  # published: 1536 for 96
TEXELS_A_PIXEL = 4  # a view shows about a third of a texture's width: no texel is to be larger than a pixel


SD15 = Preset(
    family="sd15",
    view_size=768,  # published: 96 latents of 8 pixels
    latent_view_size=96,
    accelerator="none",
    steps=30,  # published
    guidance=15.5,  # published
    guidance_end=1.0,  # published
    sync_space="latent",  # published
    sync_share=_by_space(0.8, 0.8),  # published: synchronised while t > 0.2 * 1000
    texture_size=_sizes(1536, 1024),  # published latent and RGB texture
    aggregate="mean",  # published
    control="depth",  # published
    conditioning_scale=0.7,  # published: annealing is configured but never takes effect, so constant
    control_end=0.99,  # published
    precision="half",
    autoencoder="full",
    prefix="Best quality, extremely detailed ",  # published
    negative=(  # published
        "oversmoothed, blurry, depth of field, out of focus, low quality, bloom, glowing effect."
    ),
    background="colours",  # published
    attention="views",  # published
    reference_share=0.2,  # published: while t > 0.8 * 1000
    nearest=4,  # it has seen surfaces from any distance
    order=1,  # published: DDIM
)

# Stable Diffusion 2.1 was trained at 768 pixels, which is the published view size; nothing is published for
# it on meshes, so the rest is SD15's.
SD21 = replace(SD15, family="sd21")

# Nothing is published for it on meshes either. Its own guidance is 5 in diffusers and 7 to 8 in other
# programs; averaged views want more rather than less, and the published 15.5 burns its pictures.
SDXL = replace(
    SD15,
    family="sdxl",
    view_size=1024,  # as trained
    latent_view_size=128,
    guidance=7.0,
    texture_size=_sizes(TEXELS_A_LATENT * 128, 2 * 1024),
)

# Our own small models, where they don't say better themselves. Steps, guidance and RGB synchronisation at
# every step: measured with a trial model (agreement between views +10 to +16 dB over latents, whose cells of
# several pixels can't be averaged meaningfully).
STARTER = Preset(
    family="starter",
    view_size=128,
    latent_view_size=32,
    accelerator="none",
    steps=10,
    guidance=3.0,
    guidance_end=1.0,
    sync_space="rgb",
    sync_share=_by_space(0.8, 1.0),
    texture_size=_sizes(TEXELS_A_LATENT * 32, TEXELS_A_PIXEL * 128),
    aggregate="best",  # measured: docs/sharpness.md
    control="depth",
    conditioning_scale=1.0,  # as trained
    control_end=1.0,
    precision="half",
    autoencoder="full",
    prefix="",  # trained on plain captions: quality words only push them aside
    negative="",
    background="grey",  # measured: with changing colours case 5's views agree to 20 dB, with grey to 28
    attention="off",  # measured: self-attention says so little in it that views come out the same
    reference_share=0.2,
    nearest=2,
    order=2,  # measured: 10 such steps are as good as 20 of first order
)

# Its pipeline's and its ControlNet's own numbers; nothing is published for meshes. Views are averaged as
# pictures: whether an average of its sixteen channels is one of its latents isn't known, and its autoencoder
# takes little time beside its network.
Z_IMAGE_TURBO = replace(
    STARTER,
    family="z-image-turbo",
    view_size=1024,
    latent_view_size=128,
    accelerator="distilled",
    steps=8,
    order=1,
    guidance=1.0,
    texture_size=_sizes(TEXELS_A_LATENT * 128, TEXELS_A_PIXEL * 1024),
    conditioning_scale=0.75,
    nearest=4,
)

# Of the base model: the middle of what is recommended, with its pipeline's guidance 4, which is 5 here.
Z_IMAGE = replace(Z_IMAGE_TURBO, family="z-image", accelerator="none", steps=30, guidance=5.0)

# Its pipeline's and its ControlNet's own numbers; the rest as for Z-Image, with the same number of channels.
QWEN_IMAGE = replace(Z_IMAGE, family="qwen-image", guidance=4.0, conditioning_scale=1.0)

# Of the base model its own numbers, 28 steps with a guidance of 3.5 that its network is told; of schnell 4
# steps without. The ControlNet's as its authors recommend, who leave it off at the end.
FLUX_DEV = replace(
    Z_IMAGE, family="flux-dev", steps=28, guidance=3.5, conditioning_scale=0.7, control_end=0.8
)
FLUX_SCHNELL = replace(FLUX_DEV, family="flux-schnell", accelerator="distilled", steps=4, guidance=1.0)

FIXED = {"sd15": SD15, "sd21": SD21}  # whatever the model's configs say
_TRANSFORMERS = {
    preset.family: preset for preset in (FLUX_DEV, FLUX_SCHNELL, QWEN_IMAGE, Z_IMAGE, Z_IMAGE_TURBO)
}
PUBLISHED = {**FIXED, "sdxl": SDXL, **_TRANSFORMERS}  # of a model that isn't here
SIZED = {STARTER.family: STARTER, "sdxl": SDXL, **_TRANSFORMERS}  # by the size in them


# Published for what is no mesh (SyncTweedies; wide images: Stable Diffusion 2 base at 512 pixels; splats: 1.5
# at 512). Tiles are windows as well, and nobody published any.
_WINDOWS = {"steps": 50, "guidance": 7.5, "negative": ""}
_DEEP = {"steps": 30, "guidance": 25.0, "negative": ""}  # published for panoramas that depth steers
# Published for ambiguous pictures with DeepFloyd IF, which has no latents: views are averaged as colours,
# since a turned latent isn't that of the turned picture, and in all steps. Each view shows something else.
_AMBIGUOUS = {"steps": 30, "guidance": 10.0, "negative": "", "prefix": "an oil painting of "}
_SPLATS = {"guidance": 35.0, "sync_space": "rgb"}
_PICTURES: Mapping[str, Mapping[str, Any]] = {
    "tile": _WINDOWS,
    "wide": _WINDOWS,
    "panorama": _WINDOWS,
    "picture": {},
    "ambiguous": _AMBIGUOUS,
    "splats": _SPLATS,
}
_AS_COLOURS = {
    "sync_space": "rgb",
    "sync_share": _by_space(1.0, 1.0),
    "aggregate": "mean",
    "attention": "off",
}
_ALWAYS = {"ambiguous": _AS_COLOURS}  # whatever the model
_PICTURE_SIZE = {"sd15": {"view_size": 512, "latent_view_size": 64}}  # published; others: as trained


def for_kind(preset: Preset, kind: str, deep: bool = False) -> dict[str, Any]:
    """What a job of ``kind``, one of choices.KINDS or "splats", uses in place of the model's ``preset``: for
    families of which something is published, but not where the model's own file says something else. deep:
    whether depth steers a picture."""
    always = dict(_ALWAYS.get(kind, {}))
    if preset.family not in FIXED:
        return always
    found = {**(_DEEP if deep else _PICTURES[kind]), **_PICTURE_SIZE.get(preset.family, {})}
    usual = FIXED[preset.family]
    own = {name: value for name, value in found.items() if getattr(preset, name) == getattr(usual, name)}
    return always | own


def of_family(family: str, sample_size: int, downscale: int) -> Preset:
    """The preset of a model of ``family``, a key of families.PARTS.

    sample_size: latents across, from the networks' configs: the size a model was trained at, and so its view
    size. downscale: pixels per latent.
    """
    if family in FIXED:
        return FIXED[family]
    preset = SIZED[family]
    return replace(preset, **sized(replace(preset, latent_view_size=1, view_size=downscale), sample_size))


def sized(preset: Preset, latents: int) -> dict[str, Any]:
    """The sizes for views of so many ``latents`` across, each of as many pixels as in ``preset``."""
    view = latents * preset.view_size // preset.latent_view_size
    texels = 2 if preset.family == SDXL.family else TEXELS_A_PIXEL
    sizes = _sizes(TEXELS_A_LATENT * latents, texels * view)
    return {"view_size": view, "latent_view_size": latents, "texture_size": sizes}
