"""Networks that come when they are needed and may go: built empty, filled, released, filled again.

An empty network has real buffers, so whatever its constructor counts out (positions, frequencies) is there,
and parameters without memory (torch's meta device), so that weights are held once.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from .weights import Check, fill

Weights = Callable[[Any, Check], Iterable[tuple[str, Tensor]]]


@contextmanager
def empty_parameters() -> Iterator[None]:
    """Modules that are built inside have parameters without memory."""
    plain = nn.Module.register_parameter

    def register(module: nn.Module, name: str, parameter: nn.Parameter | None) -> None:
        if parameter is not None and not parameter.is_meta:  # else it is one that was tied to another
            parameter = nn.Parameter(parameter.detach().to("meta"), parameter.requires_grad)
        plain(module, name, parameter)

    nn.Module.register_parameter = register  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        nn.Module.register_parameter = plain  # type: ignore[method-assign]


def build(network: str, config: Mapping[str, Any]) -> Any:
    """The empty network "module:Class" of diffusers or transformers with ``config``, the JSON beside its
    weights."""
    module, name = network.split(":")
    kind = getattr(importlib.import_module(module), name)
    with empty_parameters():
        if known := getattr(kind, "config_class", None):
            return kind(known.from_dict(dict(config)))
        return kind.from_config(dict(config))


class Part:
    """A network of a model.

    name: for errors. build: makes it empty. weights: gives an empty one's tensors, one by one. finish: what
    is done with it once it has them. config: the network's own, with what a file leaves out.
    """

    def __init__(
        self,
        name: str,
        build: Callable[[], Any],
        weights: Weights,
        device: torch.device,
        dtype: torch.dtype,
        finish: Callable[[Any], None] = lambda network: None,
    ) -> None:
        self.name, self.device, self.dtype = name, device, dtype
        self._build, self._weights, self._finish = build, weights, finish
        self._empty: Any = build()
        self._network: Any = None
        self.config: Any = self._empty.config

    @property
    def is_loaded(self) -> bool:
        return self._network is not None

    def network(self, check: Check = lambda: None) -> Any:
        """The network, on its device and in evaluation mode; loaded where it isn't. Raises UserError for
        missing or damaged weights, and what ``check`` raises, which is called all along."""
        if self._network is None:
            network = self._build() if self._empty is None else self._empty
            fill(network, self._weights(network, check), self.dtype, self.device, check, self.name)
            self._finish(network)
            self._network, self._empty = network, None
        return self._network

    def release(self) -> None:
        """Give its memory back; it comes again when it is asked for."""
        self._network = None
