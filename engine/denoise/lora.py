"""Which weights of a model the LoRAs of a job change: a layer of a network for each layer of a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import prod

from ..errors import UserError
from ..models import families
from ..models.lora_file import FIX, Change, LoraFile
from ..models.loras import Lora
from ..options.values import short
from . import lora_names
from .additions import Added, Changes
from .parts import Part

KINDS = (  # of models: what a LoRA's layers have in their names, and the width of its text
    ("double_blocks", None, "FLUX.1"),
    ("single_transformer_blocks", None, "FLUX.1"),
    *((f"attention{mark}{name}", None, "Z-Image") for mark in "._" for name in ("to_q", "qkv")),
    ("img_mod", None, "Qwen-Image"),
    *(("attn2", width, words) for width, words in families.WIDTHS.items()),
)


def matched(loras: Sequence[Lora], parts: Mapping[str, Part], model: str) -> dict[str, Changes]:
    """What ``loras`` change in each of the ``parts`` of the ``model``, by names of parts and of weights.
    Raises UserError for one that was made for another model."""
    places = {
        spelled: (name, layers)
        for name, part in parts.items()
        for spelled, layers in lora_names.spellings(name, part.kind, part.layers).items()
    }
    found: dict[str, dict[str, list[Added]]] = defaultdict(lambda: defaultdict(list))
    for lora in loras:
        if strangers := [layer for layer in lora.file.changes if layer not in places]:
            count = f"{len(strangers)} of its {len(lora.file.changes)} layers"
            raise _of_another(lora, f"{count} aren't there, {short(strangers[0])} among them", model)
        for layer, change in lora.file.changes.items():
            part, layers = places[layer]
            shapes = [parts[part].layers[one] for one in layers]
            if not _fits(change, shapes):
                raise _of_another(lora, f"{short(layer)} has another shape there", model)
            starts = [sum(shape[0] for shape in shapes[:i]) for i in range(len(shapes))]
            for one, start in zip(layers, starts, strict=True):
                added = Added(lora.file.path, lora.stamp, change, lora.weight, start)
                found[part][f"{one}.weight"].append(added)
    return {part: {key: tuple(each) for key, each in keys.items()} for part, keys in found.items()}


def _fits(change: Change, shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether a change has the outputs of layers with weights of these ``shapes``, and their inputs."""
    inner = all((change.inputs, change.kernel) == (shape[1], prod(shape[2:])) for shape in shapes)
    return inner and change.outputs == sum(shape[0] for shape in shapes)


def _of_another(lora: Lora, why: str, model: str) -> UserError:
    kind = _kind(lora.file)
    whose = f"is for {kind}, and doesn't fit {model}" if kind else f"doesn't fit {model}"
    return UserError(f"the LoRA {lora.file.path} {whose}: {why}", FIX)


def _kind(file: LoraFile) -> str:
    """The models that a LoRA seems to be for, in words; "" where that can't be told."""
    for part, width, words in KINDS:
        if any(part in layer and width in (None, one.inputs) for layer, one in file.changes.items()):
            return words
    return ""
