"""Memory and devices, as far as a whole job is concerned."""

from __future__ import annotations

import sys
from collections.abc import Callable

import torch

from .errors import UserError
from .inputs import physical_bytes, require_room

BYTES_AT_ALL = 600 << 20  # of Python, its libraries and a small model
BYTES_A_TEXEL = 100  # of a texture's square, while it is baked, filled and saved
BYTES_A_PIXEL = 320  # of a view, while f and g are made
MUCH = 0.5  # of the computer's memory
_SMALLER = "choose a smaller {texture_size}, or fewer texture sets or tiles"
_FEWER = "use fewer {views}, or a smaller model"
OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "cuda error: 2[")
# The last two: Windows, nvdiffrast.


def ran_out(error: BaseException) -> bool:
    """Whether ``error`` says that memory ran out, on whichever device."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error).lower()  # the CPU's and MPS's allocators raise a plain RuntimeError
    return isinstance(error, RuntimeError) and any(words in text for words in OUT_OF_MEMORY)


def check_textures(count: int, size: int) -> list[str]:
    """A note where ``count`` textures of ``size``^2 texels take much of what this computer has. Raises
    UserError unless they can be numbered and, by what is known of this computer, held."""
    check_numbers(count, size)
    need, what = BYTES_AT_ALL + count * size**2 * BYTES_A_TEXEL, _textures(count, size)
    require_room(need, what, _SMALLER, texture_size=None)
    return _much(need, what)


def check_views(count: int, resolution: int) -> list[str]:
    """As :func:`check_textures`, for ``count`` views of ``resolution``^2 pixels."""
    need = BYTES_AT_ALL + count * resolution**2 * BYTES_A_PIXEL
    what = f"a job of {count} view{'s' * (count > 1)} of {resolution} x {resolution}"
    require_room(need, what, _FEWER, views=None)
    return _much(need, what)


def _much(need: int, what: str) -> list[str]:
    there = physical_bytes()
    if there is None or need < MUCH * there:
        return []
    has = f"of the {there / 2**30:.0f} that this computer has"
    return [f"{what} takes about {need / 2**30:,.1f} GiB of memory, {has}"]


def check_numbers(count: int, size: int) -> None:
    """Raise UserError where the texels of ``count`` textures of ``size``^2 have no numbers of 32 bits."""
    if count * size**2 >= 2**31:
        what = f"{_textures(count, size)} has more texels than one job can number"
        raise UserError(what, _SMALLER, texture_size=None)


def _textures(count: int, size: int) -> str:
    return f"a job of {count:,} textures of {size} x {size}" if count > 1 else f"a texture of {size} x {size}"


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
