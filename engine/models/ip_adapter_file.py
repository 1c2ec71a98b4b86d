"""The file of an IP-Adapter: which model it is for and which image encoder, by its keys and shapes. Reads no
weights.

An IP-Adapter (Ye et al., 2023) makes tokens of what an image encoder says of a picture, and gives each layer
that reads a prompt keys and values of its own for them. A plain one makes them of the one vector that the
encoder sums a picture up in; one called Plus, a resampler, of all that the last layer but one says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..options import values
from .header import header

FIX = "choose a plain IP-Adapter or a Plus one (.safetensors) that was made for this model"
IMAGE, LAYERS = "image_proj.", "ip_adapter."  # what its keys begin with
TOKENS = 4  # that a plain one makes
HEAD = 64  # numbers of a head of a resampler's attention
DEPTH = 4  # layers of a resampler
_FACE = "an IP-Adapter for faces: not supported (FaceID ones are non-commercial)"
_FOREIGN = {  # what keys begin with, and what the file is
    "image_proj.perceiver_resampler.": _FACE,
    "image_proj.proj.0.": _FACE,
    "double_blocks.": "an IP-Adapter for FLUX.1: not supported",
    "ip_adapter_proj_model.": "an IP-Adapter for FLUX.1: not supported",
}
_LAYER = re.compile(r"ip_adapter\.(\d{1,4})\.to_([kv])_ip\.weight")
_MOST_WIDTH = 1 << 14

Shape = tuple[int, ...]


@dataclass(frozen=True)
class AdapterFile:
    """plus: whether it has a resampler. sees: numbers of what the image encoder gives it. width: of the text
    that its model reads, and so of each of its ``tokens``. layers: the width of each layer's keys, in the
    model's order, by the number that the file has for it. inner, heads: of the resampler, 0 without one."""

    path: Path
    plus: bool
    sees: int
    width: int
    tokens: int
    layers: Mapping[int, int]
    inner: int = 0
    heads: int = 0


def is_adapter(keys: Iterable[str]) -> bool:
    """Whether a file with these ``keys`` is an IP-Adapter of any kind."""
    return any(key.startswith((IMAGE, LAYERS, "ip_adapter_proj_model.")) for key in keys)


def read(path: Path) -> AdapterFile:
    """The IP-Adapter in ``path``. Raises UserError for damaged files, those of other kinds, and whatever is
    no IP-Adapter."""
    shapes = {key: entry.shape for key, entry in header(path).items()}
    for start, what in _FOREIGN.items():
        if any(key.startswith(start) for key in shapes):
            raise UserError(f"{path} is {what}", FIX)
    if not is_adapter(shapes):
        raise UserError(f"{path} isn't an IP-Adapter: none of its {len(shapes)} tensors is one's", FIX)
    own = {key.removeprefix(IMAGE): shape for key, shape in shapes.items() if key.startswith(IMAGE)}
    plus = "latents" in own
    sees, width, tokens, inner = (_plus if plus else _plain)(path, own)
    heads = own["layers.0.0.to_q.weight"][0] // HEAD if plus else 0
    return AdapterFile(path, plus, sees, width, tokens, _layers(path, shapes, width), inner, heads)


def _plain(path: Path, own: Mapping[str, Shape]) -> tuple[int, int, int, int]:
    outputs, sees = _matrix(path, own, "proj.weight")
    (width,) = _expect(path, own, "norm.weight", (outputs // TOKENS,))
    _expect(path, own, "proj.weight", (TOKENS * width, sees))
    return sees, width, TOKENS, 0


def _plus(path: Path, own: Mapping[str, Shape]) -> tuple[int, int, int, int]:
    inner, sees = _matrix(path, own, "proj_in.weight")
    width, _ = _matrix(path, own, "proj_out.weight")
    if len(own["latents"]) != 3:
        raise _damaged(path, "latents", own["latents"])
    tokens = own["latents"][1]
    _expect(path, own, "latents", (1, tokens, inner))
    _expect(path, own, "proj_out.weight", (width, inner))
    for i in range(DEPTH):
        queries, _ = _matrix(path, own, f"layers.{i}.0.to_q.weight")
        _expect(path, own, f"layers.{i}.0.to_q.weight", (max(1, queries // HEAD) * HEAD, inner))
        _expect(path, own, f"layers.{i}.0.to_kv.weight", (2 * queries, inner))
    return sees, width, tokens, inner


def _layers(path: Path, shapes: Mapping[str, Shape], width: int) -> dict[int, int]:
    """As in AdapterFile; they are numbered 1, 3, 5 and so on: between them are those that read no prompt."""
    found: dict[int, int] = {}
    for key in shapes:
        if match := _LAYER.fullmatch(key):
            outputs, _ = _matrix(path, shapes, key)
            number = int(match[1])
            _expect(path, shapes, key, (found.setdefault(number, outputs), width))
    expected = range(1, 2 * len(found), 2)
    halves = sum(1 for key in shapes if _LAYER.fullmatch(key))
    if not found or sorted(found) != list(expected) or halves != 2 * len(found):
        what = f"{path} isn't a whole IP-Adapter: it has keys and values for {len(found)} layers"
        raise UserError(what, FIX)
    return {number: found[number] for number in expected}


def _matrix(path: Path, shapes: Mapping[str, Shape], key: str) -> tuple[int, int]:
    shape = shapes.get(key, ())
    if len(shape) != 2 or not all(0 < size <= _MOST_WIDTH for size in shape):
        raise _damaged(path, key, shape)
    return shape[0], shape[1]


def _expect(path: Path, shapes: Mapping[str, Shape], key: str, shape: Shape) -> Shape:
    """``shape``. Raises UserError where the tensor ``key`` has another."""
    if shapes.get(key) != shape or 0 in shape:
        raise _damaged(path, key, shapes.get(key, ()))
    return shape


def _damaged(path: Path, key: str, shape: Shape) -> UserError:
    found = f"has the shape {values.short(shape)}" if shape else "isn't there"
    return UserError(f"{path} isn't an IP-Adapter as is known: {values.short(key)} {found}", FIX)
