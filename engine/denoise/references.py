"""Pictures that what is painted is to look like: seen through an IP-Adapter, while a UNet denoises.

The adapter takes the place of attention to the prompt, in no other layers, and only inside :meth:`attending`:
before and after it the UNet is bit for bit what it was. Pictures are looked at once, and the image encoder,
which may be larger than the UNet, leaves memory at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..models.ip_adapters import IPAdapter
from . import ip_adapter
from .device import empty_cache
from .faults import finite, raised_by_networks
from .parts import Part
from .weights import Check

MOST_KNOWN = 64  # pictures whose tokens are remembered, some 60 KB each
Tokens = tuple[Tensor, Tensor]
Lend = Callable[[int], None]


@dataclass(frozen=True)
class Reference:
    """A picture, (H, W, 3) uint8 in sRGB, the top row first, and its weight, above 0."""

    pixels: NDArray[np.uint8]
    weight: float


@dataclass(frozen=True)
class _Used:
    """An adapter for the references of a job. layers: its keys and values. tokens: of each picture, and of
    none, (1, tokens, width)."""

    adapter: IPAdapter
    layers: Part
    tokens: tuple[Tokens, ...]
    weights: tuple[float, ...]


class References:
    """Those of a job, none at first, for the UNet of a model."""

    def __init__(self, unet: Part) -> None:
        self._unet = unet
        self._used: _Used | None = None
        self._inside = False
        self._known: dict[tuple[object, ...], Tokens] = {}

    def use(self, adapter: IPAdapter, references: Sequence[Reference], lend: Lend, check: Check) -> None:
        """Have these ``references``, at least one, from now on, seen through ``adapter``. lend: makes room
        for the image encoder, of so many bytes. check: called all along; may raise Cancelled. Raises
        UserError for an adapter that doesn't fit the model or is damaged; then all is as it was before."""
        ip_adapter.require_fit(adapter, self._unet)
        before = self._used
        same = before is not None and (before.adapter, before.layers.is_loaded) == (adapter, True)
        layers = before.layers if before and same else ip_adapter.layers(adapter.file, self._unet)
        tokens = self._looked_at(adapter, references, lend, check)
        layers.network(check)
        self._used = _Used(adapter, layers, tokens, tuple(one.weight for one in references))

    @property
    def adapter(self) -> str | None:
        """The name of the one that is used, None without references."""
        return self._used.adapter.name if self._used else None

    @property
    def bytes(self) -> int:
        """What its layers take on the device."""
        return self._used.layers.bytes() if self._used else 0

    def none(self) -> None:
        """Have no references from now on, and no memory taken for them."""
        self._used = None

    def _looked_at(
        self, adapter: IPAdapter, references: Sequence[Reference], lend: Lend, check: Check
    ) -> tuple[Tokens, ...]:
        """The tokens of each, remembered from now on."""
        keys = [(adapter.file.path, adapter.stamp, adapter.encoder, *_digest(one)) for one in references]
        new = {key: one for key, one in zip(keys, references, strict=True) if key not in self._known}
        if new:
            self._known.update(zip(new, self._tokens(adapter, [*new.values()], lend, check), strict=True))
            empty_cache(self._unet.device)
        found = tuple(self._known[key] for key in keys)
        for key in [*self._known][:-MOST_KNOWN]:
            del self._known[key]
        return found

    @torch.no_grad()
    def _tokens(
        self, adapter: IPAdapter, references: Sequence[Reference], lend: Lend, check: Check
    ) -> list[Tokens]:
        """The networks for it come, and are gone in the end."""
        encoder = ip_adapter.encoder(adapter, self._unet)
        projection = ip_adapter.projection(adapter.file, self._unet)
        lend(encoder.bytes() + projection.bytes())
        see, project = encoder.network(check), projection.network(check)
        found = []
        for one in references:
            check()
            with raised_by_networks():
                said = ip_adapter.looked_at(one.pixels, see, adapter.file.plus)
                tokens, nothing = (finite(project(each), "IP-Adapter") for each in said)
            found.append((tokens, nothing))
        return found

    @contextmanager
    def attending(self) -> Iterator[None]:
        """Inside, the UNet attends to the references beside its prompt; without any it is as it is."""
        if (used := self._used) is None:
            yield
            return
        unet = self._unet.network()
        before = dict(unet.attn_processors)
        tokens = used.adapter.file.tokens
        unet.set_attn_processor(ip_adapter.processors(unet, used.layers.network(), tokens, used.weights))
        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            unet.set_attn_processor(before)

    @property
    def seen(self) -> Mapping[str, Tensor]:
        """The tokens of the references, by names of their own: for rows of the prompt."""
        return self._named(0)

    @property
    def nothing(self) -> Mapping[str, Tensor]:
        """Those of no picture: for rows of the negative prompt."""
        return self._named(1)

    def _named(self, which: int) -> Mapping[str, Tensor]:
        tokens = self._used.tokens if self._used and self._inside else ()
        return {f"reference {i}": each[which] for i, each in enumerate(tokens)}

    def with_text(self, text: Tensor, others: Mapping[str, Tensor]) -> Tensor | tuple[Tensor, list[Tensor]]:
        """What the UNet is given as ``text``: with the tokens among the ``others`` of its rows."""
        tokens = [others[name] for name in self.seen]
        return (text, tokens) if tokens else text


def _digest(one: Reference) -> tuple[object, ...]:
    return one.pixels.shape, hashlib.sha256(one.pixels.tobytes()).digest()
