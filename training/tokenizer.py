"""A byte-level BPE tokenizer in CLIP's format, learned from the captions.

Known words are one token; an unknown word falls apart into known pieces, down to single bytes, so that no
prompt can break the model.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path

from transformers import CLIPTokenizer

MAX_TOKENS = 48
START, END = "<|startoftext|>", "<|endoftext|>"
_WORDS = re.compile(r"[a-z]+|[0-9]|[^\sa-z0-9]+")  # as CLIP splits lower-case text
_EVERYDAY = (
    "the a an of on with and in at made from background pattern old new rough smooth clean bright pale deep "
    "rich seamless detailed high quality best realistic wall floor roof brick tile metallic iron glass paper "
    "cotton silk leaf leaves bark tree rocks dirt mud water fire scales fur skin hair feather bone crystal "
    "jade ruby emerald painted carved woven knitted striped spotted dotted checkered cracked polished rusty "
    "mossy shiny large small big tiny wide thin thick fine soft hard wet dry hot cold ancient medieval modern"
)


def byte_letters() -> list[str]:
    """CLIP's printable stand-ins for the 256 bytes, in its order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(b) for b in plain] + [chr(256 + i) for i in range(256 - len(plain))]


def learn_merges(texts: list[str]) -> list[tuple[str, str]]:
    """Byte pair merges, most frequent pair first, until every word of ``texts`` is one token."""
    counts = Counter(word for text in texts for word in _WORDS.findall(text.lower()) if word.isascii())
    words = {word: [*word[:-1], word[-1] + "</w>"] for word in counts}
    merges = []
    while pairs := _pairs(words, counts):
        best = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(best)
        words = {word: _merged(pieces, best) for word, pieces in words.items()}
    return merges


def _pairs(words: dict[str, list[str]], counts: Counter[str]) -> Counter[tuple[str, str]]:
    pairs: Counter[tuple[str, str]] = Counter()
    for word, pieces in words.items():
        for pair in pairwise(pieces):
            pairs[pair] += counts[word]
    return pairs


def _merged(pieces: list[str], pair: tuple[str, str]) -> list[str]:
    out: list[str] = []
    for piece in pieces:
        if out and (out[-1], piece) == pair:
            out[-1] += piece
        else:
            out.append(piece)
    return out


def write_tokenizer(folder: Path, captions: list[str]) -> CLIPTokenizer:
    """Learn from ``captions`` and write the files of a CLIP tokenizer, those of older readers included."""
    merges = learn_merges([*captions, _EVERYDAY, "front side back top bottom view 0 1 2 3 4 5 6 7 8 9"])
    letters = byte_letters()
    tokens = list(
        dict.fromkeys([*letters, *(c + "</w>" for c in letters), *(a + b for a, b in merges), START, END])
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(
        json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False)
    )
    lines = ["#version: 0.2", *(f"{a} {b}" for a, b in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n")
    special = {"bos_token": START, "eos_token": END, "unk_token": END, "pad_token": END}
    (folder / "special_tokens_map.json").write_text(json.dumps(special, indent=2))
    config = {
        **special,
        "tokenizer_class": "CLIPTokenizer",
        "model_max_length": MAX_TOKENS,
        "add_prefix_space": False,
        "do_lower_case": True,
        "errors": "replace",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))
    return CLIPTokenizer.from_pretrained(folder)
