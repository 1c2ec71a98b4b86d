"""Words for people: the right article, one line for many alike. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Sequence

MANY = 3  # notes that say the same become one line
_SPELLED = frozenset("AEFHILMNORSX")  # letters whose names begin with a vowel
_NO_VOWEL = ("uni", "use", "usu", "uti", "uv")  # they sound like "you"


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
