"""ControlNets of UNets: pictures that steer, and what a ControlNet makes of them before anything else.

That first part depends on the pictures alone, which are the same at every step and with either prompt.
diffusers computes it anew for each row of each step: of the starter's ControlNet it is more than half.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from ..errors import UserError
from ..models.checks import ANOTHER, check_condition_size, check_controlnet, check_controlnet_file
from ..models.files import read_json
from . import weights
from .build import build, empty_parameters
from .parts import Part
from .weights import Check

NETWORK = "diffusers.models.controlnets.controlnet:ControlNetModel"


class ControlNet:
    """A ControlNet whose pictures are embedded once, each tensor of them. embedding: what does that, taken
    out of the network."""

    def __init__(self, path: Path, unet: Part, vae: Part) -> None:
        """path: a component folder, or a single file that is shaped after ``unet``. Raises UserError for one
        that doesn't fit ``unet`` and the latents of ``vae``."""
        self.part = Part(
            "controlnet",
            partial(_build, path, unet),
            partial(_tensors, path),
            unet.device,
            unet.dtype,
            self._take_embedding,
        )
        check_condition_size(path, self.part.config, vae.config)
        self.embedding = nn.Identity()
        self._embedded = WeakTensorKeyDictionary()  # forgotten with the pictures

    def _take_embedding(self, network: Any) -> None:
        """From now on ``network`` is given pictures that are embedded already."""
        self.embedding = network.controlnet_cond_embedding
        network.controlnet_cond_embedding = nn.Identity()

    @torch.no_grad()
    def embed(self, pictures: Tensor, rows: int) -> Tensor:
        """(N, C, h, w) on the ControlNet's device and in its precision.

        pictures: (N, 1 or 3, H, W) in [0, 1]; one and the same tensor is looked at once, so its values must
        stay. rows: so many of them at once.
        """
        if pictures not in self._embedded:
            self.part.network()
            self._embedded[pictures] = torch.cat([self._embed(part) for part in torch.split(pictures, rows)])
        embedded: Tensor = self._embedded[pictures]
        return embedded

    def _embed(self, pictures: Tensor) -> Tensor:
        colours = pictures.to(self.part.device, self.part.dtype).expand(-1, 3, -1, -1)
        if self.part.config.controlnet_conditioning_channel_order == "bgr":  # turns whatever it is given
            return self.embedding(colours.flip(1)).flip(1)  # type: ignore[no-any-return]
        return self.embedding(colours)  # type: ignore[no-any-return]

    def residuals(
        self, x: Tensor, time: Tensor, text: Tensor, embedded: Tensor, scale: float
    ) -> tuple[list[Tensor], Tensor]:
        """What is added to the UNet's skip connections and to its middle, of ``embedded`` pictures."""
        down, middle = self.part.network()(
            x, time, text, embedded, conditioning_scale=float(scale), return_dict=False
        )
        return list(down), middle


def _build(path: Path, unet: Part) -> Any:
    if path.is_file():
        from diffusers.models.controlnets.controlnet import ControlNetModel

        check_controlnet_file(path)
        with empty_parameters():
            return ControlNetModel.from_unet(unet, load_weights_from_unet=False)  # type: ignore[arg-type]
    file = path / "config.json"
    config = read_json(file)
    check_controlnet(path, config, unet.config)
    return build(NETWORK, config, file)


def _tensors(path: Path, network: Any, check: Check) -> Iterable[tuple[str, Tensor]]:
    if path.is_dir():
        return weights.of_folder(path)
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    state = dict(weights.checked(weights.of_file(path), check))
    try:
        return list(convert_controlnet_checkpoint(state, network.config).items())
    except (KeyError, IndexError) as error:
        raise UserError(f"{path} isn't a ControlNet ({error})", ANOTHER) from error
