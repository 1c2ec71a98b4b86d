"""The tokenizers of models, and prompts as the numbers that text encoders of CLIP's kind read."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import UserError
from ..inputs import open_input
from ..options.values import short
from .faults import reason
from .weights import AGAIN

_MOST_BYTES = 1 << 26  # of one of its files; CLIP's own have 3 MB, Qwen's 11
CLIP = "transformers.models.clip.tokenization_clip:CLIPTokenizer"
T5 = "transformers.models.t5.tokenization_t5:T5Tokenizer"
QWEN = "transformers.models.qwen2.tokenization_qwen2:Qwen2Tokenizer"


def read(folder: Path, kind: str = CLIP) -> Any:
    """The tokenizer in ``folder``, of the class "module:Class"; raises UserError where there is none."""
    module, name = kind.split(":")
    for path in sorted(folder.glob("*")):
        if not path.is_dir():
            file, size = open_input(path)
            file.close()
            if size > _MOST_BYTES:
                raise UserError(f"{path} has {size:,} bytes, more than any tokenizer's file", AGAIN)
    try:
        tokenizer = getattr(importlib.import_module(module), name)
        found = tokenizer.from_pretrained(str(folder), local_files_only=True)
    except Exception as error:  # its parsers raise whatever they like
        raise UserError(f"{folder} has no usable {name} ({reason(error)})", AGAIN) from error
    limit = found.model_max_length
    if not isinstance(limit, int | float) or not limit >= 2:  # a beginning and an end at least
        raise UserError(f"{folder}: its model_max_length is {short(limit)}", AGAIN)
    return found


def tokens(tokenizer: Any, prompt: str, encoder: Any) -> tuple[Tensor, str]:
    """The ``prompt``, (1, n) int64, for an encoder with the config ``encoder``, and what is cut off. Raises
    UserError for a tokenizer that isn't the encoder's."""
    limit = int(min(tokenizer.model_max_length, encoder.max_position_embeddings))
    padded = tokenizer(prompt, padding="max_length", max_length=limit, truncation=True, return_tensors="pt")
    whole = tokenizer(prompt, truncation=False, verbose=False).input_ids
    rest = tokenizer.decode(whole[limit - 1 : -1]).strip() if len(whole) > limit else ""
    found: Tensor = padded.input_ids
    require_known(found, encoder.vocab_size)
    return found, rest


def padded(tokenizer: Any, prompt: str, limit: int, known: int) -> tuple[Tensor, str]:
    """The ``prompt`` for a text encoder that reads what pads it, too: (1, limit) int64; and what is cut off.
    known: words of the encoder; raises UserError for others."""
    found: Tensor = tokenizer(
        prompt, padding="max_length", max_length=limit, truncation=True, return_tensors="pt"
    ).input_ids
    require_known(found, known)
    whole = tokenizer(prompt, truncation=False, verbose=False, return_offsets_mapping=True)
    if len(whole.input_ids) <= limit:
        return found, ""
    start, _ = whole.offset_mapping[limit - 1]  # where the last one stands, which ends what is left
    return found, prompt[start:].strip()


def require_known(ids: Tensor, known: int) -> None:
    """Raise UserError unless the ``ids`` are words of an encoder that knows so many."""
    if not 0 <= int(ids.min()) <= int(ids.max()) < known:
        raise UserError(f"the tokenizer knows words that the text encoder, with {known}, doesn't", AGAIN)
