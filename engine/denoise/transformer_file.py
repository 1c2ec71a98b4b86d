"""The weights of a transformer alone in a single file, in the original layout or diffusers'."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from ..models.files import AGAIN
from ..models.transformer_files import bare
from . import original_names, weights


def tensors(path: Path, network: Any) -> Iterator[tuple[str, Tensor]]:
    """(key, tensor) of the weights in the file ``path`` as the ``network`` calls them, one by one; what else
    is in it isn't read. Raises UserError for a damaged file, and one of another shape."""
    kind, own = type(network).__name__, network.state_dict()
    originals = original_names.weights(kind, own)
    for raw, tensor in weights.of_file(path, lambda key: bare(key) in own or bare(key) in originals):
        key = bare(raw)
        if key in own:
            yield key, tensor
            continue
        names = originals[key]
        lengths = [len(own[name]) for name in names]
        if tensor.shape[:1] != (sum(lengths),):
            what = (
                f"the transformer weight {raw} is {tuple(tensor.shape)}, its config says {sum(lengths)} rows"
            )
            raise UserError(what, AGAIN)
        if original_names.swapped(kind, key):
            tensor = torch.cat(tensor.chunk(2)[::-1])
        yield from zip(names, torch.split(tensor, lengths), strict=True)
