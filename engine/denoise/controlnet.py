"""ControlNets of UNets: pictures that steer, and what a ControlNet makes of them before anything else.

That first part depends on the pictures alone, which are the same at every step and with either prompt.
diffusers computes it anew for each row of each step: of the starter's ControlNet it is more than half.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from ..errors import UserError
from ..models import controlnet_file, sidecar
from ..models.checks import ANOTHER, UNION, check_condition_size, check_controlnet
from ..models.files import read_json
from . import weights
from .build import build
from .controlnets import trained_on, union_kinds
from .families.family import Control, Stack
from .parts import Part
from .weights import Check

NETWORK = "diffusers.models.controlnets.controlnet:ControlNetModel"
# What reads its pictures, once: in full precision, as a place told in 16 bits is a rough one.
EMBEDDING = "controlnet_cond_embedding"
UNION_NETWORK = "diffusers.models.controlnets.controlnet_union:ControlNetUnionModel"
# Of the pictures that a union takes, those that we make: its numbers of them.
UNION_KINDS = {"depth": 1, "lines": 3, "normal": 4}

# What its networks in the original layout call the weights that read the pooled text and the size of a
# picture. The library's converter knows them of a UNet only.
SIZES = {
    "add_embedding.linear_1.weight": "label_emb.0.0.weight",
    "add_embedding.linear_1.bias": "label_emb.0.0.bias",
    "add_embedding.linear_2.weight": "label_emb.0.2.weight",
    "add_embedding.linear_2.bias": "label_emb.0.2.bias",
}


class ControlNet:
    """A ControlNet whose pictures are embedded once, each tensor of them. embedding: what does that, taken
    out of the network. kinds: as of controlnets.Net."""

    is_union = False

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
            (EMBEDDING,),
        )
        check_condition_size(path, self.part.config, vae.config)
        self.kinds: Mapping[str, int | None] = trained_on(path)
        self.embedding = nn.Identity()
        self._embedded = WeakTensorKeyDictionary()  # forgotten with the pictures

    def _take_embedding(self, network: Any) -> None:
        """From now on ``network`` is given pictures that are embedded already."""
        self.embedding = getattr(network, EMBEDDING)
        setattr(network, EMBEDDING, nn.Identity())

    @torch.no_grad()
    def embed(self, pictures: Tensor, rows: int) -> Tensor:
        """(N, C, h, w) on the ControlNet's device and in its precision.

        pictures: (N, C, H, W) in [0, 1], of which the network reads as many channels as it was made for, one
        channel being grey and what isn't told 0; one and the same tensor is looked at once, so its values
        must stay. rows: so many of them at once.
        """
        if pictures not in self._embedded:
            self.part.network()
            self._embedded[pictures] = torch.cat([self._embed(part) for part in torch.split(pictures, rows)])
        embedded: Tensor = self._embedded[pictures]
        return embedded

    def _embed(self, pictures: Tensor) -> Tensor:
        count = self.part.config.conditioning_channels
        colours = pictures.to(self.part.device, self.part.kind_of(EMBEDDING))
        colours = colours.expand(-1, 3, -1, -1) if colours.shape[1] == 1 else colours[:, :count]
        colours = F.pad(colours, (0, 0, 0, 0, 0, count - colours.shape[1]))
        if self.part.config.controlnet_conditioning_channel_order == "bgr":  # turns whatever it is given
            found: Tensor = self.embedding(colours.flip(1)).flip(1)
        else:
            found = self.embedding(colours)
        return found.to(self.part.dtype)

    def residuals(
        self, x: Tensor, time: Tensor, text: Tensor, controls: Sequence[Control[Stack]], **added: Any
    ) -> list[tuple[list[Tensor], Tensor]]:
        """What is added to the UNet's skip connections and to its middle in each of its passes, of embedded
        pictures.

        added: what its family's networks are given beside that.
        """
        passes = []
        for given in self._passes(controls):
            down, middle = self.part.network()(x, time, text, **given, return_dict=False, **added)
            passes.append((list(down), middle))
        return passes

    def _passes(self, controls: Sequence[Control[Stack]]) -> list[dict[str, Any]]:
        """As the network takes the pictures: those of each control for themselves."""
        return [
            {"controlnet_cond": one.pictures.tensor, "conditioning_scale": float(one.scale)}
            for one in controls
        ]


class ControlNetUnion(ControlNet):
    """One for pictures of several kinds, which it has to be told."""

    is_union = True

    def __init__(self, path: Path, unet: Part, vae: Part) -> None:
        super().__init__(path, unet, vae)
        if (order := self.part.config.controlnet_conditioning_channel_order) != "rgb":
            raise UserError(f"{path} is a ControlNet union for pictures in {order} order", ANOTHER)
        self.kinds = union_kinds(path, UNION_KINDS, self.part.config.num_control_type)
        self._kind = sidecar.control(path)

    def _passes(self, controls: Sequence[Control[Stack]]) -> list[dict[str, Any]]:
        """All in one."""
        pictures = [one.pictures.tensor for one in controls]
        numbers = [UNION_KINDS[one.kind or self._kind] for one in controls]
        told = torch.zeros(len(pictures[0]), self.part.config.num_control_type, device=pictures[0].device)
        told[:, numbers] = 1
        scales = [float(one.scale) for one in controls]
        return [
            {
                "controlnet_cond": pictures,
                "control_type": told,
                "control_type_idx": numbers,
                "conditioning_scale": scales if len(scales) > 1 else scales[0],
            }
        ]


def open_controlnet(path: Path, unet: Part, vae: Part) -> ControlNet:
    """The ControlNet at ``path``, of its own kind; arguments and errors as of :class:`ControlNet`."""
    return (ControlNetUnion if _is_union(path) else ControlNet)(path, unet, vae)


def _is_union(path: Path) -> bool:
    kind = None if path.is_file() else read_json(path / "config.json").get("_class_name")
    return kind == UNION or controlnet_file.is_union(path)


def _build(path: Path, unet: Part) -> Any:
    lone, union = path.is_file(), _is_union(path)
    file = path if lone else path / "config.json"
    config = controlnet_file.config(path, unet.config) if lone else read_json(file)
    if union:
        config["_class_name"] = UNION
    check_controlnet(path, config, unet.config)
    return build(UNION_NETWORK if union else NETWORK, config, file)


def _tensors(path: Path, network: Any, check: Check) -> Iterable[tuple[str, Tensor]]:
    if path.is_dir():
        return weights.of_folder(path)
    from diffusers.loaders.single_file_utils import convert_controlnet_checkpoint

    state = dict(weights.checked(weights.of_file(path), check))
    state = {key.removeprefix("control_model."): tensor for key, tensor in state.items()}
    try:
        found = convert_controlnet_checkpoint(state, network.config)
        return [*found.items(), *((new, state[old]) for new, old in SIZES.items() if old in state)]
    except (KeyError, IndexError) as error:
        raise UserError(f"{path} isn't a ControlNet ({error})", ANOTHER) from error
