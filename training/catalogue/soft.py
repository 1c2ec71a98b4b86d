"""Cloth, hides, plants and food of the catalogue."""

from __future__ import annotations

from training.catalogue.entries import COLOURS, Material, Variant, coloured, fixed, named, pairs
from training.materials import organic as m
from training.materials import textiles as t

_WHITE, _BLACK = COLOURS["white"], COLOURS["black"]
_CLOTH = ("weathered", "dirty", "pale", "splattered")
_GROWN = ("weathered", "mossy", "snowy", "dark", "pale")
_HIDE = ("dark", "pale", "dirty", "small")

SOFT: dict[str, Material] = {
    "wood": Material(
        m.wood,
        ("{a} wood", "{a} wood", "{a} wood grain", "{a} wood veneer", "{a} veneer"),
        named(
            ("oak", 2, (0.66, 0.47, 0.27)),
            ("walnut", 1, (0.33, 0.2, 0.12)),
            ("pine", 1, (0.82, 0.65, 0.4)),
            ("mahogany", 1, (0.46, 0.17, 0.1)),
            ("ebony", 0.5, (0.14, 0.11, 0.1)),
            ("cherry", 0.7, (0.6, 0.3, 0.17)),
            ("brown", 0.7, (0.45, 0.28, 0.15)),
        ),
        1.2,
        ("weathered", "polished", "mossy", "snowy", "chipped", "painted", "veined", "dirty"),
    ),
    "bark": Material(
        m.bark,
        ("{a} tree bark", "{a} bark", "rough {a} bark", "{a} tree trunk"),
        named(
            ("brown", 3, (0.42, 0.3, 0.2)),
            ("grey", 1.5, (0.5, 0.47, 0.43)),
            ("dark", 1, (0.24, 0.18, 0.14)),
            extra=((0.1, 0.07, 0.05),),
        ),
        0.8,
        ("mossy", "snowy", "pale", "large"),
    ),
    "cork": Material(
        m.cork,
        ("cork", "cork board", "natural cork"),
        fixed((0.78, 0.58, 0.37), (0.3, 0.17, 0.09)),
        0.7,
        _GROWN[3:],
    ),
    "grass": Material(
        m.grass,
        ("grass", "green grass", "lush green grass", "a green lawn", "grass meadow"),
        fixed((0.1, 0.3, 0.06), (0.46, 0.7, 0.2)),
        0.9,
        ("snowy", "dark", "pale", "dirty"),
    ),
    "moss": Material(
        m.moss,
        ("moss", "green moss", "soft green moss", "thick moss"),
        fixed((0.12, 0.22, 0.04), (0.45, 0.56, 0.15)),
        0.7,
        ("dark", "snowy"),
    ),
    "leaves": Material(
        m.leaves,
        ("{a} leaves", "{a} leaves", "{a} foliage", "{a} ivy", "{a} hedge"),
        (
            Variant(("green",), ((0.13, 0.4, 0.1), (0.4, 0.62, 0.18), (0.03, 0.11, 0.03)), 3, "green"),
            Variant(("autumn",), ((0.75, 0.28, 0.07), (0.93, 0.65, 0.15), (0.2, 0.09, 0.04)), 1.5),
            Variant(("red",), ((0.62, 0.1, 0.08), (0.85, 0.3, 0.15), (0.16, 0.04, 0.03)), 0.7, "red"),
        ),
        0.9,
        ("snowy", "dark", "large", "small"),
    ),
    "fabric": Material(
        t.fabric,
        ("{a} fabric", "woven {a} fabric", "{a} cloth", "{a} canvas", "{a} linen", "{a} cotton"),
        coloured(),
        1.1,
        _CLOTH,
    ),
    "denim": Material(
        t.denim,
        ("{a} denim", "{a} denim", "{a} jeans", "{a} denim fabric", "{a} jean fabric"),
        named(
            ("blue", 4, (0.16, 0.27, 0.5)),
            ("dark blue", 1, (0.1, 0.14, 0.3)),
            ("light blue", 1, (0.42, 0.56, 0.74)),
            ("black", 1, (0.13, 0.13, 0.15)),
        ),
        1.1,
        _CLOTH,
    ),
    "carbon fibre": Material(
        t.carbon,
        ("{a} carbon fibre", "{a} carbon fibre", "{a} carbon"),
        named(
            ("black", 4, (0.13, 0.13, 0.14)), ("blue", 1, (0.08, 0.13, 0.36)), ("red", 1, (0.4, 0.06, 0.06))
        ),
        0.5,
        ("cracked", "large"),
    ),
    "leather": Material(
        t.leather,
        ("{a} leather", "{a} leather", "{a} leather", "{a} leather hide", "grained {a} leather"),
        coloured(
            colours=("brown", "black", "red", "white", "green", "blue", "beige", "dark red", "orange"),
            often={"brown": 4, "black": 2},
        ),
        1.2,
        ("weathered", "cracked", "polished", "dirty", "pale"),
    ),
    "fur": Material(
        m.fur,
        ("{a} fur", "{a} fur", "fluffy {a} fur", "{a} hair", "{a} animal fur"),
        (
            *coloured(colours=("brown", "white", "grey", "black"), often={"brown": 2, "white": 2}),
            *coloured(colours=("orange", "pink", "blue", "purple", "beige")),
        ),
        0.9,
        ("dirty", "pale", "dark", "snowy"),
    ),
    "camouflage": Material(
        t.camouflage,
        ("{a} camouflage", "{a} camouflage", "{a} camo", "military {a} camouflage"),
        (
            Variant(
                ("green",), ((0.33, 0.36, 0.18), (0.45, 0.33, 0.2), (0.16, 0.24, 0.1), (0.08, 0.08, 0.07)), 3
            ),
            Variant(
                ("woodland",), ((0.33, 0.36, 0.18), (0.45, 0.33, 0.2), (0.16, 0.24, 0.1), (0.08, 0.08, 0.07))
            ),
            Variant(
                ("desert",), ((0.83, 0.73, 0.54), (0.66, 0.5, 0.32), (0.5, 0.36, 0.23), (0.93, 0.87, 0.74))
            ),
            Variant(("blue",), ((0.35, 0.5, 0.7), (0.15, 0.25, 0.5), (0.6, 0.72, 0.82), (0.06, 0.09, 0.2))),
            Variant(
                ("grey",), ((0.55, 0.56, 0.57), (0.33, 0.34, 0.35), (0.75, 0.75, 0.74), (0.13, 0.13, 0.14))
            ),
            Variant(("pink",), ((0.9, 0.5, 0.65), (0.65, 0.2, 0.4), (0.97, 0.78, 0.84), (0.35, 0.1, 0.2))),
        ),
        0.9,
        ("weathered", "dirty", "large", "small"),
    ),
    "blotches": Material(
        t.blotches,
        ("{a} and {b} blotches", "{a} blotches on {b}", "{a} and {b} patches", "{b} with {a} patches"),
        pairs(),
        0.5,
        ("large", "small"),
    ),
    "tiger": Material(
        m.tiger,
        ("tiger stripes", "tiger stripes", "tiger fur", "orange and black tiger stripes", "tiger skin"),
        fixed((0.92, 0.53, 0.14), _BLACK),
        1.1,
        _HIDE,
    ),
    "zebra": Material(
        m.zebra,
        ("zebra stripes", "zebra fur", "black and white zebra stripes", "zebra skin", "zebra print"),
        fixed(_WHITE, _BLACK),
        0.9,
        _HIDE,
    ),
    "leopard": Material(
        m.leopard,
        ("leopard spots", "leopard fur", "leopard print", "leopard skin", "jaguar fur"),
        fixed((0.9, 0.68, 0.37), (0.13, 0.08, 0.05)),
        0.9,
        _HIDE,
    ),
    "giraffe": Material(
        m.giraffe,
        ("giraffe skin", "giraffe fur", "giraffe pattern", "giraffe spots"),
        fixed((0.6, 0.34, 0.14), (0.93, 0.83, 0.62)),
        0.8,
        _HIDE,
    ),
    "cow": Material(
        m.cow,
        ("cow hide", "cow spots", "black and white cow skin", "cow fur"),
        fixed(_BLACK, _WHITE),
        0.7,
        _HIDE[2:],
    ),
    "cheese": Material(
        m.cheese,
        ("cheese", "yellow cheese", "swiss cheese", "cheese with holes"),
        fixed((0.95, 0.77, 0.27), (0.72, 0.5, 0.1)),
        0.5,
        ("pale", "large", "small"),
    ),
}
