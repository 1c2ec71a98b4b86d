"""Memory and devices, as far as a whole job is concerned."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch

from .errors import OutOfMemory, UserError
from .inputs import physical_bytes

BYTES_A_TEXEL = 100  # of a texture's square, while it is baked, filled and saved
_SMALLER = "choose a smaller {texture_size}, or fewer texture sets or tiles"
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cuda error: 2[")
# The last two: Windows, nvdiffrast.


def ran_out(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on whichever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()  # the CPU's and MPS's allocators raise a plain RuntimeError
    return isinstance(error, RuntimeError) and any(words in text for words in OUT_OF_MEMORY)


def check_textures(count: int, size: int) -> None:
    """Raise UserError unless ``count`` textures of ``size``^2 texels can be numbered and, by what is known of
    this computer, held."""
    check_numbers(count, size)
    need, there = count * size**2 * BYTES_A_TEXEL, physical_bytes()
    if there is not None and need > there:
        what = f"{_textures(count, size)} take about {need / 2**30:.0f} GiB of memory"
        raise OutOfMemory(f"{what}, and this computer has {there / 2**30:.0f}", _SMALLER, texture_size=None)


def check_numbers(count: int, size: int) -> None:
    """Raise UserError where the texels of ``count`` textures of ``size``^2 have no numbers of 32 bits."""
    if count * size**2 >= 2**31:
        raise UserError(f"{_textures(count, size)} are too much for one job", _SMALLER, texture_size=None)


def _textures(count: int, size: int) -> str:
    return f"{count:,} textures of {size} x {size}" if count > 1 else f"a texture of {size} x {size}"


def tensor_home(device: torch.device) -> torch.device:
    """Where the sampler keeps its tensors: on ``device``, but for MPS, which has no sparse matrices."""
    return torch.device("cpu") if device.type == "mps" else device


def settler(device: torch.device) -> Callable[[], None]:
    """A function that waits until ``device`` has done all it was given."""
    if device.type == "cuda":
        return lambda: torch.cuda.synchronize(device)
    if device.type == "mps":
        return torch.mps.synchronize
    return lambda: None


def peak_mb() -> float:
    """The process's largest memory so far, in MiB."""
    if sys.platform == "win32":
        return _windows_peak() / 2**20
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)  # bytes there, KiB elsewhere


def _windows_peak() -> int:
    import ctypes
    from ctypes import wintypes

    class Counters(ctypes.Structure):
        _fields_ = [
            ("cb", wintypes.DWORD),
            ("faults", wintypes.DWORD),
            ("peak_working_set", ctypes.c_size_t),
            *((name, ctypes.c_size_t) for name in ("a", "b", "c", "d", "e", "f", "g")),
        ]

    counters = Counters(cb=ctypes.sizeof(Counters))
    windows = ctypes.windll  # type: ignore[attr-defined]
    process = windows.kernel32.GetCurrentProcess
    process.restype = wintypes.HANDLE
    windows.psapi.GetProcessMemoryInfo(wintypes.HANDLE(process()), ctypes.byref(counters), counters.cb)
    return int(counters.peak_working_set)
