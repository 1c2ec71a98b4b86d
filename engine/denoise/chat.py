"""Prompts as messages to a language model: its tokenizer and the words it wants around them.

Chat templates are programs of a language of their own (Jinja); transformers runs them in a sandbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UserError
from . import tokenizer
from .weights import AGAIN


@dataclass(frozen=True)
class Chat:
    """words: a tokenizer of Qwen's class. limit: tokens at most, what stands around the prompt included."""

    words: Any
    limit: int

    @classmethod
    def read(cls, folder: Path, limit: int) -> Chat:
        """From a tokenizer's ``folder``; raises UserError for one that can't be used."""
        return cls(tokenizer.read(folder, tokenizer.QWEN), limit)

    def said(self, prompt: str, **options: Any) -> str:
        """``prompt`` as a user's message by the template of the tokenizer, to which the model is to answer.
        Raises UserError where there is no template or it can't be used."""
        message = {"role": "user", "content": prompt}
        try:
            return str(
                self.words.apply_chat_template(
                    [message], tokenize=False, add_generation_prompt=True, **options
                )
            )
        except Exception as error:  # whatever a program of someone else's raises
            raise UserError("the model's tokenizer has no usable chat template", AGAIN) from error

    def tokens(self, text: str, prompt: str, known: int) -> tuple[Tensor, str]:
        """(1, T) int64, the tokens of ``text``, T at most ``limit``; and what of the ``prompt`` in it is cut
        off. known: how many the encoder knows; raises UserError for others."""
        found = self.words(text, return_offsets_mapping=True)
        ids = torch.tensor([found.input_ids[: self.limit]])
        tokenizer.require_known(ids, known)
        if len(found.input_ids) <= self.limit:
            return ids, ""
        start, _ = found.offset_mapping[self.limit]
        end = text.rfind(prompt) + len(prompt)
        return ids, text[start:end].strip()
