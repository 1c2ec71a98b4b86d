"""What a model's own sync_texture.json may say: options of a request, and what concerns the model alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from . import choices
from .option import Option, option, options
from .request import by_model

ABOUT_CONTROLNET = "ControlNet"
ABOUT_MODEL = "Model"


@dataclass(frozen=True)
class ModelFile:
    """The keys that only the file has, or that mean something else there than in a request."""

    control: str | None = field(
        default=None,
        metadata=option(
            "Control Picture",
            "What the ControlNet was trained on",
            ABOUT_CONTROLNET,
            choices=choices.CONTROLS,
        ),
    )
    conditioning_scale: float | None = field(
        default=None, metadata=option("Control Scale", "How much it counts", ABOUT_CONTROLNET, low=0, high=10)
    )
    control_end: float | None = field(
        default=None,
        metadata=option(
            "Control End",
            "Share of the way from noise to picture after which it is off",
            ABOUT_CONTROLNET,
            low=0,
            high=1,
        ),
    )
    precision: str | None = field(
        default=None,
        metadata=option(
            "Precision", "What a model with it computes in", ABOUT_CONTROLNET, choices=choices.PRECISIONS
        ),
    )
    sync_share: Mapping[str, float | str] | None = field(
        default=None,
        metadata=option(
            "Agree During",
            "In which of the steps the views are brought to agree: a share of them, or in words",
            ABOUT_MODEL,
            choices=choices.SYNC_SHARES,
            low=0,
            high=1,
        ),
    )
    texture_size: Mapping[str, int] | None = field(
        default=None,
        metadata=option(
            "Averaged In",
            "Side of the texture that views are averaged in",
            ABOUT_MODEL,
            low=16,
            high=8192,
            unit="px",
        ),
    )
    autoencoder: str | None = field(
        default=None,
        metadata=option(
            "Autoencoder", "Which one makes the last pictures", ABOUT_MODEL, choices=choices.AUTOENCODERS
        ),
    )
    tiny_autoencoder: str | None = field(
        default=None,
        metadata=option(
            "Tiny Autoencoder",
            "A folder, counted from the file's own, with an AutoencoderTiny or AutoencoderDC for the latents",
            ABOUT_MODEL,
        ),
    )
    order: int | None = field(
        default=None,
        metadata=option(
            "Order",
            "Of the steps: 2 for such that go on as the picture has changed so far, better where they are "
            "few; 1 is DDIM",
            ABOUT_MODEL,
            low=1,
            high=2,
        ),
    )
    guidance_end: float | None = field(
        default=None,
        metadata=option(
            "Guidance End",
            "Share of the way from noise to picture after which there is no guidance, which takes half the "
            "time",
            ABOUT_MODEL,
            low=0,
            high=1,
        ),
    )
    prefix: str | None = field(
        default=None, metadata=option("Prefix", "What is put before every prompt", ABOUT_MODEL)
    )


def keys() -> dict[str, Option]:
    """Everything that the file may say, by its key."""
    own = options(ModelFile)
    return {**own, **{name: one for name, one in by_model().items() if name not in own}}
