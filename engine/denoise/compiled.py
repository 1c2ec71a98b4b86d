"""Compiled networks: the blocks that a network repeats, compiled once, on NVIDIA cards.

torch makes fewer, larger kernels of a block, which is faster; making them takes from half a minute to
minutes, of which its cache on the disk saves most the next time. So there must be jobs enough, and the user
asks for it: SYNC_TEXTURE_COMPILE=1 in the environment. Results differ by rounding.
"""

from __future__ import annotations

import importlib.util
import os

import torch
from torch import nn

VARIABLE = "SYNC_TEXTURE_COMPILE"
BLOCKS = (  # classes of diffusers', as its networks list them themselves; ControlNets have the same
    *("BasicTransformerBlock", "ZImageTransformerBlock", "QwenImageTransformerBlock"),
    *("FluxTransformerBlock", "FluxSingleTransformerBlock"),
)
BACKEND = "inductor"  # torch's own


def compile_blocks(network: nn.Module, device: torch.device) -> None:
    """Compile the repeated blocks of a ``network`` on ``device``, where that is wanted and can be done. Other
    sizes of a batch need no others."""
    for block in network.modules() if wanted(device) else ():
        if type(block).__name__ in BLOCKS:
            block.compile(backend=BACKEND, dynamic=True)


def asked() -> bool:
    """Whether the user wants networks compiled."""
    return os.environ.get(VARIABLE, "") not in ("", "0")


def wanted(device: torch.device) -> bool:
    """Whether networks on ``device`` are compiled. What is made needs Triton: on Linux."""
    return asked() and device.type == "cuda" and importlib.util.find_spec("triton") is not None
