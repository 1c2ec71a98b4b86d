"""What is added to weights as they are filled.

The sum is made in float32 from the weights as their files have them, so that nothing drifts however often
LoRAs are changed, and costs nothing while a picture is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..errors import UserError
from ..models.lora_file import FIX, Change


@dataclass(frozen=True)
class Added:
    """What a LoRA adds to one layer: ``weight`` times a change, of whose outputs those from ``start`` on.
    stamp: of the file."""

    path: Path
    stamp: tuple[int, int]
    change: Change
    weight: float
    start: int

    def delta(self, like: Tensor) -> Tensor:
        """What it adds to a weight shaped ``like`` that, float32."""
        change, tensors = self.change, _tensors(self.path, self.change)
        up, down = tensors[change.up], tensors[change.down]
        up = up.flatten(1)[self.start : self.start + len(like)]
        if change.mid:
            found = torch.einsum("or,rshw,si->oihw", up, tensors[change.mid], down.flatten(1))
        else:
            found = up @ down.flatten(1)
        usual = change.rank if change.usual is None else change.usual
        alpha = float(tensors[change.alpha]) if change.alpha else float(usual)
        return (self.weight * alpha / change.rank) * found.reshape(like.shape)


Changes = Mapping[str, tuple[Added, ...]]  # by the name of the weight in its network


def _tensors(path: Path, change: Change) -> dict[str, Tensor]:
    """Of one change, by their names, float32. Raises UserError for a file that was damaged meanwhile."""
    from safetensors import SafetensorError, safe_open

    names = filter(None, (change.down, change.up, change.mid, change.alpha))
    try:
        with safe_open(path, framework="pt") as stream:
            return {name: stream.get_tensor(name).float() for name in names}
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path} is damaged ({error})", "delete it and download it again") from error


def changed(key: str, weight: Tensor, changes: Changes) -> Tensor:
    """The ``weight`` named ``key`` with its ``changes``, float32; itself where it has none. Raises UserError
    for numbers that aren't finite."""
    for one in changes.get(key, ()):
        weight = weight.float() + one.delta(weight)
        if not weight.isfinite().all():
            raise UserError(f"{one.path} makes {key} infinite", FIX)
    return weight
