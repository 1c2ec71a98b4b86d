"""Which processor a job runs on, in which precision, and how much it may take at once."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from ..errors import UserError
from ..inputs import available_bytes, physical_bytes
from ..models.ladder import Room
from ..options import values
from ..options.request import OPTIONS

# Bytes that the activations of one network pass may take. Fixed for a device rather than read from what is
# free at the moment: the size of a pass shows in the last bits, and the same seed must give the same texture.
# On the CPU enough for the published ten views of Stable Diffusion 1.5 in one pass: attention across views
# needs them together.
CPU_BUDGET = 4 << 30
CPU_VAE_BUDGET = 64 << 20  # measured: decoding a few small pictures at a time is a fifth faster (caches)
CUDA_SHARE = 0.4
CUDA_SPARE = 600 << 20  # of a card: its driver's own share of a process, and what breaks up between tensors
SHARED_SPARE = 1 << 30  # of a memory that is everyone's
PRECISION = "SYNC_TEXTURE_PRECISION"  # in the environment: "full" for 32 bits on every device

# Feature maps of the widest level alive at once in a pass, skip connections and attention included: the rule
# of thumb behind the default batch.
MAPS_ALIVE = 25
VAE_MAPS_ALIVE, VIDEO_MAPS_ALIVE = 12, 18


def resolve(name: str) -> torch.device:
    """The torch device for "auto", "cpu", "cuda" or "mps"; raises UserError for one that isn't there."""
    values.check(OPTIONS["device"], name)
    if name == "auto":
        return torch.device(next(d for d in ("cuda", "mps", "cpu") if available(d)))
    if not available(name):
        what = f"{name.upper()} was asked for but torch sees no {name.upper()} device"
        raise UserError(what, "use {device} or cpu", device="auto")
    return torch.device(name)


def available(name: str) -> bool:
    """Whether torch can run on "cpu", "cuda" or "mps" here."""
    if name == "cuda":
        return torch.cuda.is_available()
    return name == "cpu" or torch.backends.mps.is_available()


def network_dtype(device: torch.device, precision: str = "half") -> torch.dtype:
    """16 bits where they are faster, of the ``precision`` (choices.PRECISIONS) that allows them: bfloat16, in
    which nothing overflows, where the device calculates in it, else float16 on CUDA. 32 elsewhere: other CPUs
    have no fast kernels for 16, and on Apple's MPS half precision has mixed-type failures and black pictures
    on record, while diffusers' documentation uses full precision there."""
    if precision == "full" or os.environ.get(PRECISION) == "full":
        return torch.float32
    if has_bfloat16(device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" and precision == "half" else torch.float32


def has_bfloat16(device: torch.device) -> bool:
    """Whether ``device`` calculates in bfloat16 itself: half the memory, with the range of full precision.
    CPUs that only emulate it take ten times as long as in full precision."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Older releases of torch don't say.
    told: Callable[[], dict[str, object]] = getattr(torch.cpu, "get_capabilities", dict)
    return device.type == "cpu" and bool(told().get("avx512_bf16"))


def finer(dtype: torch.dtype, device: torch.device) -> torch.dtype:
    """Of 16 bits those that tell the numbers of a picture best: float16, but on CPUs, which don't have it,
    the ``dtype`` that is computed in."""
    return dtype if device.type == "cpu" else torch.float16


def budget(device: torch.device) -> int:
    """Bytes for the activations of one network pass on ``device``."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory * CUDA_SHARE)
    return CPU_BUDGET


def vae_budget(device: torch.device) -> int:
    """Bytes for the activations of one pass of the autoencoder on ``device``."""
    return CPU_VAE_BUDGET if device.type == "cpu" else budget(device)


def unet_row_bytes(channels: int, latents: int, number: int) -> int:
    """Bytes for the activations of a row of ``latents``^2 in a UNet that is ``channels`` wide at most.
    number: bytes of one; in 16 bits some are kept in 32."""
    return channels * latents * latents * min(number + 1, 4) * MAPS_ALIVE


def transformer_row_bytes(width: int, tokens: int, number: int) -> int:
    """The same in a transformer of so many ``tokens``, each ``width`` wide. Its attention keeps nothing for
    pairs of tokens."""
    return width * tokens * number * MAPS_ALIVE


def vae_picture_bytes(channels: int, pixels: int, number: int, maps: int = VAE_MAPS_ALIVE) -> int:
    """The same for a picture of ``pixels``^2 in an autoencoder. maps: alive at once."""
    return channels * pixels * pixels * number * maps


def room(device: torch.device) -> Room:
    """What ``device`` has for a model now."""
    free, total = available_bytes(), physical_bytes()
    if device.type == "cuda":
        on_card, all_of_it = torch.cuda.mem_get_info(device)
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # by torch, unused
        return Room(on_card + kept, all_of_it, ram=free, spare=CUDA_SPARE)
    if device.type == "mps":
        total = torch.mps.recommended_max_memory()
        free = total - torch.mps.driver_allocated_memory()
    eight = device.type == "cpu"
    return Room(free, total, "the computer", eight=eight, away=False, shared=True, spare=SHARED_SPARE)


def empty_cache(device: torch.device) -> None:
    """Hand memory that torch holds but doesn't use back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()
