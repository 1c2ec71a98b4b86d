"""Words for people: the right article, one line for many alike. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

LINE = 160  # characters of a note that people read: a line of a wide terminal
MANY = 3  # notes that say the same become one line
WORD = 60  # characters that a word keeps where a line is too long
GAP = " ... "
_SPELLED = frozenset("AEFHILMNORSX")  # letters whose names begin with a vowel
_NO_VOWEL = ("uni", "use", "usu", "uti", "uv")  # they sound like "you"


def line(text: str, most: int = LINE) -> str:
    """``text`` as one line of at most ``most`` characters: names and prompts that come in may be of any
    length. First the longest words lose their beginnings, as the end of a path says more than its start; then
    the middle goes, since a sentence often ends with what to do."""
    if len(text) <= most and text.isprintable():
        return text
    words, over = text.split(), len(" ".join(text.split())) - most
    for i in sorted(range(len(words)), key=lambda i: -len(words[i])):
        if over <= 0 or len(words[i]) <= WORD:
            break
        kept = max(WORD, len(words[i]) - over)
        over -= len(words[i]) - kept
        words[i] = _ended(words[i], kept)
    text = " ".join(words)
    if len(text) <= most:
        return text
    start = (most - len(GAP)) * 2 // 3
    return text[:start].rstrip() + GAP + text[start + len(GAP) - most :].lstrip()


def _ended(word: str, most: int) -> str:
    """The end of ``word``, with the quote that it begins with."""
    quote = word[:1] if word[:1] in "'\"" else ""
    return quote + "..." + word[len(quote) + 3 - most :]


def with_article(noun: str) -> str:
    """``noun`` with "a" or "an": "an empty"; abbreviations and files' endings are spelled: "an .obj"."""
    word = noun.lstrip("'\".").split(" ")[0]
    if noun.lstrip("'\"").startswith(".") or (len(word) > 1 and word.isupper()):
        vowel = word[:1].upper() in _SPELLED
    else:
        vowel = word[:1].lower() in tuple("aeiou") and not word.lower().startswith(_NO_VOWEL)
    return f"{'an' if vowel else 'a'} {noun}"


def alike(notes: Sequence[tuple[str, str]], count: int, things: str) -> list[str]:
    """``notes``, each a name, "" for none, and what is said of it, as lines: one for all that say the same
    but for numbers, where these are many of the ``count`` ``things``."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, text in notes:
        groups.setdefault(re.sub(r"[\d.,]+", "", text), []).append((name, text))
    lines = []
    for group in groups.values():
        name, text = group[0]
        if len(group) > MANY:
            lines.append(f"{len(group)} of {count} {things}, the first of them {name}: {text}")
        else:
            lines += [f"{name}: {text}" if name else text for name, text in group]
    return lines
