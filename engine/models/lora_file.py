"""The file of a LoRA: which layers it changes and how, by its keys and shapes. Reads no weights.

A LoRA adds to the weight of a layer the product of two small matrices, ``up`` and ``down``, times alpha over
rank (Hu et al., 2021), and for some convolutions a kernel between them. Programs that train them agree on no
more than that: a layer is spelled as each of them spells it (denoise/lora_names.py knows how).
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..options import values
from . import files
from .header import Listed, header, metadata

FIX = "choose a plain LoRA (.safetensors) that was made for this model"
_FOREIGN = {  # what keys have in them, and what the file is
    "hada_": "a LoHa",
    "lokr_": "a LoKr",
    "dora_scale": "a DoRA",
    "lora_magnitude_vector": "a DoRA",
    "oft_": "an OFT",
    "lora_controlnet": "a Control-LoRA, which is a ControlNet",
    "bundle_emb": "a LoRA with words of its own (embeddings)",
}
_PROCESSOR = re.compile(r"\.processor\.(to_[qkv]|to_out)_lora\.")
_KEY = re.compile(
    r"(?P<layer>.+?)\.(?P<role>lora_(?:down|up|mid|A|B)|lora(?:_linear_layer)?\.(?:down|up)|alpha)"
    r"(?:\.default)?(?:\.weight)?"
)
_ROLES = {"down": "down", "A": "down", "up": "up", "B": "up", "mid": "mid", "alpha": "alpha"}
_ADAPTER = "lora_adapter_metadata"  # where diffusers writes what the training was told
_LARGEST_ALPHA = 1e6
MOST_RANK = 4096  # no layer of a model is wider than a few times that


@dataclass(frozen=True)
class Change:
    """What a LoRA does to one layer, by the names of tensors in its file. down: (rank, in, ...), up: (out,
    rank, ...), mid: (rank, rank, height, width) or None. alpha: a tensor of one number; where there is none,
    ``usual`` holds, None for the rank. kernel: elements."""

    down: str
    up: str
    mid: str | None
    alpha: str | None
    rank: int
    outputs: int
    inputs: int
    kernel: int
    usual: float | None = None


@dataclass(frozen=True)
class LoraFile:
    """changes: by the layer as the file spells it."""

    path: Path
    changes: Mapping[str, Change]


def is_lora(keys: Iterable[str]) -> bool:
    """Whether a file with these ``keys`` changes a model, as a LoRA does or in one of the ways beside it."""
    return any(part in key for key in keys for part in (*_FOREIGN, "lora_", ".lora."))


def read(path: Path) -> LoraFile:
    """The LoRA in ``path``. Raises UserError for damaged files, other kinds of changes to a model, and
    whatever is no LoRA."""
    table = header(path)
    for part, what in _FOREIGN.items():
        if any(part in key for key in table):
            raise UserError(f"{path} is {what}: not supported", FIX)
    roles: dict[str, dict[str, str]] = defaultdict(dict)
    unknown = []
    for key in table:
        found = _KEY.fullmatch(_PROCESSOR.sub(_plain, key))
        if found is None:
            unknown.append(key)
        else:
            roles[found["layer"]][_ROLES[re.split(r"[._]", found["role"])[-1]]] = key
    if not any("down" in found for found in roles.values()):
        raise UserError(f"{path} isn't a LoRA: none of its {len(table)} tensors is one's", FIX)
    if unknown:
        what = f"{path} holds more than a LoRA: {values.short(unknown[0])}"
        raise UserError(f"{what}, {len(unknown)} tensors in all", FIX)
    said = _said(path)
    _require_numbers(path, said)
    return LoraFile(path, {layer: _change(path, layer, found, table, said) for layer, found in roles.items()})


def _plain(match: re.Match[str]) -> str:
    """A key of diffusers' attention processors as one of the layers that they use."""
    return f".{match[1]}{'.0' if match[1] == 'to_out' else ''}.lora."


def _change(
    path: Path, layer: str, found: Mapping[str, str], table: Mapping[str, Listed], said: Mapping[str, Any]
) -> Change:
    """Checked: the shapes of a layer's tensors agree with each other."""
    if not {"down", "up"} <= set(found):
        raise UserError(f"{path} lacks half of what it changes in {values.short(layer)}", FIX)
    shapes = {role: table[key].shape for role, key in found.items()}
    down, up, mid = shapes["down"], shapes["up"], shapes.get("mid")
    rank = down[0] if down else 0
    good = len(down) in (2, 4) and len(up) in (2, 4) and up[1] == rank and set(up[2:]) <= {1}
    good = good and 0 < rank <= MOST_RANK and max(shapes.get("alpha", ()), default=1) == 1
    if mid is not None:
        good = good and len(mid) == 4 and mid[:2] == (rank, rank) and set(down[2:]) <= {1}
    if not good:
        shown = ", ".join(f"{role} {shape}" for role, shape in shapes.items())
        raise UserError(f"{path}: the ranks in {values.short(layer)} don't fit each other ({shown})", FIX)
    sizes = rank, up[0], down[1], math.prod((mid or down)[2:])
    names = found["down"], found["up"], found.get("mid"), found.get("alpha")
    return Change(*names, *sizes, _usual(layer, rank, said))


def _said(path: Path) -> Mapping[str, Any]:
    """What the training was told, {} where the file doesn't say: by peft's names, in newer files behind the
    part of the model that they are about and a dot."""
    text = metadata(path).get(_ADAPTER)
    beside = path.parent / "adapter_config.json"
    if text is None:
        own = path.name == "adapter_model.safetensors" and beside.is_file()
        return files.read_json(beside, FIX) if own else {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path}: its {_ADAPTER} can't be read", FIX)
    return found


def _require_numbers(path: Path, said: Mapping[str, Any]) -> None:
    """Raise UserError where what the training was told of alphas makes no sense."""
    for key, value in said.items():
        if key.endswith("alpha_pattern") and not isinstance(value, dict):
            raise UserError(f"{path}: its {values.short(key)} is {values.short(value)}", FIX)
        alphas = value.values() if key.endswith("alpha_pattern") else ()
        for one in (value, *alphas) if key.endswith("lora_alpha") else alphas:
            if type(one) not in (int, float) or not abs(one) <= _LARGEST_ALPHA:
                raise UserError(f"{path}: its {values.short(key)} is {values.short(value)}", FIX)


def _usual(layer: str, rank: int, said: Mapping[str, Any]) -> float | None:
    """The alpha of a ``layer`` by what the training was ``said``, None for the rank."""
    start = next((part for part in _parts(said) if layer.startswith(part)), "")
    found = said.get(f"{start}lora_alpha")
    for pattern, alpha in said.get(f"{start}alpha_pattern", {}).items():
        if layer == start + pattern or layer.endswith(f".{pattern}"):
            found = alpha
    if found is None:
        return None
    return found * rank**0.5 if said.get(f"{start}use_rslora") else float(found)


def _parts(said: Mapping[str, Any]) -> list[str]:
    """ "unet.", "text_encoder." ... of the model's parts that ``said`` is about."""
    return [key.removesuffix("lora_alpha") for key in said if key.endswith(".lora_alpha")]
