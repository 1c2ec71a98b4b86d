"""The Fun ControlNet Union of Z-Image: layers beside the transformer's own, which share its embedders."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from torch import Tensor
from torch.nn.functional import pad

from ..models import z_image_files
from . import weights
from .build import build
from .controlnets import trained_on
from .parts import Part

PUBLISHED = ("depth", "lines")  # of the pictures that we make, those that it was trained on
NETWORK = "diffusers.models.controlnets.controlnet_z_image:ZImageControlNetModel"


class ZImageControlNet:
    """A ControlNet that takes latents of its pictures, of whichever kind they are. Newer versions have room
    for a mask and a picture to be painted into beside them, which stays empty here."""

    def __init__(self, path: Path, transformer: Part) -> None:
        """path: a component folder, or one of the single files that are published. Raises UserError for one
        that doesn't fit the ``transformer``."""
        self.kinds, self.is_union = trained_on(path, PUBLISHED), True
        config = z_image_files.controlnet_config(path, transformer.config)
        self._transformer = transformer
        self.part = Part(
            "controlnet",
            partial(build, NETWORK, config, path),
            lambda _, check: weights.of_place(path),
            transformer.device,
            transformer.dtype,
        )

    def inputs(self, latents: Tensor) -> Tensor:
        """Latents of pictures (N, C, h, w) as the network takes them: (N, D, 1, h, w)."""
        empty = self.part.config.control_in_dim - latents.shape[1]
        padded = pad(latents, (0, 0, 0, 0, 0, empty))
        return padded.unsqueeze(2).to(self.part.device, self.part.dtype)

    def residuals(
        self,
        states: Sequence[Tensor],
        time: Tensor,
        texts: Sequence[Tensor],
        pictures: Sequence[Tensor],
        scale: float,
    ) -> dict[int, Tensor]:
        """What is added after layers of the transformer, by their numbers."""
        network = self.part.network()
        network.from_transformer(network, self._transformer.network())
        added: dict[int, Tensor] = network(
            list(states), time, list(texts), list(pictures), conditioning_scale=float(scale)
        )
        return added
