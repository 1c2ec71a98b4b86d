"""A made-up family with nothing of Stable Diffusion: a rectified flow, a language model that reads prompts
of any length, another guidance, no control network and no attention across views."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

from engine.denoise.autoencoder import Autoencoder
from engine.denoise.build import empty_parameters
from engine.denoise.families.family import NETWORK, PIXELS, TEXT, Component, Control, Family, Latent, Ragged
from engine.denoise.levels import Level, Schedule
from engine.denoise.parts import Part
from engine.models.accelerators import Accelerator
from engine.options.channels import main_channel

WIDTH = 16
LIMIT = 12  # letters of a prompt


class Velocity(nn.Module):
    """One convolution, moved by the time and by the mean of the prompt."""

    def __init__(self) -> None:
        super().__init__()
        self.config = SimpleNamespace()
        self.conv, self.text = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(WIDTH, 4)

    def forward(self, x: Tensor, time: float, text: Tensor) -> Tensor:
        return torch.tanh(self.conv(x) + self.text(text)[:, :, None, None] + time / 1000)


def language_model() -> Any:
    from transformers import Qwen3Config, Qwen3Model

    config = Qwen3Config(
        vocab_size=128,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    return Qwen3Model(config)


def small_autoencoder() -> Any:
    from diffusers import AutoencoderTiny

    return AutoencoderTiny(
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
    )


def part(name: str, make: Callable[[], Any], dtype: torch.dtype) -> Part:
    """With random weights, the same every time."""

    def empty() -> Any:
        with empty_parameters():
            return make()

    def tensors(network: Any, check: Callable[[], None]) -> Any:
        torch.manual_seed(0)
        return make().state_dict().items()

    return Part(name, empty, tensors, torch.device("cpu"), dtype)


class Flow(Family[Ragged[Tensor]]):
    components = (
        Component("text_encoder", "tests:Qwen3Model", TEXT),
        Component("transformer", "tests:Velocity", NETWORK),
        Component("vae", "tests:AutoencoderTiny", PIXELS),
    )
    channels = (main_channel(),)
    latent = Latent(channels=4, pixels=8, side=8)
    prediction = "flow"
    device, dtype = torch.device("cpu"), torch.float32
    has_tiny = False

    def __init__(self) -> None:
        makers = (language_model, Velocity, small_autoencoder)
        names = [component.name for component in self.components]
        self.parts = {n: part(n, make, self.dtype) for n, make in zip(names, makers, strict=True)}
        self.calls: list[int] = []

    def levels(self, steps: int, how: Accelerator | None = None, latents: int | None = None) -> Schedule:
        sigmas = [1 - i / steps for i in range(steps + 1)]
        shifted = [3 * sigma / (1 + 2 * sigma) for sigma in sigmas]
        return Schedule.through([(1 - s, s) for s in shifted], [1000 * s for s in shifted])

    @torch.no_grad()
    def condition(self, prompt: str, check: Callable[[], None]) -> tuple[Ragged[Tensor], str]:
        tokens = torch.tensor([[ord(letter) % 128 for letter in prompt[:LIMIT] or " "]])
        return Ragged((self.parts["text_encoder"].network(check)(tokens)[0][0],)), prompt[LIMIT:]

    def steer(self, pictures: Tensor, rows: int) -> Ragged[Tensor]:
        return Ragged((pictures.mean(dim=(1, 2, 3)),)).rows(len(pictures))

    @torch.no_grad()
    def predict(
        self, x: Tensor, level: Level, condition: Ragged[Tensor], controls: Sequence[Control[Ragged[Tensor]]]
    ) -> Tensor:
        self.calls.append(len(x))
        text = torch.stack([row.mean(dim=0) for row in condition.each])
        output: Tensor = self.parts["transformer"].network()(x, level.time, text)
        return output

    def guide(self, without: Tensor, prompted: Tensor, guidance: Tensor) -> Tensor:
        """As Qwen-Image: as long as the prompted prediction is."""
        mixed = without + guidance * (prompted - without)
        return mixed * prompted.norm() / mixed.norm()

    def autoencoder(self, tiny: bool) -> Autoencoder:
        return Autoencoder(self.parts["vae"])

    @property
    def attention(self) -> Any:
        return self.parts["transformer"].network()

    def row_bytes(self, latents: int) -> int:
        return 1 << 20

    def picture_bytes(self, pixels: int) -> int:
        return 1 << 20
