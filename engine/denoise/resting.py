"""Weights that rest in fewer bits, or in the computer's memory, and come as they are computed with: layer by
layer, each as long as it runs.

diffusers has both, as layerwise casting and group offloading. Its casting rounds weights again after each
pass, and its offloading copies them back, and wants another package; here what rests is left as it is, and
its widened copy on the device is dropped after use.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

EIGHT_BITS = torch.float8_e4m3fn
# Layers with weights that are large, and that lose little; norms and what embeds times keep their precision.
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.Embedding)
_PRECISE = ("pos_embed", "patch_embed", "norm", "time_embed", "^proj_in$", "^proj_out$")
_LOOKED_AT = ("t_embedder",)  # code of others looks at the kind of these weights, and calculates in it


@dataclass(frozen=True)
class Rest:
    """How the weights of a network rest. stored: their kind where they are widened to be computed with, None:
    as they are. away: they wait in the computer's memory."""

    stored: torch.dtype | None = None
    away: bool = False

    @property
    def is_plain(self) -> bool:
        return self.stored is None and not self.away


PLAIN = Rest()


def inside(key: str, modules: tuple[str, ...]) -> bool:
    """Whether the weight ``key`` is of one of the ``modules``."""
    return key.startswith(tuple(f"{module}." for module in modules))


def resting(network: nn.Module, stored: torch.dtype | None, exact: tuple[str, ...] = ()) -> frozenset[str]:
    """The names of the weights of ``network`` that may rest in the kind ``stored``: none of the modules
    ``exact``, and in 8 bits not those of layers that lose too much by it, which its class names or diffusers
    does for all."""
    if stored is None:
        return frozenset()
    looked_at = getattr(network, "_keep_in_fp32_modules", None) or ()
    kept = [*_LOOKED_AT, *(rf"(^|\.){re.escape(name)}$" for name in looked_at)]
    if stored.itemsize == 1:
        kept += [*_PRECISE, *(getattr(network, "_skip_layerwise_casting_patterns", None) or ())]
    return frozenset(
        f"{name}.{key}" if name else key
        for name, module in network.named_modules()
        if isinstance(module, _LAYERS)
        and not (inside(f"{name}.", exact) or any(re.search(pattern, name) for pattern in kept))
        for key, _ in module.named_parameters(recurse=False)
    )


def largest(network: nn.Module) -> int:
    """Numbers of the largest layer's weights."""
    sizes = (sum(p.numel() for p in one.parameters(recurse=False)) for one in network.modules())
    return max(sizes, default=0)


def wake(network: nn.Module, rest: Rest, names: Collection[str], device: torch.device, dtype: Any) -> None:
    """From now on the weights of ``network``, which rest as they are, those ``names`` in another kind, are on
    ``device`` and in ``dtype`` while the module that has them runs."""
    if rest.is_plain:
        return
    named = network.named_parameters(remove_duplicate=False)
    widened = frozenset(id(p) for name, p in named if name in names)
    for module in network.modules():
        own = [id(p) for p in module.parameters(recurse=False)]
        if own and (rest.away or not widened.isdisjoint(own)):
            visit = _Visit(device, dtype, widened)
            module.register_forward_pre_hook(visit.come)
            module.register_forward_hook(visit.go, always_call=True)


class _Visit:
    """Of a module's own weights to the device. widened: the ids of those that rest in another kind."""

    def __init__(self, device: torch.device, dtype: torch.dtype, widened: frozenset[int]) -> None:
        self._device, self._dtype, self._widened = device, dtype, widened
        self._resting: list[tuple[nn.Parameter, Tensor]] = []

    def come(self, module: nn.Module, _inputs: Any) -> None:
        for weight in module.parameters(recurse=False):
            kind = self._dtype if id(weight) in self._widened else weight.dtype
            self._resting.append((weight, weight.data))
            # In two steps: fewer bits travel.
            weight.data = weight.data.to(self._device, non_blocking=True).to(kind)

    def go(self, _module: nn.Module, _inputs: Any, _output: Any) -> None:
        while self._resting:
            weight, data = self._resting.pop()
            weight.data = data
