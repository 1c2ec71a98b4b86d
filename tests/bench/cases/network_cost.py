"""What a pass of a network of a true size costs, counted without computing it: operations, and the memory of
what is alive at once. On torch's meta device, where tensors have shapes and no contents."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from tests.bench.cases import true_sizes

PROMPT = 77  # tokens that text encoders of CLIP's kind give
CHAT = 128  # and language models, for a prompt of usual length


@dataclass(frozen=True)
class Cost:
    """tflop: 10^12 operations, a multiplication and an addition being two. peak: bytes of activations that
    are alive at once, in bfloat16; what a kernel takes for itself isn't in it."""

    tflop: float
    peak: int


def network(family: str, pixels: int) -> dict[str, Cost]:
    """Of a row, a square view of so many ``pixels``: "network" (UNet or transformer with its ControlNet)."""
    return {"network": _counted(CALLS[true_sizes.FAMILIES[family].kind](family, pixels))}


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


def _of(*shape: int, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.empty(*shape, dtype=dtype, device="meta")


def _unet(family: str, pixels: int) -> Callable[[], None]:
    unet, net = (true_sizes.empty(family, name).to(torch.bfloat16) for name in ("unet", "controlnet"))
    side, width = pixels // 8, unet.config.cross_attention_dim
    x, text, time = _of(1, 4, side, side), _of(1, PROMPT, width), _of(1)
    added: dict[str, Any] = {}
    if unet.config.addition_embed_type:
        added = {"added_cond_kwargs": {"text_embeds": _of(1, 1280), "time_ids": _of(1, 6)}}
    # The pictures' embedding is computed once a job, and so isn't of a row.
    embedded = _of(1, 320, side, side)
    net.controlnet_cond_embedding = torch.nn.Identity()

    def call() -> None:
        down, middle = net(x, time, text, controlnet_cond=embedded, return_dict=False, **added)
        residuals = {
            "down_block_additional_residuals": list(down),
            "mid_block_additional_residual": middle,
        }
        unet(x, time, text, **residuals, **added)

    return call


def _z_image(family: str, pixels: int) -> Callable[[], None]:
    transformer, net = (
        true_sizes.empty(family, name).to(torch.bfloat16) for name in ("transformer", "controlnet")
    )
    net.from_transformer(net, transformer)
    x, control = [_of(16, 1, pixels // 8, pixels // 8)], [_of(33, 1, pixels // 8, pixels // 8)]
    text, time = [_of(CHAT, 2560)], _of(1)

    def call() -> None:
        added = net(x, time, text, control, conditioning_scale=1.0)
        transformer(x, time, text, controlnet_block_samples=added)

    return call


def _qwen_image(family: str, pixels: int) -> Callable[[], None]:
    transformer, net = (
        true_sizes.empty(family, name).to(torch.bfloat16) for name in ("transformer", "controlnet")
    )
    side = pixels // 16
    given = {
        "hidden_states": _of(1, side * side, 64),
        "timestep": _of(1),
        "img_shapes": [(1, side, side)],
        "encoder_hidden_states": _of(1, CHAT, 3584),
        "return_dict": False,
    }

    def call() -> None:
        added = net(**given, controlnet_cond=_of(1, side * side, 64), conditioning_scale=1.0)
        transformer(**given, controlnet_block_samples=added)

    return call


def _flux(family: str, pixels: int) -> Callable[[], None]:
    transformer, net = (
        true_sizes.empty(family, name).to(torch.bfloat16) for name in ("transformer", "controlnet")
    )
    side, words = pixels // 16, 512 if transformer.config.guidance_embeds else 256
    given = {
        "hidden_states": _of(1, side * side, 64),
        "timestep": _of(1),
        "img_ids": _of(side * side, 3),
        "txt_ids": _of(words, 3),
        "encoder_hidden_states": _of(1, words, 4096),
        "pooled_projections": _of(1, 768),
        "guidance": _of(1),
        "return_dict": False,
    }

    def call() -> None:
        blocks, _ = net(**given, controlnet_cond=_of(1, side * side, 64), conditioning_scale=1.0)
        transformer(**given, controlnet_block_samples=blocks)

    return call


CALLS: dict[str, Callable[[str, int], Callable[[], None]]] = {
    "FluxPipeline": _flux,
    "QwenImagePipeline": _qwen_image,
    "ZImagePipeline": _z_image,
    "StableDiffusionPipeline": _unet,
    "StableDiffusionXLPipeline": _unet,
}


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
