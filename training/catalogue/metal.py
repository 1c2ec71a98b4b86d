"""Metals of the catalogue."""

from __future__ import annotations

from training.catalogue.entries import Material, Variant, coloured, fixed, named
from training.materials import metals

_METAL = ("weathered", "rusty", "dirty", "dark", "chipped", "splattered")

METALS: dict[str, Material] = {
    "painted metal": Material(
        metals.enamel,
        ("{a} painted metal", "{a} painted steel", "metal painted {a}"),
        coloured(),
        0.5,
        ("rusty", "rusty", "weathered", "dirty", "splattered"),
    ),
    "gold": Material(
        metals.polished,
        ("polished gold", "gold", "shiny gold", "golden metal", "pure gold", "gold metal"),
        fixed((0.78, 0.52, 0.1), (1.0, 0.81, 0.38)),
        1.1,
        ("weathered", "dirty", "cracked"),
    ),
    "copper": Material(
        metals.polished,
        ("polished copper", "copper", "shiny copper", "copper metal"),
        fixed((0.66, 0.32, 0.19), (0.93, 0.58, 0.41)),
        0.9,
        ("weathered", "dirty"),
    ),
    "bronze": Material(
        metals.polished,
        ("polished {a}", "{a}", "{a} metal", "{a} statue"),
        (
            Variant(("bronze",), ((0.36, 0.24, 0.1), (0.66, 0.5, 0.25)), 2),
            Variant(("brass",), ((0.55, 0.43, 0.15), (0.86, 0.75, 0.4)), 1),
        ),
        0.8,
        ("weathered", "dirty"),
    ),
    "metal": Material(
        metals.polished,
        ("polished {a}", "{a}", "shiny {a}", "{a} metal", "smooth {a}"),
        (
            Variant(("silver",), ((0.6, 0.62, 0.65), (0.93, 0.93, 0.94)), 2),
            Variant(("chrome",), ((0.42, 0.5, 0.6), (0.9, 0.94, 0.98)), 1),
            Variant(("steel",), ((0.42, 0.44, 0.47), (0.7, 0.72, 0.75)), 2),
            Variant(("iron",), ((0.24, 0.24, 0.26), (0.48, 0.48, 0.5)), 1.5),
        ),
        1.2,
        _METAL,
    ),
    "brushed metal": Material(
        metals.brushed,
        ("brushed {a}", "brushed {a}", "brushed {a} metal", "scratched {a}"),
        named(
            ("steel", 2, (0.63, 0.65, 0.67)),
            ("aluminium", 2, (0.77, 0.78, 0.79)),
            ("copper", 1, (0.78, 0.46, 0.32)),
            ("brass", 1, (0.77, 0.64, 0.32)),
            ("titanium", 1, (0.46, 0.46, 0.48)),
        ),
        0.9,
        _METAL,
    ),
    "hammered metal": Material(
        metals.hammered,
        ("hammered {a}", "hammered {a}", "hammered {a} metal", "beaten {a}"),
        named(
            ("copper", 2, (0.78, 0.43, 0.28)),
            ("iron", 1.5, (0.36, 0.36, 0.38)),
            ("bronze", 1, (0.56, 0.4, 0.19)),
            ("silver", 1, (0.74, 0.75, 0.77)),
            ("gold", 1, (0.88, 0.65, 0.22)),
        ),
        0.8,
        ("weathered", "dirty", "large", "small"),
    ),
    "rust": Material(
        metals.rust,
        (
            "rusty metal",
            "rusted iron",
            "rusty iron",
            "rusty steel plate",
            "rusty steel",
            "rust",
            "rusted metal",
        ),
        fixed((0.47, 0.47, 0.48), (0.55, 0.26, 0.09)),
        1.1,
        ("chipped", "chipped", "splattered", "dark", "dirty"),
    ),
    "patina": Material(
        metals.patina,
        ("oxidized copper", "green copper patina", "verdigris", "weathered copper roof"),
        fixed((0.58, 0.32, 0.19), (0.28, 0.6, 0.52)),
        0.6,
        ("dark", "dirty"),
    ),
}
