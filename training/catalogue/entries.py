"""What an entry of the catalogue is, and the colours that prompts name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from training.materials import Paint
from training.surface import RGB

COLOURS: dict[str, RGB] = {
    "red": (0.78, 0.1, 0.09),
    "orange": (0.93, 0.48, 0.08),
    "yellow": (0.93, 0.82, 0.15),
    "green": (0.13, 0.55, 0.16),
    "blue": (0.1, 0.22, 0.75),
    "purple": (0.45, 0.14, 0.65),
    "pink": (0.95, 0.5, 0.68),
    "brown": (0.4, 0.23, 0.11),
    "black": (0.07, 0.07, 0.08),
    "white": (0.93, 0.93, 0.92),
    "grey": (0.5, 0.5, 0.51),
    "teal": (0.08, 0.55, 0.58),
}
SHADES: dict[str, RGB] = {
    "dark red": (0.42, 0.05, 0.07),
    "dark green": (0.05, 0.26, 0.1),
    "light green": (0.55, 0.83, 0.4),
    "dark blue": (0.06, 0.09, 0.33),
    "light blue": (0.5, 0.74, 0.93),
    "turquoise": (0.2, 0.8, 0.76),
    "magenta": (0.82, 0.1, 0.55),
    "beige": (0.84, 0.75, 0.58),
    "olive green": (0.4, 0.42, 0.14),
    "lavender": (0.74, 0.66, 0.91),
    "dark grey": (0.25, 0.25, 0.26),
    "light grey": (0.74, 0.74, 0.75),
}
ALL_COLOURS = {**COLOURS, **SHADES}
SYNONYMS: dict[str, tuple[str, ...]] = {  # other words for the same colours
    "dark blue": ("navy blue", "navy"),
    "dark red": ("maroon", "burgundy", "crimson"),
    "light blue": ("sky blue", "pale blue"),
    "light green": ("lime green", "pale green"),
    "dark green": ("forest green",),
    "turquoise": ("cyan", "aqua"),
    "purple": ("violet",),
    "magenta": ("fuchsia",),
    "beige": ("cream", "tan"),
    "olive green": ("olive",),
    "lavender": ("lilac", "light purple"),
    "dark grey": ("charcoal",),
    "red": ("scarlet",),
    "yellow": ("golden yellow",),
}


@dataclass(frozen=True)
class Variant:
    """One colouring: the words that fill a phrase's {a} and {b}, and the paint's colours. ``colour`` is the
    one word of ALL_COLOURS that names it, if one does."""

    words: tuple[str, ...]
    colours: tuple[RGB, ...]
    weight: float = 1.0
    colour: str | None = None


@dataclass(frozen=True)
class Material:
    """``phrases`` are what a prompt may call it, the first being the plainest; ``extras`` what of
    training.catalogue.extras fits; ``finishes`` how rough it is by a word of the phrase."""

    paint: Paint
    phrases: tuple[str, ...]
    variants: tuple[Variant, ...]
    weight: float = 1.0
    extras: tuple[str, ...] = ()
    finishes: Mapping[str, float] = field(default_factory=dict)


def coloured(
    *extra: RGB, colours: Iterable[str] = ALL_COLOURS, often: dict[str, float] | None = None
) -> tuple[Variant, ...]:
    """A variant for each colour name, with further fixed colours of the paint."""
    return tuple(Variant((c,), (ALL_COLOURS[c], *extra), (often or {}).get(c, 1.0), c) for c in colours)


def pairs(colours: Iterable[str] = COLOURS) -> tuple[Variant, ...]:
    """A variant for each ordered pair of different colours: the first on the second."""
    names = list(colours)
    return tuple(Variant((a, b), (ALL_COLOURS[a], ALL_COLOURS[b])) for a in names for b in names if a != b)


def equals(colours: Iterable[str] = COLOURS) -> tuple[Variant, ...]:
    """A variant for each pair of different colours that take the same part, named in either order: the
    lighter one always lies in the same places, so that the mean over all pairs is a pattern too."""
    return tuple(replace(v, colours=tuple(sorted(v.colours, key=sum, reverse=True))) for v in pairs(colours))


def grouted(*grouts: tuple[str, float]) -> tuple[Variant, ...]:
    """A variant for each colour name and grout (name, weight) that differ enough."""
    near = {"white": "light grey", "black": "dark grey"}
    return tuple(
        Variant((c, grout), (ALL_COLOURS[c], COLOURS[grout]), share, c)
        for c in ALL_COLOURS
        for grout, share in grouts
        if c not in (grout, near.get(grout))
    )


def named(*rows: tuple[str, float, RGB], extra: tuple[RGB, ...] = ()) -> tuple[Variant, ...]:
    """Variants (name, weight, colour) for what colour words don't name: oak, slate, gold."""
    return tuple(
        Variant((name,), (colour, *extra), weight, name if name in ALL_COLOURS else None)
        for name, weight, colour in rows
    )


def fixed(*colours: RGB) -> tuple[Variant, ...]:
    """The only colouring."""
    return (Variant((), colours),)
