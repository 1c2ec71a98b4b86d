"""Networks that come when they are needed and may go: built empty, filled, released, filled again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from .additions import Changes, changed
from .compiled import compile_blocks
from .resting import EIGHT_BITS, PLAIN, Rest, inside, largest, resting
from .weights import Check, fill, refill

Weights = Callable[[Any, Check], Iterable[tuple[str, Tensor]]]


class Part:
    """A network of a model.

    name: for errors. build: makes it empty. weights: gives an empty one's tensors, one by one. finish: what
    is done with it once it has them. config: the network's own, with what a file leaves out; None for one
    without any. kind: its class.
    exact: names of modules that are in full precision, whatever the others are in.
    layers: its linear layers and convolutions, each with the shape of its weight.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[], Any],
        weights: Weights,
        device: torch.device,
        dtype: torch.dtype,
        finish: Callable[[Any], None] = lambda network: None,
        exact: tuple[str, ...] = (),
    ) -> None:
        self.name, self.device, self.dtype = name, device, dtype
        self._build, self._weights, self._finish, self._exact = build, weights, finish, exact
        self._empty: Any = build()
        self._network: Any = None
        self.config: Any = getattr(self._empty, "config", None)
        self.kind = type(self._empty).__name__
        self.layers: dict[str, tuple[int, ...]] = {
            layer: tuple(module.weight.shape)
            for layer, module in self._empty.named_modules()
            if isinstance(module, nn.Linear | nn.Conv2d)
        }
        self._changes: Changes = {}
        self._rest = PLAIN
        sizes = {name: parameter.numel() for name, parameter in self._empty.named_parameters()}
        self._elements: int = sum(sizes.values())
        self._full: int = sum(size for name, size in sizes.items() if inside(name, exact))
        self._resting = {  # numbers that may rest, by how many bytes each of them then takes
            kind.itemsize: sum(sizes.get(name, 0) for name in resting(self._empty, kind, exact))
            for kind in (torch.float16, EIGHT_BITS)
        }
        self._largest = largest(self._empty)

    def kind_of(self, module: str) -> torch.dtype:
        """The precision of one of its modules."""
        return torch.float32 if module in self._exact else self.dtype

    def bytes(self, stored: torch.dtype | None = None) -> int:
        """What its weights take where they rest as ``stored``; None: as they are computed with."""
        plain = self._elements * self.dtype.itemsize + self._full * (4 - self.dtype.itemsize)
        if stored is None or stored.itemsize >= self.dtype.itemsize:
            return int(plain)
        return int(plain - self._resting[stored.itemsize] * (self.dtype.itemsize - stored.itemsize))

    @property
    def bytes_here(self) -> int:
        """What its weights take on the device now."""
        return self.bytes(self._rest.stored) if self.is_loaded and not self._rest.away else 0

    @property
    def layer_bytes(self) -> int:
        """What the largest of its layers takes."""
        return int(self._largest * self.dtype.itemsize)

    def lie(self, rest: Rest) -> None:
        """Have the weights rest so from now on. Where it is loaded and they don't, it goes, and comes again
        when it is asked for."""
        stored = rest.stored
        if stored is not None and stored.itemsize >= self.dtype.itemsize:
            rest = Rest(None, rest.away)
        if rest != self._rest:
            self._rest = rest
            self.release()

    @property
    def is_loaded(self) -> bool:
        return self._network is not None

    def network(self, check: Check = lambda: None) -> Any:
        """The network, on its device and in evaluation mode; loaded where it isn't. Raises UserError for
        missing or damaged weights, and what ``check`` raises, which is called all along."""
        if self._network is None:
            network = self._build() if self._empty is None else self._empty
            tensors, add = self._weights(network, check), partial(changed, changes=self._changes)
            fill(network, tensors, self.dtype, self.device, check, self.name, add, self._rest, self._exact)
            self._finish(network)
            if self._rest.is_plain:  # others move while they run
                compile_blocks(network, self.device)
            self._network, self._empty = network, None
        return self._network

    def change(self, changes: Changes, check: Check = lambda: None) -> bool:
        """Have these ``changes`` to its weights from now on, and no others; whether that makes a difference.

        Where it is loaded, the weights that differ are read again. Raises UserError and what ``check``
        raises: then all of them are, when it is needed next.
        """
        before, self._changes = self._changes, changes
        keys = [key for key in {**before, **changes} if before.get(key) != changes.get(key)]
        if keys and self._network is not None:
            network, self._network = self._network, None
            tensors, add = self._weights(network, check), partial(changed, changes=changes)
            refill(network, tensors, keys, check, add)
            self._network = network
        return bool(keys)

    def release(self) -> None:
        """Give its memory back; it comes again when it is asked for."""
        self._network = None
