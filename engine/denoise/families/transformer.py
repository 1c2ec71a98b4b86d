"""What the transformers for flow matching have in common: one text encoder as large as they are, an
autoencoder that reads control pictures, too, and patches of 2 x 2 latents as tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial, reduce
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ...errors import UserError
from ...models.accelerators import Accelerator
from ...models.checks import check_classes, latent_channels, view_shape
from ...models.families import CONTROLNET
from ...models.files import SUPPORTED, read_json
from ...models.sources import Sources
from ...options.channels import main_channel
from .. import flow, transformer_file, weights
from ..autoencoder import Autoencoder, tiny_part
from ..build import build
from ..device import VIDEO_MAPS_ALIVE, transformer_row_bytes, vae_picture_bytes
from ..levels import Schedule
from ..parts import Part
from ..patches import PATCH
from .family import NETWORK, TEXT, Check, Component, Family, Latent, Rows

R = TypeVar("R", bound=Rows)


def summed(added: Sequence[Sequence[Tensor] | None], layers: int) -> list[Tensor] | None:
    """What several ControlNets add after a transformer's ``layers``, as one; None where none of them does.
    One with fewer tensors than layers adds each of them after several, as the transformer takes them."""
    found = [one for one in added if one]
    if len({len(one) for one in found}) > 1:
        found = [[one[i // -(-layers // len(one))] for i in range(layers)] for one in found]
    return [reduce(torch.add, same) for same in zip(*found, strict=True)] if found else None


class FlowTransformer(Family[R]):
    """A transformer with its text encoder and autoencoder, each in a folder of its own.

    PROMPT: tokens of a prompt at most. READER: the text encoder that tells most. TEXT_WIDTH: what the
    transformer's config calls the width of the text that it reads. SQUARE: latents in each of its inputs.
    Half precision is bfloat16: float16 overflows in these networks.
    """

    components: ClassVar[Sequence[Component]]
    channels = (main_channel(),)
    prediction = "flow"
    takes_turns = True
    half = torch.bfloat16
    PROMPT: ClassVar[int]
    READER: ClassVar[str] = "text_encoder"
    TEXT_WIDTH: ClassVar[str]
    SQUARE: ClassVar[int]

    def __init__(self, sources: Sources, device: torch.device, dtype: torch.dtype) -> None:
        """Nothing of it is loaded yet. Raises UserError for configs of another kind, and that don't fit."""
        self.device, self.dtype = device, self.half if dtype == torch.float16 else dtype
        configs = {c.name: read_json(sources.pipeline / c.name / "config.json") for c in self.components}
        check_classes(sources.name, sources.family, configs)
        self._scheduler = read_json(sources.pipeline / "scheduler" / "scheduler_config.json")
        flow.check(self._scheduler)
        self._parts = {c.name: self._part(c, configs[c.name], sources) for c in self.components}
        if sources.tiny:
            vae = self._parts["vae"].config
            self._parts["tiny"] = tiny_part(sources.tiny, vae, self.device, self.dtype)
        self.parts: Mapping[str, Part] = self._parts
        self._autoencoders = {"vae": self._own_autoencoder(self.parts["vae"])}
        if sources.tiny:
            self._autoencoders["tiny"] = Autoencoder(self.parts["tiny"])
        side, pixels = view_shape(sources.name, configs)
        self.latent = Latent(latent_channels(configs["vae"]), pixels, side)
        self._require_fit(sources.name)
        self._read = WeakTensorKeyDictionary()  # control pictures; forgotten with them

    def _part(self, component: Component, config: Mapping[str, Any], sources: Sources) -> Part:
        folder = sources.pipeline / component.name
        inside = config.get("text_config", config) if component.stage == TEXT else config
        empty = partial(build, component.network, inside, folder / "config.json")

        def tensors(network: Any, check: Check) -> Any:
            if sources.network and component.stage == NETWORK:
                return transformer_file.tensors(sources.network, network)
            return weights.of_folder(folder)

        return Part(component.name, empty, tensors, self.device, self.dtype)

    def _controlnet_part(self, network: str, config: Mapping[str, Any], place: Path) -> Part:
        """Of a ControlNet, "module:Class", whose weights in ``place``, a folder or a file, are its own."""
        empty = partial(build, network, config, place)
        return Part(CONTROLNET, empty, lambda _, check: weights.of_place(place), self.device, self.dtype)

    def _require_fit(self, name: str) -> None:
        """Raise UserError where the networks aren't of one model."""
        network, text = self.parts["transformer"].config, self.parts[self.READER].config.hidden_size
        if network[self.TEXT_WIDTH] != text:
            what = f"{name}: the transformer reads text of width {network[self.TEXT_WIDTH]}"
            raise UserError(f"{what}, its encoder makes {text}", SUPPORTED)
        if network.in_channels != self.SQUARE * self.latent.channels:
            what = f"{name}: the transformer takes {network.in_channels} channels"
            raise UserError(f"{what}, the autoencoder makes {self.latent.channels}", SUPPORTED)

    def _own_autoencoder(self, part: Part) -> Autoencoder:
        return Autoencoder(part)

    def levels(self, steps: int, how: Accelerator | None = None, latents: int | None = None) -> Schedule:
        shift = how.shift if how else None
        config = self._scheduler if shift is None else flow.shifted(self._scheduler, shift)
        return flow.schedule(config, steps, self.tokens(latents or self.latent.side**2))

    @staticmethod
    def tokens(latents: int) -> int:
        """Of a state of so many latents."""
        return latents // PATCH**2

    def read(self, pictures: Tensor, rows: int) -> Tensor:
        """Control pictures (N, K, H, W) in [0, 1], grey or what their first three channels show, through the
        autoencoder: (N, C, h, w) float32. One and the same tensor is read once. rows: so many at once."""
        if pictures not in self._read:
            colours = pictures[:, :3].expand(-1, 3, -1, -1)
            self._read[pictures] = self._autoencoders["vae"].encode(torch.split(colours, rows))
        latents: Tensor = self._read[pictures]
        return latents

    def autoencoder(self, tiny: bool) -> Autoencoder:
        return self._autoencoders["tiny" if tiny and self.has_tiny else "vae"]

    @property
    def attention(self) -> Any:
        return self.parts["transformer"].network()

    @property
    def width(self) -> int:
        """Of a token in the transformer."""
        config = self.parts["transformer"].config
        return int(config.num_attention_heads * config.attention_head_dim)

    def row_bytes(self, latents: int) -> int:
        return transformer_row_bytes(self.width, self.tokens(latents**2) + self.PROMPT, self.dtype.itemsize)

    def picture_bytes(self, pixels: int) -> int:
        vae = self.parts["vae"]
        if width := vae.config.get("base_dim"):
            return vae_picture_bytes(width, pixels, vae.dtype.itemsize, VIDEO_MAPS_ALIVE)
        return vae_picture_bytes(vae.config.block_out_channels[0], pixels, vae.dtype.itemsize)
