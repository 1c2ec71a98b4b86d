"""From a model's files to the model: its family, its defaults, what it says about itself.

Imports of diffusers and transformers stay inside functions: they take seconds, and a request with a typing
error should be answered at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ..models import accelerators, presets, sidecar, vocabulary
from ..models.loras import Lora
from ..models.presets import Preset
from ..models.sources import Sources
from ..models.vocabulary import Vocabulary
from . import libraries, lora
from .families.family import Family
from .families.flux import Flux
from .families.qwen_image import QwenImage
from .families.stable_diffusion import StableDiffusion
from .families.stable_diffusion_xl import StableDiffusionXL
from .families.z_image import ZImage
from .weights import Check

FAMILIES: dict[str, type[StableDiffusion | Flux | QwenImage | ZImage]] = {
    "flux-dev": Flux,
    "flux-schnell": Flux,
    "qwen-image": QwenImage,
    "z-image": ZImage,
    "z-image-turbo": ZImage,
    "sd15": StableDiffusion,
    "sd21": StableDiffusion,
    "sdxl": StableDiffusionXL,
    "starter": StableDiffusion,
}


@dataclass(frozen=True)
class Model:
    """A model as it was found. preset: its family's defaults, under what it says about itself. vocabulary:
    None where it says nothing about the words that it knows. name: for errors. borrowed: as of
    sources.Sources."""

    family: Family[Any]
    preset: Preset
    vocabulary: Vocabulary | None
    name: str = "the model"
    borrowed: str = ""

    def change(self, loras: Sequence[Lora], check: Check) -> frozenset[str]:
        """Have these ``loras`` in its weights, and no others; the names of the parts that are others than
        before. Raises UserError for one that was made for another model, and nothing has changed then."""
        changes = lora.matched(loras, self.family.parts, self.name)
        parts = self.family.parts.items()
        return frozenset(name for name, part in parts if part.change(changes.get(name, {}), check))


def load(
    sources: Sources, device: torch.device, dtype: torch.dtype, check: Check, loras: Sequence[Lora] = ()
) -> Model:
    """The model with ``loras`` in it, of which each part comes when it is first needed; raises UserError for
    missing or mismatched files, and what ``check`` raises."""
    model = prepare(sources, device, dtype, check)
    model.change(loras, check)
    check()
    return model


def import_libraries(check: Check) -> None:
    """Import what builds networks; ``check`` is called between."""
    libraries.load(check)
    from diffusers.utils import logging

    logging.set_verbosity_error()  # notes about other versions' configs; our own errors say what matters
    check()


def prepare(sources: Sources, device: torch.device, dtype: torch.dtype, check: Check) -> Model:
    """The same as its files have it."""
    own = sidecar.of_model(sources.pipeline, sources.controlnet)
    import_libraries(check)
    family = FAMILIES[sources.family](sources, device, dtype)
    preset = presets.of_family(sources.family, family.latent.side, family.latent.pixels)
    single = sources.checkpoint or sources.network
    preset = accelerators.completed(preset, own, sources.pipeline, single)
    words = None if single else vocabulary.read(sources.pipeline)
    return Model(family, preset, words, sources.name, sources.borrowed)
