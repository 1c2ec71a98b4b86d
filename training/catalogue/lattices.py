"""Regular patterns of the catalogue: about a third of the training pictures."""

from __future__ import annotations

from training.catalogue.entries import COLOURS, Material, Variant, coloured, equals, fixed, named, pairs
from training.catalogue.masonry import MASONRY
from training.materials import lattices as m
from training.materials import textiles as t

_PRINT = ("weathered", "dirty", "pale", "large", "small")

PATTERNS: dict[str, Material] = {
    **MASONRY,
    "checkerboard": Material(
        m.checker,
        (
            *("{a} and {b} checkerboard", "{a} and {b} checkerboard", "{a} and {b} checkered"),
            *("{a} and {b} checker pattern", "{a} and {b} chequered", "checkerboard in {a} and {b}"),
        ),
        equals(),
        1.8,
        _PRINT,
    ),
    "stripes": Material(
        m.stripes,
        (
            *("{a} and {b} stripes", "{a} and {b} stripes", "{a} and {b} striped", "striped in {a} and {b}"),
            *("{a} and {b} horizontal stripes", "{a} stripes on {b}"),
        ),
        equals(),
        1.4,
        _PRINT,
    ),
    "vertical stripes": Material(
        m.vertical_stripes,
        ("{a} and {b} vertical stripes", "vertical {a} and {b} stripes", "{a} and {b} vertically striped"),
        equals(),
        0.8,
        _PRINT,
    ),
    "diagonal stripes": Material(
        m.diagonal_stripes,
        ("{a} and {b} diagonal stripes", "diagonal {a} and {b} stripes", "{a} and {b} hazard stripes"),
        (*equals(), Variant(("yellow", "black"), (COLOURS["yellow"], COLOURS["black"]), 15)),
        0.8,
        _PRINT,
    ),
    "zigzag": Material(
        m.zigzag,
        ("{a} and {b} zigzag", "{a} and {b} chevron pattern", "{a} and {b} zigzag stripes"),
        equals(),
        0.8,
        _PRINT,
    ),
    "polka dots": Material(
        m.dots,
        (
            *("{a} polka dots on {b}", "{a} polka dots on {b}", "{a} dots on {b}"),
            *("{a} dots on {b} background", "{b} with {a} polka dots"),
        ),
        pairs(),
        1.4,
        _PRINT,
    ),
    "stars": Material(
        m.stars, ("{a} stars on {b}", "{a} stars on {b}", "{a} star pattern on {b}"), pairs(), 0.5, _PRINT
    ),
    "diamonds": Material(
        m.diamonds,
        (
            "{a} and {b} diamonds",
            "{a} and {b} diamond pattern",
            "{a} and {b} harlequin",
            "{a} and {b} argyle",
        ),
        equals(),
        0.8,
        _PRINT,
    ),
    "plaid": Material(
        t.plaid,
        ("{a} and {b} plaid", "{a} and {b} tartan", "{a} and {b} tartan fabric", "{a} and {b} plaid cloth"),
        tuple(
            Variant(v.words, (*v.colours, COLOURS["yellow" if "white" in v.words else "white"]))
            for v in equals(("red", "green", "blue", "black", "yellow", "white", "purple", "orange", "brown"))
        ),
        1.1,
        _PRINT,
    ),
    "basket weave": Material(
        t.wicker,
        ("{a} wicker", "wicker basket", "{a} basket weave", "{a} rattan", "woven {a} basket"),
        named(
            ("brown", 2, (0.55, 0.37, 0.19)),
            ("beige", 2, (0.83, 0.69, 0.46)),
            ("white", 1, (0.9, 0.88, 0.84)),
        ),
        1.0,
        ("weathered", "dirty", "dark", "painted", "large", "small"),
    ),
    "knitted wool": Material(
        t.knit,
        ("knitted {a} wool", "{a} knitted wool", "{a} knit sweater", "{a} knitwear", "knitted {a} yarn"),
        coloured(),
        1.1,
        ("dirty", "pale", "large", "small"),
    ),
    "quilted": Material(
        t.quilted,
        ("quilted {a} fabric", "{a} quilted fabric", "padded {a} leather", "{a} upholstery", "{a} quilt"),
        (
            *coloured(
                (0.93, 0.9, 0.84), colours=("red", "blue", "green", "brown", "black", "purple", "teal")
            ),
            *coloured((0.3, 0.27, 0.25), colours=("white", "beige", "pink", "yellow", "grey")),
        ),
        0.6,
        ("weathered", "dirty", "pale", "large", "small"),
    ),
    "scales": Material(
        m.scales,
        ("{a} scales", "{a} dragon scales", "{a} fish scales", "{a} reptile skin", "{a} mermaid scales"),
        coloured(
            (0.05, 0.05, 0.06), colours=("green", "red", "blue", "teal", "grey", "purple", "orange", "brown")
        )
        + named(("gold", 1, (0.9, 0.66, 0.2)), extra=((0.25, 0.14, 0.04),)),
        1.1,
        ("dark", "pale", "large", "small"),
    ),
    "shingles": Material(
        m.shingles,
        ("{a} roof shingles", "{a} shingles", "{a} roof slates", "{a} slate roof", "{a} shingle roof"),
        named(
            ("grey", 2, (0.47, 0.49, 0.52)),
            ("red", 2, (0.62, 0.24, 0.16)),
            ("brown", 1, (0.45, 0.3, 0.19)),
            ("dark grey", 1, (0.27, 0.28, 0.3)),
            ("green", 1, (0.25, 0.42, 0.27)),
        ),
        1.0,
        ("weathered", "mossy", "snowy", "large", "small"),
    ),
    "honeycomb": Material(
        m.honeycomb,
        ("honeycomb", "honeycomb", "golden honeycomb", "bee honeycomb", "honeycomb pattern"),
        fixed((0.93, 0.6, 0.1), (0.98, 0.82, 0.4), (0.45, 0.23, 0.05)),
        0.7,
        ("dark", "large", "small"),
    ),
    "bamboo": Material(
        m.bamboo,
        ("{a} bamboo", "{a} bamboo canes", "{a} bamboo sticks", "{a} bamboo wall"),
        named(
            ("green", 2, (0.42, 0.58, 0.2)), ("yellow", 2, (0.84, 0.7, 0.36)), ("brown", 1, (0.5, 0.34, 0.18))
        ),
        0.9,
        ("weathered", "mossy", "large", "small"),
    ),
    "chocolate": Material(
        m.chocolate,
        ("{a} chocolate", "{a} chocolate", "a bar of {a} chocolate", "{a} chocolate bar"),
        (
            Variant(("milk",), ((0.42, 0.23, 0.12),), 2),
            Variant(("dark",), ((0.23, 0.12, 0.07),), 2),
            Variant(("white",), ((0.93, 0.86, 0.7),), 1),
        ),
        0.8,
        ("cracked", "large", "small"),
    ),
    "circuit board": Material(
        m.circuit,
        ("{a} circuit board", "{a} circuit board", "{a} electronics", "{a} printed circuit"),
        tuple(
            Variant((word,), (board, (0.85, 0.72, 0.36), (0.06, 0.06, 0.07)), weight)
            for word, board, weight in (
                ("green", (0.04, 0.32, 0.16), 3),
                ("blue", (0.04, 0.14, 0.42), 1),
                ("black", (0.12, 0.12, 0.13), 1),
            )
        ),
        0.7,
        ("dirty", "large", "small"),
    ),
    "metal plates": Material(
        m.plates,
        (
            "{a} metal plates",
            "riveted {a} metal",
            "{a} metal panels",
            "{a} armour plates",
            "{a} steel panels",
        ),
        named(
            ("grey", 3, (0.55, 0.57, 0.6)),
            ("white", 1, (0.86, 0.87, 0.88)),
            ("dark grey", 1, (0.28, 0.29, 0.31)),
            ("blue", 1, (0.2, 0.34, 0.6)),
            ("green", 1, (0.32, 0.4, 0.24)),
            ("red", 1, (0.65, 0.15, 0.12)),
        ),
        1.0,
        ("weathered", "rusty", "dirty", "chipped", "large", "small"),
    ),
}
