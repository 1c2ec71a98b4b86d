"""``vocabulary.json``: which words a model knows, and what comes nearest to those it doesn't.

Optional, beside ``model_index.json``; for models that know few words. One object of JSON, no key is needed:

    materials, colours, adjectives   lists of text: what a prompt may be made of
    additions       list of text: what may follow a material ("with moss")
    examples        list of text: prompts that work, one for each material in the same order
    words           list of text: all words that the model knows, where the lists above aren't all
    stop_words      list of text: words that are harmless, and no suggestion (the directions of views, ...)
    synonyms        {word that it doesn't know: [word or phrase that it does, ...]}, nearest first

Articles, prepositions and conjunctions needn't be listed, nor plurals and other inflections. A file of
another shape counts as none: it must not keep a texture from being made.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from .. import inputs
from ..errors import UserError

FILE = "vocabulary.json"
LISTS = ("materials", "colours", "adjectives", "additions", "examples", "words", "stop_words")
_FUNCTION_WORDS = """
a an the some any no this that these those its his her their my your our and or but nor not with without of
on in at by to from for into onto over under between among around across along through near beside behind
below above inside outside as like than then so very quite rather too also all each every both it is are be
was were has have had which who made
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
MAX_WORDS = 8  # named in one note
MAX_NEAREST = 3  # for each of them
MAX_LENGTH = 40  # letters of a word that are looked at and shown
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"['’]s?\b")
_ENDINGS = ("s", "es", "d", "ed", "ing", "y", "n", "en", "ish")
_SHORTEST_ROOT = 3
_SHORTEST_PART = 4  # of a known word inside another: "stone" in "limestone"
_ALIKE = 0.75  # difflib's ratio from which a spelling is near


@dataclass(frozen=True)
class Vocabulary:
    """What the file says; see above."""

    materials: tuple[str, ...] = ()
    colours: tuple[str, ...] = ()
    adjectives: tuple[str, ...] = ()
    additions: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    stop_words: tuple[str, ...] = ()
    synonyms: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def unknown(self, prompt: str) -> list[str]:
        """The words of ``prompt`` that the model doesn't know, each once, as they are written there."""
        found: dict[str, str] = {}
        for written in _WORD.findall(_POSSESSIVE.sub(" ", prompt)):
            word = _plain(written)
            if len(word) > 1 and not word.isdecimal() and not self._knows(word):
                found.setdefault(word, written)
        return list(found.values())

    def nearest(self, word: str) -> list[str]:
        """Up to MAX_NEAREST known words or phrases near ``word``: by meaning, else by spelling."""
        word = _plain(word)[:MAX_LENGTH]
        near = self._by_meaning(word) or [*self._by_spelling(word), *self._inside(word)]
        return list(dict.fromkeys(near))[:MAX_NEAREST]

    def example(self, material: str) -> str:
        """A prompt for ``material``: its example, else its name."""
        if len(self.examples) == len(self.materials):
            return self.examples[self.materials.index(material)]
        return next((text for text in self.examples if material in text), material)

    @cached_property
    def _content(self) -> frozenset[str]:
        """The words that mean something, in plain spelling."""
        lists = (self.materials, self.colours, self.adjectives, self.additions, self.examples, self.words)
        return frozenset(plain_words(text for texts in lists for text in texts)) - self._silent

    @cached_property
    def _silent(self) -> frozenset[str]:
        return FUNCTION_WORDS | frozenset(plain_words(self.stop_words))

    @cached_property
    def _known_roots(self) -> frozenset[str]:
        return frozenset(root for word in self._content | self._silent for root in _roots(word))

    def _knows(self, word: str) -> bool:
        return word in self._silent or word in self._content or not self._known_roots.isdisjoint(_roots(word))

    def _by_meaning(self, word: str) -> list[str]:
        listed = [near for root in _roots(word) for near in self.synonyms.get(root, ())]
        return [near for near in listed if not self.unknown(near)]

    def _by_spelling(self, word: str) -> list[str]:
        """Known words spelt like ``word``, or the nearest of an unknown one that is."""
        alike = difflib.get_close_matches(word, self._spelt, MAX_NEAREST, _ALIKE)
        return [near for found in alike for near in self._by_meaning(found) or [found]]

    @cached_property
    def _spelt(self) -> list[str]:
        return sorted(self._content | {word for word in self.synonyms if self._by_meaning(word)})

    def _inside(self, word: str) -> list[str]:
        """Known words that ``word`` ends or begins with, the longest first."""
        parts = [p for p in self._content if len(p) >= _SHORTEST_PART and word.endswith(p)]
        parts += [p for p in self._content if len(p) >= _SHORTEST_PART and word.startswith(p)]
        return sorted(parts, key=lambda part: (-len(part), part))


def read(folder: Path) -> Vocabulary | None:
    """The vocabulary of the model in ``folder``; None without a file that says something."""
    try:
        data = inputs.read_json(folder / FILE)
    except UserError:
        return None
    return parse(data)


def parse(data: Any) -> Vocabulary | None:
    """The vocabulary in a decoded file; None for one of another shape or with nothing in it."""
    if not isinstance(data, dict):
        return None
    lists = {name: data.get(name, []) for name in LISTS}
    synonyms = data.get("synonyms", {})
    if not isinstance(synonyms, dict) or not all(map(_is_texts, (*lists.values(), *synonyms.values()))):
        return None
    if not any(lists[name] for name in LISTS if name != "stop_words"):
        return None
    table = {_plain(word): tuple(near) for word, near in synonyms.items()}
    return Vocabulary(**{name: tuple(texts) for name, texts in lists.items()}, synonyms=table)


def note(model: str, vocabulary: Vocabulary | None, prompt: str) -> list[str]:
    """One line about the words of ``prompt`` that ``model`` doesn't know and what is near them, or none."""
    unknown = vocabulary.unknown(prompt) if vocabulary else []
    if not vocabulary or not unknown:
        return []
    described = [_described(word, vocabulary.nearest(word)) for word in unknown[:MAX_WORDS]]
    more = len(unknown) - len(described)
    return [
        f"the {model} model doesn't know {_listed([*described, *([f'{more} more words'] if more else [])])}"
    ]


def _described(word: str, near: list[str]) -> str:
    shown = word if len(word) <= MAX_LENGTH else word[: MAX_LENGTH - 1] + "…"
    return f"'{shown}'" + (f" (nearest: {', '.join(repr(n) for n in near)})" if near else "")


def _listed(parts: list[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]


def plain_words(texts: Iterable[str]) -> list[str]:
    """All words in ``texts``, in plain spelling."""
    return [_plain(word) for text in texts for word in _WORD.findall(text)]


def _plain(word: str) -> str:
    """Lower case, without accents."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _roots(word: str) -> Iterator[str]:
    """What ``word`` may be an inflection of, itself included: stripes, striped, striping -> stripe."""
    yield word
    for ending in _ENDINGS:
        root = word.removesuffix(ending)
        if root == word:
            continue
        found = [root]
        if ending in ("ing", "y", "ed", "ish"):
            found.append(root + "e")
        if ending in ("es", "ed") and root.endswith("i"):
            found.append(root[:-1] + "y")
        if root[-2:-1] == root[-1:]:
            found.append(root[:-1])
        yield from (root for root in found if len(root) >= _SHORTEST_ROOT)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)
