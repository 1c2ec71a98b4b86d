"""What a pass of a network of a true size costs, counted without computing it: operations, and the memory of
what is alive at once. On torch's meta device, where tensors have shapes and no contents."""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from engine.denoise.families.family import Control
from tests.bench.cases import model_flops, true_sizes


@dataclass(frozen=True)
class Cost:
    """tflop: 10^12 operations, a multiplication and an addition being two. peak: bytes of activations that
    are alive at once, in bfloat16; what a kernel takes for itself isn't in it."""

    tflop: float
    peak: int


def network(family: str) -> dict[str, Cost]:
    """Of a row, a view of the family's own size, as the engine calls it: "network" (UNet or transformer with
    its ControlNet)."""
    with tempfile.TemporaryDirectory() as folder:
        model, preset = model_flops.empty(family, Path(folder), torch.bfloat16)
        # The pictures are read once a job, and so aren't of a row.
        shown = model.steer(torch.zeros(1, 3, *[preset.view_size] * 2), 1)
        row = model_flops.row(model, preset, [Control(shown, 1.0, None, preset.control)])
        return {"network": _counted(row)}


def autoencoder(family: str, pixels: int) -> dict[str, Cost]:
    """Of a picture: "encode" and "decode"."""
    vae = true_sizes.empty(family, "vae").to(torch.bfloat16)
    is_video = "latents_mean" in vae.config and vae.config.get("z_dim")
    frames, channels = ((1,), vae.config.z_dim) if is_video else ((), vae.config.latent_channels)
    picture = _of(1, 3, *frames, pixels, pixels)
    latents = _of(1, channels, *frames, pixels // 8, pixels // 8)
    return {
        "encode": _counted(lambda: vae.encode(picture)),
        "decode": _counted(lambda: vae.decode(latents)),
    }


def _of(*shape: int) -> Tensor:
    return torch.empty(*shape, dtype=torch.bfloat16, device="meta")


def _counted(call: Callable[[], object]) -> Cost:
    with torch.no_grad(), FlopCounterMode(display=False) as flops:
        call()
    with torch.no_grad(), _Alive() as alive, _Fused():
        call()
    return Cost(flops.get_total_flops() / 1e12, alive.peak)


class _Fused(TorchFunctionMode):
    """Attention keeps nothing for pairs of tokens, as on processors and cards; on the meta device it does."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.nn.functional.scaled_dot_product_attention:
            given = dict(zip(("query", "key", "value"), args, strict=False)) | (kwargs or {})
            query, value = given["query"], given["value"]
            return query.new_empty(*query.shape[:-1], value.shape[-1])
        return func(*args, **(kwargs or {}))


class _Alive(TorchDispatchMode):
    """Counts the bytes of the tensors that are made inside, as long as each lives. peak: the most at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self._known: set[int] = set()
        self._given: set[int] = set()  # weights and inputs, which views show again

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for leaf in tree_leaves((args, kwargs)):
            if isinstance(leaf, Tensor) and (key := leaf.untyped_storage()._cdata) not in self._known:
                self._given.add(key)
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, Tensor):
                self._add(leaf.untyped_storage())
        return result

    def _add(self, storage: Any) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known or key in self._given:
            return
        self._known.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size
