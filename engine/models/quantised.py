"""Weights in 8 bits: which number each has to be multiplied by, by the header of their file.

Two ways are read, as ComfyUI's programs write them: plain float8, and float8 with a scale beside it,
``X.scale_weight`` or ``X.weight_scale`` of the weight ``X.weight`` (ComfyUI's QUANTIZATION.md). All others,
of which a weight is no float at all, are refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import UserError
from ..options.values import cut
from .header import Listed

FIX = "choose one in bf16, fp16 or fp8"
GGUF = ".gguf"
_WEIGHT = ".weight"
_SCALES = (".scale_weight", ".weight_scale")
_FLOAT8 = ("F8_E4M3", "F8_E5M2")
_FLOATS = ("F16", "BF16", "F32", "F64")
_PACKED = ("qweight", _WEIGHT)  # what the name of a weight ends with, in layers that were quantised


def scales(path: Path, table: Mapping[str, Listed]) -> dict[str, str]:
    """Of the weights that the header ``table`` of ``path`` lists, those that have a scale, and its name.
    Raises UserError for weights that were quantised in another way."""
    for key, entry in table.items():
        if key.endswith(_PACKED) and len(entry.shape) > 1 and entry.dtype[0] in "UI":
            raise _refused(path, f"{cut(key)} is {entry.dtype}")
    found = {}
    for key in table:
        ending = next((one for one in _SCALES if key.endswith(one)), None)
        weight = key.removesuffix(ending) + _WEIGHT if ending else ""
        if weight in table and table[weight].dtype in _FLOAT8 and len(table[weight].shape) > 1:
            if table[key].dtype not in _FLOATS:
                raise _refused(path, f"{cut(key)} is {table[key].dtype}")
            found[weight] = key
    return found


def gguf(name: str) -> UserError:
    """For a file of that kind."""
    return UserError(f"{name} is a GGUF file: not supported", f"{FIX}, as .safetensors")


def _refused(path: Path, why: str) -> UserError:
    return UserError(f"{path} is quantised in a way that isn't supported: {why}", FIX)
