"""What this computer paints with, and how fast it multiplies: measured in a second or two."""

from __future__ import annotations

import platform
import time

import torch

from ..inputs import physical_bytes
from ..memory import settler
from ..models.machine import Machine
from . import device as devices

# Sides of matrices as large as networks' own are; a processor would take minutes for those of a card.
SIDES = {"cuda": 4096, "mps": 2048, "cpu": 1024}
AT_LEAST_S = 0.4  # seconds of products that are timed


def measure() -> Machine:
    """The machine that "auto" paints on."""
    device = devices.resolve("auto")
    dtype = devices.network_dtype(device)
    name, memory = _name(device), physical_bytes()
    ram = memory
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
    elif device.type == "mps":
        memory = torch.mps.recommended_max_memory()
    return Machine(device.type, name, memory, tflops(device, dtype), dtype.itemsize == 2, ram)


def tflops(device: torch.device, dtype: torch.dtype) -> float:
    """10^12 operations a second that products of matrices reach on ``device`` in ``dtype``: the best of
    several, as whatever else runs only ever slows them down."""
    side, settle = SIDES[device.type], settler(device)
    one = torch.randn(side, side, device=device).to(dtype)
    best, spent = 0.0, 0.0
    for _ in range(3):  # the first ones set things up
        one @ one
    while spent < AT_LEAST_S:
        settle()
        start = _seconds(device)
        one @ one
        settle()
        took = _seconds(device) - start
        best, spent = max(best, 2 * side**3 / max(took, 1e-9)), spent + max(took, 1e-3)
    return best / 1e12


def _seconds(device: torch.device) -> float:
    """Of a clock. A processor's own, which only goes while it works for us, whoever else it works for."""
    if device.type == "cpu":
        return time.process_time() / torch.get_num_threads()
    return time.perf_counter()


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return "Apple GPU" if device.type == "mps" else platform.processor() or platform.machine() or "processor"
