"""The denoiser: a text- and control-conditioned latent diffusion model as plain functions of tensors.

Knows no meshes and no views: N pictures are N rows of a batch. States and estimates (x, eps, x0) are float32
(N, C, h, w) on ``device``; inside, the networks run in ``dtype``. Nothing here is random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..models import presets, sidecar, sources
from ..models.presets import Preset
from ..models.vocabulary import Vocabulary
from ..options.channels import Channel, main_channel
from . import ddim, steps
from . import device as devices
from .attention import AcrossRows, Links, across_rows
from .hints import Hints
from .levels import Level, Schedule
from .linear_decoder import LinearDecoder
from .loading import Parts, load
from .simplify import is_affine

# Feature maps of the widest level alive at once in a pass, skip connections and attention included: the rule
# of thumb behind the default batch.
MAPS_ALIVE = 25
VAE_MAPS_ALIVE = 12


@dataclass(frozen=True)
class Text:
    """Prompts as the network reads them. embeds: (P, tokens, width); P is 1 or the number of pictures.
    truncated: for each prompt the words beyond the token limit, "" where none were cut off."""

    embeds: Tensor
    truncated: list[str]

    def rows(self, n: int) -> Tensor:
        """(n, tokens, width); a single prompt serves every picture."""
        return self.embeds.expand(n, -1, -1) if len(self.embeds) == 1 else self.embeds


def load_denoiser(
    name: str,
    device: str,
    check: Callable[[], None],
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
) -> Denoiser:
    """The model ``name`` (sources.py says what a name may be) on ``device`` ("auto", "cpu", "cuda", "mps").

    check: called all along; may raise Cancelled. progress: called with (file name, bytes so far, bytes in
    all) while weights are downloaded. Raises UserError for an unknown device or model, weights
    that are neither here nor to be had, damaged files and models of another shape.
    """
    target = devices.resolve(device)
    found = sources.find(name, check, progress)
    dtype = devices.network_dtype(target, sidecar.precision(found.controlnet))
    parts = load(found, target, dtype, check)
    return Denoiser(parts, target)


class Denoiser:
    """A loaded model.

    channels: what its pictures say of a surface, their numbers side by side. latent_channels: C. downscale:
    pixels per latent.
    prediction_type: "epsilon", "v_prediction" or "sample", what the network gives. preset: its family's
    defaults, under what it says about itself (sidecar.py). vocabulary: the words that it knows, None where it
    doesn't say.
    batch: rows that go through the network at once (a picture with guidance is two rows); vae_batch: pictures
    through the autoencoder at once, at the preset's view size.
    """

    channels: tuple[Channel, ...] = (main_channel(),)

    def __init__(self, parts: Parts, device: torch.device) -> None:
        self.device = device
        self.dtype: torch.dtype = parts.unet.dtype
        self._parts = parts
        self._hints = Hints(parts.controlnet)
        self._cache: dict[str, tuple[Tensor, str]] = {}
        self._across: AcrossRows | None = None
        self._linear: LinearDecoder | None = None
        self.prediction_type: str = ddim.prediction(parts.scheduler)
        self.latent_channels: int = parts.vae.config.latent_channels
        self.downscale: int = 2 ** (len(parts.vae.config.block_out_channels) - 1)
        config = parts.unet.config
        self.preset: Preset = parts.sidecar.over(
            presets.of_family(parts.family, config.sample_size, self.downscale)
        )
        self.vocabulary: Vocabulary | None = parts.vocabulary
        self.batch = self._rows(
            config.block_out_channels[0], self.preset.latent_view_size, MAPS_ALIVE, devices.budget(device)
        )
        self.vae_batch = self._rows(
            parts.vae.config.block_out_channels[0],
            self.preset.view_size,
            VAE_MAPS_ALIVE,
            devices.vae_budget(device),
        )

    def _rows(self, channels: int, size: int, maps: int, budget: int) -> int:
        return max(1, budget // (channels * size * size * 4 * maps))

    def schedule(self, steps: int) -> Schedule:
        """The model's own schedule with ``steps`` steps."""
        return ddim.schedule(self._parts.scheduler, steps)

    @torch.no_grad()
    def embed(self, prompts: Sequence[str]) -> Text:
        """The prompts for the network; each is computed once in the denoiser's life."""
        for prompt in prompts:
            if prompt not in self._cache:
                self._cache[prompt] = self._embed(prompt)
        embeds, cut = zip(*(self._cache[prompt] for prompt in prompts), strict=True)
        return Text(torch.cat(embeds), list(cut))

    def _embed(self, prompt: str) -> tuple[Tensor, str]:
        tokenizer = self._parts.tokenizer
        limit = min(tokenizer.model_max_length, self._parts.text_encoder.config.max_position_embeddings)
        padded = tokenizer(
            prompt, padding="max_length", max_length=limit, truncation=True, return_tensors="pt"
        )
        whole = tokenizer(prompt, truncation=False, verbose=False).input_ids
        cut = tokenizer.decode(whole[limit - 1 : -1]).strip() if len(whole) > limit else ""
        embeds = self._parts.text_encoder(padded.input_ids.to(self.device))[0]
        return embeds.to(self.dtype), cut

    @contextmanager
    def attending(self, links: Links) -> Iterator[None]:
        """Inside, each of N pictures attends to others as ``links`` says (attention.py), in every call."""
        with across_rows(self._parts.unet, links) as self._across:
            try:
                yield
            finally:
                self._across = None

    def predict(
        self, x: Tensor, level: Level, positive: Text, negative: Text, control: Tensor, guidance: float
    ) -> Tensor:
        """The noise eps in ``x``, guided: (N, C, h, w) float32.

        x: (N, C, h, w) float32. level: of its noise. positive, negative: for N pictures or one for all; the
        latter isn't looked at when guidance is 1. control: the pictures that ``preset.control`` names, (N, 1
        or 3, h * downscale, w * downscale) in [0, 1]; a tensor that was given before is taken to be
        unchanged.
        """
        output = self._guided(x, level, positive, negative, control, guidance)
        return steps.EPS_FROM[self.prediction_type](x, output, *level.alpha_sigma)

    def predict_x0(
        self, x: Tensor, level: Level, positive: Text, negative: Text, control: Tensor, guidance: float
    ) -> Tensor:
        """The guided estimate of the clean latents; arguments as in :meth:`predict`. Exact at alpha = 0 for
        models that predict v or the sample, where eps alone can't tell x0."""
        output = self._guided(x, level, positive, negative, control, guidance)
        return steps.X0_FROM[self.prediction_type](x, output, *level.alpha_sigma)

    @torch.no_grad()
    def _guided(
        self, x: Tensor, level: Level, positive: Text, negative: Text, control: Tensor, guidance: float
    ) -> Tensor:
        """What the network predicts, with classifier-free guidance, float32."""
        n, hints = len(x), self._hints.of(control, self.batch)
        if guidance == 1.0:
            return self._network(x, level, positive.rows(n), hints)
        text = torch.cat([negative.rows(n), positive.rows(n)])
        both = self._network(x.repeat(2, 1, 1, 1), level, text, hints.repeat(2, 1, 1, 1))
        without, with_prompt = both.chunk(2)
        return without + guidance * (with_prompt - without)

    def _network(self, x: Tensor, level: Level, text: Tensor, hints: Tensor) -> Tensor:
        """The raw prediction for every row, ``batch`` rows at a time."""
        if self._across is None:
            rows = (_chunks(tensor, self.batch) for tensor in (x, text, hints))
            return torch.cat([self._pass(a, level, b, c) for a, b, c in zip(*rows, strict=True)])
        maps = MAPS_ALIVE + 2 * self._across.links.width  # the gathered keys and values
        passes = self._across.passes(len(x), max(1, self.batch * MAPS_ALIVE // maps))
        outputs = []
        for chosen in passes:
            self._across.begin(chosen, level.is_within(self.preset.reference_share), self.device)
            outputs.append(self._pass(x[chosen], level, text[chosen], hints[chosen]))
        return torch.cat(outputs)[torch.cat(passes).argsort()]

    def _pass(self, x: Tensor, level: Level, text: Tensor, hints: Tensor) -> Tensor:
        inputs = x.to(self.device, self.dtype)
        time = torch.tensor(level.time, device=self.device)
        residuals = self._control(inputs, time, level, text, hints)
        output: Tensor = self._parts.unet(inputs, time, text, **residuals).sample
        return output.float()

    def _control(
        self, x: Tensor, time: Tensor, level: Level, text: Tensor, hints: Tensor
    ) -> Mapping[str, Any]:
        """The ControlNet's residuals as the UNet takes them; none once the preset has it off."""
        if not level.is_within(self.preset.control_end):
            return {}
        down, mid = self._parts.controlnet(
            x, time, text, hints, conditioning_scale=self.preset.conditioning_scale, return_dict=False
        )
        return {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}

    @property
    def tiny(self) -> bool:
        """Whether there is a small autoencoder to be ``quick`` with."""
        return self._parts.tiny is not None

    def _vae(self, quick: bool) -> tuple[Any, torch.dtype]:
        """The autoencoder to use and its precision, of which the library's own word takes a millisecond."""
        always = self.preset.autoencoder == "tiny"
        vae = self._parts.tiny if (quick or always) and self.tiny else self._parts.vae
        return vae, next(vae.parameters()).dtype

    @torch.no_grad()
    def encode(self, images: Tensor, quick: bool = False) -> Tensor:
        """(N, 3, H, W) in [0, 1] to latents (N, C, H / downscale, W / downscale) float32: the mean of the
        posterior, so the same picture always gives the same latents. quick: by the small autoencoder, where
        there is one."""
        vae, dtype = self._vae(quick)
        means = [
            _mean(vae.encode(part.to(self.device, dtype) * 2 - 1)).float()
            for part in _chunks(images, self.vae_batch)
        ]
        scale, shift = _latent_scale(vae)
        return (torch.cat(means) - shift) * scale

    def encode_difference(self, images: Tensor, others: Tensor, quick: bool = False) -> Tensor:
        """:meth:`encode` of ``images`` less that of ``others``, in one go where the encoder is affine."""
        vae, _ = self._vae(quick)
        if not is_affine(vae):
            return self.encode(images, quick) - self.encode(others, quick)
        return self.encode(images - others, quick) - self.encode(torch.zeros_like(images[:1]), quick)

    @torch.no_grad()
    def decode(self, latents: Tensor, quick: bool = False) -> Tensor:
        """Latents (N, C, h, w) to pictures (N, 3, h * downscale, w * downscale) float32, nominally in [0, 1],
        not clamped. quick: as in :meth:`encode`."""
        vae, dtype = self._vae(quick)
        scale, shift = _latent_scale(vae)
        plain = latents / scale + shift
        pictures = [
            vae.decode(part.to(self.device, dtype)).sample.float() for part in _chunks(plain, self.vae_batch)
        ]
        return torch.cat(pictures) / 2 + 0.5

    def decode_linear(self, latents: Tensor) -> Tensor:
        """Latents (N, C, h, w) to pictures (N, 3, k h, k w) float32 in [0, 1] on the CPU, k at most
        ``downscale``: nearly what :meth:`decode` gives, in next to no time after the first call."""
        if self._linear is None:
            self._linear = LinearDecoder.fit(self.encode, self.decode, self.downscale)
        return self._linear(latents)

    def halve_batch(self) -> bool:
        """Use half as much memory from now on; False when one row and one picture at a time is reached."""
        if self.batch == 1 and self.vae_batch == 1:
            return False
        self.batch, self.vae_batch = max(1, self.batch // 2), max(1, self.vae_batch // 2)
        devices.empty_cache(self.device)
        return True

    def free(self) -> None:
        """Give the memory back; the denoiser can't be used afterwards."""
        self._cache.clear()
        del self._parts, self._hints
        devices.empty_cache(self.device)


def _mean(encoded: Any) -> Tensor:
    """What an autoencoder encoded: a posterior's mean; the tiny ones give the latents themselves."""
    if hasattr(encoded, "latent_dist"):
        return torch.as_tensor(encoded.latent_dist.mode())
    return torch.as_tensor(encoded[0])


def _latent_scale(vae: Any) -> tuple[float, float]:
    return float(vae.config.scaling_factor), float(vae.config.get("shift_factor") or 0.0)


def _chunks(tensor: Tensor, rows: int) -> list[Tensor]:
    return [tensor[i : i + rows] for i in range(0, len(tensor), rows)]
