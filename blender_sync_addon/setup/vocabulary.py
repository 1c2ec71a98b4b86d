"""What a prompt may be made of: the words that the chosen model knows, from its vocabulary.json. No bpy.

The file is the engine's (engine/models/vocabulary.py says what is in it) and is read here as data, so that
the panel needs no engine. It is optional: without a usable one there is nothing to suggest.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .. import package

STARTER = "starter"
FILE = "vocabulary.json"
MAX_BYTES = 1 << 20
MAX_SHOWN = 200


@dataclass(frozen=True)
class Example:
    """A prompt that works, and the material that it is for ("" when the file doesn't say)."""

    prompt: str
    material: str

    @property
    def label(self) -> str:
        """The prompt, and the material where the prompt doesn't name it."""
        named = set(self.material.split()) <= set(self.prompt.split())
        return self.prompt if named else f"{self.prompt} ({self.material})"


@dataclass(frozen=True)
class PromptVocabulary:
    """What a model knows; an entry may have several words."""

    examples: tuple[Example, ...]
    materials: tuple[str, ...]
    colours: tuple[str, ...]
    adjectives: tuple[str, ...]


def of_model(model: str) -> PromptVocabulary | None:
    """What ``model`` knows: the starter ("starter" or "") or a folder; None without a usable file.

    Read once for as long as the file stays the same; never raises.
    """
    try:
        path = _folder(model) / FILE
        stat = path.stat()
    except (OSError, ValueError, RuntimeError):  # the last two for names that can't be a path's
        return None
    return _read(path, stat.st_mtime_ns, stat.st_size)


def complete(known: PromptVocabulary, typed: str) -> list[str]:
    """Prompts for someone who has ``typed`` so far: it with its last word completed, its colour on every
    example that has one, then all examples. Blender's own search leaves out those that don't match."""
    found = [
        *_last_word_completed(known, typed),
        *_in_typed_colour(known, typed),
        *(example.prompt for example in known.examples),
    ]
    return list(dict.fromkeys(found))[:MAX_SHOWN]


def _last_word_completed(known: PromptVocabulary, typed: str) -> Iterator[str]:
    head, space, last = typed.rpartition(" ")
    if last:
        every = (*known.materials, *known.colours, *known.adjectives)
        yield from (head + space + word for word in _longer(every, last))


def _longer(known: tuple[str, ...], start: str) -> Iterator[str]:
    return (word for word in known if word.startswith(start.lower()) and len(word) > len(start))


def _in_typed_colour(known: PromptVocabulary, typed: str) -> Iterator[str]:
    stem = typed.rstrip()
    one = re.compile(rf"\b({'|'.join(sorted(map(re.escape, known.colours), key=len, reverse=True))})\b", re.I)
    *_, last = [None, *one.finditer(stem)]
    if not known.colours or last is None or last.end() < len(stem):
        return
    for example in known.examples:
        coloured = one.search(example.prompt)
        if coloured and last[0].lower() not in (rest := example.prompt[coloured.end() :]):
            yield stem + rest


def _folder(model: str) -> Path:
    if model in ("", STARTER):
        return package.ENGINE / "models" / STARTER
    path = Path(model).expanduser()
    return path if path.exists() else Path(model.partition("+")[0]).expanduser()  # MODEL+CONTROLNET


@functools.lru_cache(maxsize=4)
def _read(path: Path, _changed: int, size: int) -> PromptVocabulary | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig")) if size <= MAX_BYTES else None
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    materials, examples = _texts(data, "materials"), _texts(data, "examples")
    paired = materials if len(materials) == len(examples) else [""] * len(examples)
    lists = (materials, _texts(data, "colours"), _texts(data, "adjectives"))
    if not examples and not any(lists):
        return None
    return PromptVocabulary(tuple(map(Example, examples, paired)), *map(tuple, lists))


def _texts(data: dict[str, Any], name: str) -> list[str]:
    """The list of text called ``name``; [] for anything else."""
    value = data.get(name)
    return value if isinstance(value, list) and all(isinstance(text, str) for text in value) else []
