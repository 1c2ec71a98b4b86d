"""The denoiser: a text- and control-conditioned latent diffusion model as plain functions of tensors.

Knows no meshes and no views, nor what the model is made of: N pictures are N rows of a batch, and its family
(families/) runs the networks. States and estimates (x, eps, x0) are float32 (N, C, h, w) on ``device``.
Nothing here is random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from ..errors import OutOfMemory, UserError
from ..models import ip_adapters, loras, sidecar, sources
from ..models.accelerators import NONE, named
from ..models.presets import Preset
from ..models.vocabulary import Vocabulary
from ..options.channels import Channel
from ..options.controls import Asked
from . import device as devices
from . import steps
from .attention import AcrossRows, Links, across_rows
from .autoencoder import Autoencoder
from .controlnets import Steering, steerings
from .families.family import TEXT, Control, Rows, Which
from .faults import finite, raised_by_networks
from .household import Household
from .levels import Level, Schedule
from .linear_decoder import LinearDecoder
from .loading import Model, load
from .parts import Part
from .references import Reference
from .weights import Check

Guidance = float | Sequence[float]  # of all rows, or of each
Shown = Mapping[str, Tensor] | Tensor | None  # control pictures


@dataclass(frozen=True)
class Text:
    """Prompts as the network reads them: one, or one for each picture. truncated: of each the words beyond
    the token limit, "" where none were cut off."""

    condition: Rows
    truncated: list[str]

    def rows(self, n: int) -> Rows:
        """For ``n`` pictures; a single prompt serves every picture."""
        return self.condition.rows(n)

    def take(self, which: Which) -> Rows:
        """For some of them."""
        return self.condition.take(which)


def load_denoiser(
    name: str,
    device: str,
    check: Check,
    progress: Callable[[str, int, int], None] = lambda name, done, total: None,
    asked: Sequence[str] = (),
) -> Denoiser:
    """The model ``name`` (sources.py says what a name may be) on ``device`` ("auto", "cpu", "cuda", "mps"),
    with the LoRAs that are ``asked`` for in it (loras.py says how they are given).

    check: called all along; may raise Cancelled. progress: called with (file name, bytes so far, bytes in
    all) while weights are downloaded. Raises UserError for an unknown device or model, weights
    that are neither here nor to be had, damaged files and models of another shape.
    """
    target = devices.resolve(device)
    wanted = loras.find(asked, sources.Fetch(progress, check))
    found = sources.find(name, check, progress)
    dtype = devices.network_dtype(target, sidecar.precision(found.controlnet))
    model = Denoiser(load(found, target, dtype, check, wanted))
    model.household.load(check)
    return model


class Denoiser:
    """A loaded model.

    channels: what its pictures say of a surface, their numbers side by side. estimated: what can be told of
    them besides. latent_channels: C. downscale:
    pixels per latent. preset: its family's defaults, under what it says about itself (sidecar.py).
    vocabulary: the words that it knows, None where it doesn't say. controls: what steers it.
    household: what of it is in memory. batch: rows that go through the network at once (a picture with
    guidance is two rows); vae_batch: pictures through the autoencoder at once, at the preset's view size.
    """

    def __init__(self, model: Model, lent: Callable[[], int] = lambda: 0) -> None:
        """lent: as of Household."""
        self._model = model
        self._family = family = model.family
        self.device: torch.device = family.device
        self.dtype: torch.dtype = family.dtype
        self.preset: Preset = model.preset
        self.vocabulary: Vocabulary | None = model.vocabulary
        self.channels: tuple[Channel, ...] = family.channels
        own = family.estimator
        self.estimated: tuple[Channel, ...] = own.channels if own else ()
        self.latent_channels: int = family.latent.channels
        self.downscale: int = family.latent.pixels
        self._embedded: dict[str, tuple[Rows, str]] = {}
        self._across: AcrossRows | None = None
        self._linear: LinearDecoder | None = None
        self._steered: tuple[Steering, ...] = ()
        size = self.preset.latent_view_size, self.preset.view_size
        self.household = Household(family, size, self._steering_parts, model.name, lent)

    @property
    def batch(self) -> int:
        return self.household.batch

    @property
    def vae_batch(self) -> int:
        return self.household.vae_batch

    def use_loras(self, asked: Sequence[str], check: Check = lambda: None) -> None:
        """Have the LoRAs ``asked`` for in the weights from now on, and no others; only what they change is
        read again. check: called all along; may raise Cancelled. Raises UserError for those that can't be
        had, and then all is as it was."""
        wanted = loras.find(asked, sources.Fetch(lambda name, done, total: None, check))
        components = {component.name: component.stage for component in self._family.components}
        if TEXT in map(components.get, self._model.change(wanted, check)):
            self._embedded.clear()

    def schedule(self, steps: int, latents: int | None = None, accelerator: str = NONE) -> Schedule:
        """The model's own schedule with ``steps`` steps. latents: h * w of a state, the preset's if None.
        accelerator: which one its weights were distilled as."""
        return self._family.levels(steps, named(accelerator), latents)

    @property
    def controls(self) -> tuple[Steering, ...]:
        """Those that it was told of, else the model's own."""
        nets, preset = self._family.controlnets, self.preset
        if self._steered or nets is None:
            return self._steered
        return (Steering(preset.control, nets.own, preset.conditioning_scale, preset.control_end),)

    @property
    def borrowed(self) -> str:
        """What the ControlNet is called that steers it, where that isn't its own and nobody asked for it."""
        return self._model.borrowed if any(not one.source for one in self.controls) else ""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of the pictures that canvases are to be shown in, at least one."""
        return tuple(one.kind for one in self.controls) or (self.preset.control,)

    def steer_with(self, controls: Sequence[Asked], check: Check = lambda: None) -> None:
        """From now on ``controls`` steer it, without any the model's own. check: called all along; may raise
        Cancelled. Raises UserError where a ControlNet isn't there, doesn't fit the model or into memory, or
        isn't for such pictures; then all is as it was before."""
        nets = self._family.controlnets
        if nets is None:
            if controls:
                raise UserError("{controls}: this model takes no ControlNets", "leave it out", controls=None)
            return
        found = steerings(controls, nets.own, self.preset, check)
        nets.use(found)
        before, self._steered = self._steered, found
        try:
            self.household.settle()
        except OutOfMemory:
            self._steered = before
            nets.use(before)
            raise

    def _steering_parts(self) -> list[Part]:
        """The networks of the ControlNets that steer."""
        nets = self._family.controlnets
        return nets.parts([one.net for one in self.controls]) if nets else []

    @property
    def adapter(self) -> str | None:
        """The name of the IP-Adapter that it sees references through, None where there are none."""
        return self._family.references.adapter if self._family.references else None

    def refer_to(
        self, references: Sequence[Reference], adapter: str = "", check: Check = lambda: None
    ) -> None:
        """From now on what is painted inside :meth:`attending` is to look like ``references``, seen through
        the IP-Adapter ``adapter`` (ip_adapters.py); without any all is as it was. check: called all along;
        may raise Cancelled. Raises UserError where the model takes none, for an adapter that can't be had or
        doesn't fit the model, and then all is as it was before; and OutOfMemory, and then there are none."""
        own = self._family.references
        if own is None and references:
            raise ip_adapters.refused("this model takes no reference images")
        if own and references:
            fetch = sources.Fetch(lambda name, done, total: None, check)
            found = ip_adapters.find(adapter, self.preset.family, fetch)
            own.use(found, references, self.household.lend, check)
        elif own:
            own.none()
        try:
            self.household.settle()
        except OutOfMemory:
            if own:
                own.none()
            raise

    def embed(self, prompts: Sequence[str], check: Check = lambda: None) -> Text:
        """The prompts for the network; each is computed once in the denoiser's life. check: called all along
        where what reads prompts must be loaded first; may raise Cancelled."""
        if any(prompt not in self._embedded for prompt in prompts):
            self.household.read()
        for prompt in prompts:
            if prompt not in self._embedded:
                with raised_by_networks():
                    self._embedded[prompt] = self._family.condition(prompt, check)
        rows, truncated = zip(*(self._embedded[prompt] for prompt in prompts), strict=True)
        return Text(reduce(lambda some, more: some.joined(more), rows), list(truncated))

    def ready(self, check: Check = lambda: None) -> None:
        """All prompts are embedded: have what denoises in memory. check: as in :meth:`embed`."""
        self.household.ready(check)

    @contextmanager
    def attending(self, links: Links | None = None) -> Iterator[None]:
        """Inside, pictures attend to the references, and each of N to others as ``links`` says (attention.py;
        None: to none), in every call. Raises UserError where the model's network can't do that."""
        with ExitStack() as stack:
            if self._family.references:  # first: they keep what is there, and across_rows keeps them
                stack.enter_context(self._family.references.attending())
            if links is not None:
                stack.callback(setattr, self, "_across", None)
                self._across = stack.enter_context(across_rows(self._family.attention, links))
            yield

    def predict(
        self, x: Tensor, level: Level, positive: Text, negative: Text, control: Shown, guidance: Guidance
    ) -> Tensor:
        """The noise eps in ``x``, guided: (N, C, h, w) float32.

        x: (N, C, h, w) float32. level: of its noise. positive, negative: for N pictures or one for all; the
        latter isn't looked at when guidance, of all or of each, is 1, as it is after the preset's
        guidance_end, whatever is given. control: pictures (N, K, h * downscale, w * downscale) in [0, 1]
        by their kinds, those of ``controls`` for which there are some steer; a tensor alone is of the first
        of them. A tensor that was given before is taken to be unchanged.
        """
        output = self._guided(x, level, positive, negative, control, guidance)
        return steps.EPS_FROM[self._family.prediction](x, output, *level.alpha_sigma)

    def predict_x0(
        self, x: Tensor, level: Level, positive: Text, negative: Text, control: Shown, guidance: Guidance
    ) -> Tensor:
        """The guided estimate of the clean latents; arguments as in :meth:`predict`. Exact at alpha = 0 for
        models that predict v or the sample, where eps alone can't tell x0."""
        output = self._guided(x, level, positive, negative, control, guidance)
        x0 = steps.X0_FROM[self._family.prediction](x, output, *level.alpha_sigma)
        return steps.consistent(x, x0, level.skip, level.out)

    def _guided(
        self, x: Tensor, level: Level, positive: Text, negative: Text, control: Shown, guidance: Guidance
    ) -> Tensor:
        """What the network predicts, with classifier-free guidance, float32."""
        n, controls = len(x), self._controls(control, level)
        each = [guidance] * n if isinstance(guidance, float | int) else guidance
        if not level.is_within(self.preset.guidance_end):
            each = [1.0] * n
        passes = self._family.passes(negative.rows(n), positive.rows(n), each)
        condition = reduce(lambda some, more: some.joined(more), passes)
        repeated = [control.repeated(len(passes)) for control in controls]
        outputs = self._network(x.repeat(len(passes), 1, 1, 1), level, condition, repeated).chunk(len(passes))
        if len(passes) == 1:
            return outputs[0]
        strength = torch.tensor(each, dtype=torch.float32, device=outputs[0].device)[:, None, None, None]
        return self._family.guide(outputs[0], outputs[1], strength)

    def _controls(self, shown: Shown, level: Level) -> list[Control[Any]]:
        """What steers the network; without those that are at their end."""
        if shown is None:
            return []
        if isinstance(shown, Tensor):
            shown = {self.kinds[0]: shown}
        found = []
        for one in self.controls:
            if one.kind in shown and level.is_within(one.end):
                with raised_by_networks():
                    pictures = self._family.steer(shown[one.kind], self.vae_batch, one.net)
                found.append(Control(pictures, one.scale, one.net, one.kind))
        return found

    def _network(self, x: Tensor, level: Level, condition: Rows, controls: list[Control[Any]]) -> Tensor:
        """The raw prediction for every row, ``batch`` rows at a time."""
        if self._across is None:
            return torch.cat(
                [
                    self._pass(x[rows], rows, level, condition, controls)
                    for rows in _slices(len(x), self.batch)
                ]
            )
        passes = self._across.passes(len(x), self._across.affordable(self.batch))
        outputs = []
        for rows in passes:
            self._across.begin(rows, level.is_within(self.preset.reference_share), self.device)
            outputs.append(self._pass(x[rows], rows, level, condition, controls))
        return torch.cat(outputs)[torch.cat(passes).argsort()]

    def _pass(
        self, x: Tensor, rows: Which, level: Level, condition: Rows, controls: list[Control[Any]]
    ) -> Tensor:
        """Of ``rows``, ``x`` among them."""
        with raised_by_networks():
            output = self._family.predict(x, level, condition.take(rows), [c.take(rows) for c in controls])
        return finite(output, "network")

    @property
    def tiny(self) -> bool:
        """Whether there is a small autoencoder to be ``quick`` with."""
        return self._family.has_tiny

    def _autoencoder(self, quick: bool) -> Autoencoder:
        return self._family.autoencoder(tiny=quick or self.preset.autoencoder == "tiny")

    def encode(self, images: Tensor, quick: bool = False) -> Tensor:
        """(N, 3, H, W) in [0, 1] to latents (N, C, H / downscale, W / downscale) float32: the mean of the
        posterior, so the same picture always gives the same latents. quick: by the small autoencoder, where
        there is one."""
        return finite(self._encoded(images, quick), "autoencoder")

    def _encoded(self, images: Tensor, quick: bool = False) -> Tensor:
        with raised_by_networks():
            return self._autoencoder(quick).encode(torch.split(images, self.vae_batch))

    def encode_difference(self, images: Tensor, others: Tensor, quick: bool = False) -> Tensor:
        """:meth:`encode` of ``images`` less that of ``others``, in one go where the encoder is affine."""
        autoencoder = self._autoencoder(quick)
        if squares := autoencoder.squares:
            return squares.difference(images, others)
        if not autoencoder.is_affine:
            return self.encode(images, quick) - self.encode(others, quick)
        return self.encode(images - others, quick) - self.encode(torch.zeros_like(images[:1]), quick)

    def decode(self, latents: Tensor, quick: bool = False) -> Tensor:
        """Latents (N, C, h, w) to pictures (N, 3, h * downscale, w * downscale) float32, nominally in [0, 1],
        not clamped. quick: as in :meth:`encode`."""
        return finite(self._decoded(latents, quick), "autoencoder")

    def _decoded(self, latents: Tensor, quick: bool = False) -> Tensor:
        with raised_by_networks():
            return self._autoencoder(quick).decode(torch.split(latents, self.vae_batch))

    def decode_roughly(self, latents: Tensor, quick: bool = False) -> Tensor:
        """Pictures as of :meth:`decode` that have these ``latents``, where the encoder is so simple that such
        are found without a network (autoencoder.Squares), in next to no time; else :meth:`decode`'s.
        Their squares show."""
        if (squares := self._autoencoder(quick).squares) is None:
            return self.decode(latents, quick)
        return squares.decode(latents)

    def estimate(
        self, pictures: Tensor, controls: Mapping[str, Tensor], text: Text, check: Check = lambda: None
    ) -> Tensor:
        """(N, K, H, W) in [0, 1], the numbers of the channels ``estimated`` side by side, of finished
        ``pictures`` (N, 3, H, W) in [0, 1]. controls: as for :meth:`predict`, the kinds ``estimator.SEES``
        where there are such. text: what the pictures show, as for :meth:`predict`. check: called all along;
        may raise Cancelled."""
        assert self._family.estimator
        words = self._family.read_by_estimator(text.rows(len(pictures)))
        with raised_by_networks():
            return finite(self._family.estimator(pictures, controls, words, check), "estimator")

    def decode_linear(self, latents: Tensor) -> Tensor:
        """Latents (N, C, h, w) to pictures (N, 3, k h, k w) float32 in [0, 1] on the CPU, k at most
        ``downscale``: nearly what :meth:`decode` gives, in next to no time after the first call."""
        if self._linear is None:
            self._linear = LinearDecoder.fit(self._encoded, self._decoded, self.downscale)
        return self._linear(latents)

    def release(self, stage: str = TEXT) -> None:
        """Give the memory of the parts of a ``stage`` (family.py) back until they are needed again; prompts
        that were embedded stay known."""
        self.household.release(stage)

    def free(self) -> None:
        """Give the memory back; the denoiser can't be used afterwards."""
        self._embedded.clear()
        del self._family, self._model, self.household
        devices.empty_cache(self.device)


def _slices(count: int, length: int) -> list[slice]:
    return [slice(i, i + length) for i in range(0, count, length)]
