"""Words for people: the right article. Standard library only; Blender's Python reads this, too."""

from __future__ import annotations

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
