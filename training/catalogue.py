"""What the starter model knows: every material with its names, colours and share of the training pictures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from training import materials as m

RGB = tuple[float, float, float]

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
    "dark grey": (0.25, 0.25, 0.26),
    "light grey": (0.74, 0.74, 0.75),
}
ALL_COLOURS = {**COLOURS, **SHADES}


@dataclass(frozen=True)
class Variant:
    """One colouring: the words that fill a phrase's {a} and {b}, and the paint's colours."""

    words: tuple[str, ...]
    colours: tuple[RGB, ...]
    weight: float = 1.0


@dataclass(frozen=True)
class Material:
    """``phrases`` are what a prompt may call it; ``ages`` which adjectives from captions.ADJECTIVES fit."""

    paint: m.Paint
    phrases: tuple[str, ...]
    variants: tuple[Variant, ...]
    weight: float = 1.0
    ages: tuple[str, ...] = ()


def _one(
    *extra: RGB, colours: Iterable[str] = ALL_COLOURS, often: dict[str, float] | None = None
) -> tuple[Variant, ...]:
    """A variant for each colour name, with further fixed colours of the paint."""
    return tuple(Variant((c,), (ALL_COLOURS[c], *extra), (often or {}).get(c, 1.0)) for c in colours)


def _two(colours: Iterable[str] = COLOURS) -> tuple[Variant, ...]:
    names = list(colours)
    return tuple(Variant((a, b), (COLOURS[a], COLOURS[b])) for a in names for b in names if a != b)


def _named(*rows: tuple[str, RGB, float], extra: tuple[RGB, ...] = ()) -> tuple[Variant, ...]:
    return tuple(Variant((name,), (colour, *extra), weight) for name, colour, weight in rows)


def _fixed(*colours: RGB) -> tuple[Variant, ...]:
    return (Variant((), colours),)


_PALE, _DARK, _GAP = (0.75, 0.72, 0.68), (0.3, 0.29, 0.28), (0.13, 0.12, 0.11)
_STONE = (0.52, 0.505, 0.48)
_WHITE, _BLACK = COLOURS["white"], COLOURS["black"]
_BRICK_RED: RGB = (0.6, 0.19, 0.12)
_MINERAL = ("weathered", "mossy")

MATERIALS: dict[str, Material] = {
    "bricks": Material(
        m.bricks,
        ("{a} bricks", "{a} bricks", "{a} brick wall", "{a} brick"),
        (
            Variant(("red",), (_BRICK_RED, _PALE), 10),
            *_one(
                _PALE,
                colours=(
                    "orange",
                    "brown",
                    "black",
                    "green",
                    "blue",
                    "dark red",
                    "dark grey",
                    "pink",
                    "teal",
                ),
            ),
            *_one(_DARK, colours=("white", "grey", "yellow", "beige", "light grey")),
        ),
        weight=1.8,
        ages=_MINERAL,
    ),
    "planks": Material(
        m.planks,
        ("{a} wood planks", "{a} wood planks", "{a} wooden boards", "{a} planks"),
        _named(
            ("oak", (0.66, 0.47, 0.27), 3),
            ("walnut", (0.33, 0.2, 0.12), 1),
            ("dark walnut", (0.27, 0.16, 0.09), 1),
            ("pine", (0.82, 0.65, 0.4), 1),
            ("mahogany", (0.46, 0.17, 0.1), 1),
            ("grey", (0.5, 0.48, 0.45), 1),
            ("brown", (0.45, 0.28, 0.15), 1),
        ),
        weight=1.6,
        ages=("weathered", "mossy"),
    ),
    "wood": Material(
        m.wood,
        ("{a} wood", "{a} wood", "{a} wood grain", "{a}"),
        _named(
            ("oak", (0.66, 0.47, 0.27), 2),
            ("walnut", (0.33, 0.2, 0.12), 1),
            ("pine", (0.82, 0.65, 0.4), 1),
            ("mahogany", (0.46, 0.17, 0.1), 1),
            ("ebony", (0.14, 0.11, 0.1), 0.5),
            ("polished cherry", (0.6, 0.3, 0.17), 0.7),
        ),
    ),
    "tiles": Material(
        m.tiles,
        ("{a} ceramic tiles", "{a} tiles", "{a} tiles with {b} grout", "{a} mosaic tiles with {b} grout"),
        tuple(
            Variant((c, grout), (ALL_COLOURS[c], COLOURS[grout]), share)
            for c in ALL_COLOURS
            for grout, share in (("white", 1.0), ("grey", 0.5), ("black", 0.4))
            if c not in (grout, "light grey" if grout == "white" else "dark grey" if grout == "black" else "")
        ),
        weight=1.3,
    ),
    "checkerboard": Material(
        m.checker,
        (
            "{a} and {b} checkerboard",
            "{a} and {b} checkerboard",
            "{a} and {b} checkered",
            "{a} and {b} checker pattern",
        ),
        _two(),
        weight=2.0,
    ),
    "stripes": Material(
        m.stripes,
        (
            "{a} and {b} stripes",
            "{a} and {b} stripes",
            "{a} and {b} striped",
            "{a} and {b} horizontal stripes",
        ),
        _two(),
        weight=1.5,
    ),
    "vertical stripes": Material(m.vertical_stripes, ("{a} and {b} vertical stripes",), _two(), weight=0.7),
    "polka dots": Material(
        m.dots,
        (
            "{a} polka dots on {b}",
            "{a} polka dots on {b}",
            "{a} dots on {b} background",
            "{b} with {a} polka dots",
        ),
        _two(),
        weight=1.3,
    ),
    "camouflage": Material(
        m.patches,
        ("{a} and {b} camouflage", "{a} and {b} camouflage", "{a} and {b} blotches", "{a} and {b} patches"),
        _two(),
        weight=0.8,
    ),
    "plastic": Material(
        m.plain,
        (
            "{a} plastic",
            "{a} plastic",
            "shiny {a} plastic",
            "{a} paint",
            "{a}",
            "glossy {a} ceramic",
            "matte {a} rubber",
        ),
        _one(),
        weight=1.8,
        ages=("weathered", "rusty"),
    ),
    "metal": Material(
        m.metal,
        ("{a}", "polished {a}", "polished {a}", "shiny {a}", "{a} metal"),
        _named(
            ("gold", (0.95, 0.7, 0.22), 3),
            ("silver", (0.8, 0.81, 0.83), 1.5),
            ("copper", (0.82, 0.45, 0.29), 1.5),
            ("chrome", (0.7, 0.76, 0.84), 0.7),
            ("bronze", (0.58, 0.41, 0.19), 1),
            ("brass", (0.82, 0.67, 0.3), 1),
            ("steel", (0.56, 0.58, 0.61), 1),
            ("iron", (0.36, 0.36, 0.38), 1),
        ),
        weight=1.6,
        ages=("weathered",),
    ),
    "rust": Material(
        m.rust,
        ("rusty metal", "rusted iron", "rusty iron", "rusty steel plate", "rusty steel", "rust"),
        _fixed((0.47, 0.47, 0.48), (0.52, 0.24, 0.08)),
    ),
    "cobblestone": Material(
        m.cobblestone,
        ("cobblestone", "cobblestones", "{a} cobblestone", "cobblestone pavement"),
        (Variant(("grey",), (_STONE, _GAP), 4), Variant(("brown",), ((0.48, 0.38, 0.28), _GAP), 0)),
        weight=1.2,
        ages=("weathered",),
    ),
    "mossy cobblestone": Material(
        m.mossy_cobblestone,
        (
            "mossy cobblestone",
            "mossy cobblestone",
            "mossy cobblestones",
            "mossy stones",
            "cobblestone with green moss",
        ),
        _fixed(_STONE, _GAP, (0.22, 0.39, 0.1)),
        weight=1.2,
    ),
    "stone": Material(
        m.stone,
        ("{a} stone", "{a} rock", "rough {a} stone", "{a} concrete"),
        _one(
            colours=("grey", "dark grey", "light grey", "brown", "white", "black", "beige"), often={"grey": 3}
        ),
        ages=_MINERAL,
    ),
    "sandstone": Material(m.stone, ("sandstone", "rough sandstone"), _fixed((0.78, 0.6, 0.4)), 0.4, _MINERAL),
    "granite": Material(
        m.granite,
        ("{a} granite", "speckled {a} granite"),
        _one(colours=("grey", "black", "pink", "dark red", "white")),
        0.6,
    ),
    "marble": Material(
        m.marble,
        ("{a} marble", "{a} marble", "polished {a} marble", "{a} marble stone"),
        (
            Variant(("white",), ((0.92, 0.92, 0.91), (0.4, 0.4, 0.44)), 4),
            Variant(("black",), ((0.09, 0.09, 0.1), (0.82, 0.82, 0.82)), 1.5),
            Variant(("green",), ((0.1, 0.36, 0.22), (0.7, 0.82, 0.74)), 1),
            Variant(("pink",), ((0.9, 0.68, 0.68), (0.55, 0.3, 0.32)), 1),
            Variant(("grey",), ((0.55, 0.55, 0.57), (0.86, 0.86, 0.87)), 1),
        ),
        weight=1.2,
    ),
    "fabric": Material(
        m.fabric,
        ("{a} fabric", "woven {a} fabric", "{a} cloth", "{a} canvas", "{a} wool"),
        _one(),
        weight=1.0,
    ),
    "denim": Material(
        m.denim,
        ("{a} denim", "{a} denim", "{a} jeans", "{a} denim fabric"),
        (
            Variant(("blue",), ((0.16, 0.27, 0.5), (0, 0, 0)), 4),
            Variant(("dark blue",), ((0.1, 0.14, 0.3), (0, 0, 0)), 1),
            Variant(("light blue",), ((0.42, 0.56, 0.74), (0, 0, 0)), 1),
            Variant(("black",), ((0.13, 0.13, 0.15), (0, 0, 0)), 1),
        ),
        weight=1.1,
        ages=("weathered",),
    ),
    "leather": Material(
        m.leather,
        ("{a} leather", "{a} leather", "{a} leather", "cracked {a} leather"),
        _one(
            colours=("brown", "black", "red", "white", "green", "blue", "beige", "dark red"),
            often={"brown": 4},
        ),
        weight=1.2,
        ages=("weathered",),
    ),
    "grass": Material(
        m.grass,
        ("grass", "green grass", "lush green grass", "green lawn"),
        _fixed((0.1, 0.3, 0.06), (0.38, 0.62, 0.17)),
        weight=0.8,
    ),
    "moss": Material(
        m.moss, ("moss", "green moss", "soft green moss"), _fixed((0.12, 0.22, 0.04), (0.4, 0.52, 0.15)), 0.6
    ),
    "lava": Material(
        m.lava, ("lava", "molten lava", "glowing lava", "magma"), _fixed((0.13, 0.08, 0.07)), weight=0.9
    ),
    "cracked earth": Material(
        m.cracked,
        ("cracked earth", "cracked mud", "dry cracked earth", "cracked dry clay"),
        _fixed((0.62, 0.46, 0.31), (0.2, 0.13, 0.08)),
        weight=0.6,
    ),
    "sand": Material(
        m.sand, ("sand", "desert sand", "yellow sand", "beach sand"), _fixed((0.84, 0.7, 0.47)), weight=0.7
    ),
    "snow": Material(
        m.snow,
        ("snow", "white snow", "fresh snow"),
        _fixed((0.84, 0.89, 0.97), (0.98, 0.99, 1.0)),
        weight=0.6,
    ),
    "ice": Material(
        m.marble, ("ice", "blue ice", "frozen ice"), _fixed((0.62, 0.83, 0.93), (0.92, 0.97, 1.0)), weight=0.6
    ),
    "tiger": Material(
        m.tiger,
        ("tiger stripes", "tiger stripes", "tiger fur", "orange and black tiger stripes", "tiger skin"),
        _fixed((0.92, 0.53, 0.14), _BLACK),
        weight=1.1,
    ),
    "zebra": Material(
        m.zebra,
        ("zebra stripes", "zebra fur", "black and white zebra stripes", "zebra skin"),
        _fixed(_WHITE, _BLACK),
        weight=0.9,
    ),
    "leopard": Material(
        m.leopard,
        ("leopard spots", "leopard fur", "leopard print", "leopard skin"),
        _fixed((0.87, 0.65, 0.35), (0.15, 0.09, 0.05)),
        weight=0.9,
    ),
    "giraffe": Material(
        m.giraffe,
        ("giraffe skin", "giraffe fur", "giraffe pattern"),
        _fixed((0.6, 0.34, 0.14), (0.93, 0.83, 0.62)),
        weight=0.6,
    ),
    "cow": Material(
        m.patches, ("cow hide", "cow spots", "black and white cow skin"), _fixed(_BLACK, _WHITE), weight=0.5
    ),
}
