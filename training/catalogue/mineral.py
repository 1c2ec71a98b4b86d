"""Stone, earth, water, sky and smooth surfaces of the catalogue."""

from __future__ import annotations

from training.catalogue.entries import Material, Variant, coloured, fixed, named
from training.materials import mineral as m

_GAP, _STONE = (0.13, 0.12, 0.11), (0.52, 0.505, 0.48)
_ROCK = ("weathered", "mossy", "snowy", "cracked", "veined", "dark", "pale", "polished")
_GROUND = ("dirty", "mossy", "snowy", "dark", "pale")

MINERALS: dict[str, Material] = {
    "plastic": Material(
        m.plain,
        (
            *("{a} plastic", "{a} plastic", "shiny {a} plastic", "{a} paint", "plain {a}", "solid {a}"),
            *("glossy {a} plastic", "matte {a} rubber", "{a} rubber", "smooth {a} plastic"),
        ),
        coloured(),
        1.8,
        ("weathered", "dirty", "cracked", "splattered", "pale"),
        {"matte": 0.9, "rubber": 0.85, "glossy": 0.12, "shiny": 0.12, "smooth": 0.2},
    ),
    "stone": Material(
        m.stone,
        ("{a} stone", "{a} rock", "rough {a} stone", "rough {a} rock", "{a} cliff"),
        coloured(colours=("grey", "dark grey", "light grey", "brown", "white", "black"), often={"grey": 3}),
        1.2,
        _ROCK,
    ),
    "sandstone": Material(
        m.sandstone,
        ("{a} sandstone", "layered {a} sandstone", "{a} canyon rock"),
        (
            Variant(("yellow",), ((0.85, 0.68, 0.43), (0.68, 0.47, 0.27)), 2),
            Variant(("red",), ((0.76, 0.43, 0.27), (0.55, 0.25, 0.15)), 2),
            Variant(("beige",), ((0.85, 0.76, 0.6), (0.7, 0.58, 0.42)), 1),
        ),
        0.8,
        _ROCK,
    ),
    "granite": Material(
        m.granite,
        ("{a} granite", "speckled {a} granite", "{a} granite stone"),
        named(
            ("grey", 2, (0.55, 0.55, 0.55)),
            ("pink", 1, (0.78, 0.5, 0.46)),
            ("red", 1, (0.6, 0.24, 0.2)),
            ("black", 1, (0.16, 0.16, 0.17)),
            ("white", 1, (0.88, 0.87, 0.85)),
        ),
        0.8,
        ("polished", "cracked", "mossy"),
    ),
    "marble": Material(
        m.marble,
        ("{a} marble", "{a} marble", "{a} marble stone", "veined {a} marble", "{a} marble slab"),
        (
            Variant(("white",), ((0.92, 0.92, 0.91), (0.4, 0.4, 0.44)), 4, "white"),
            Variant(("black",), ((0.09, 0.09, 0.1), (0.82, 0.82, 0.82)), 1.5, "black"),
            Variant(("green",), ((0.1, 0.36, 0.22), (0.7, 0.82, 0.74)), 1, "green"),
            Variant(("pink",), ((0.9, 0.68, 0.68), (0.55, 0.3, 0.32)), 1, "pink"),
            Variant(("grey",), ((0.55, 0.55, 0.57), (0.9, 0.9, 0.9)), 1, "grey"),
            Variant(("blue",), ((0.16, 0.27, 0.5), (0.8, 0.85, 0.93)), 0.7, "blue"),
        ),
        1.2,
        ("polished", "polished", "cracked", "veined", "weathered"),
    ),
    "agate": Material(
        m.agate,
        ("{a} agate", "banded {a} agate", "{a} agate stone"),
        (
            Variant(("blue",), ((0.07, 0.16, 0.42), (0.4, 0.6, 0.82)), 1, "blue"),
            Variant(("purple",), ((0.3, 0.1, 0.42), (0.65, 0.47, 0.8)), 1, "purple"),
            Variant(("red",), ((0.5, 0.1, 0.06), (0.88, 0.5, 0.3)), 1, "red"),
            Variant(("green",), ((0.02, 0.25, 0.15), (0.2, 0.6, 0.4)), 1, "green"),
        ),
        0.6,
        ("polished", "large", "small"),
    ),
    "crystal": Material(
        m.crystal,
        ("{a} crystal", "{a} crystals", "{a} gemstone", "faceted {a} crystal"),
        coloured(colours=("purple", "blue", "green", "red", "pink", "teal", "light blue", "yellow"))
        + named(
            ("amethyst", 1, (0.5, 0.22, 0.72)),
            ("emerald", 1, (0.05, 0.52, 0.28)),
            ("ruby", 1, (0.68, 0.04, 0.16)),
            ("sapphire", 1, (0.07, 0.17, 0.62)),
        ),
        0.9,
        ("dark", "pale", "large", "small"),
    ),
    "cobblestone": Material(
        m.cobblestone,
        (
            "{a} cobblestone",
            "cobblestone",
            "{a} cobblestones",
            "{a} cobblestone pavement",
            "a {a} cobbled street",
        ),
        named(("grey", 4, _STONE), ("brown", 1, (0.48, 0.37, 0.26)), extra=(_GAP,)),
        1.1,
        ("weathered", "dirty", "snowy", "large", "small"),
    ),
    "mossy cobblestone": Material(
        m.mossy_cobblestone,
        (
            *("mossy cobblestone", "mossy cobblestone", "mossy cobblestones", "mossy stones"),
            *("cobblestone with green moss", "cobblestone with moss", "moss covered cobblestone"),
        ),
        fixed(_STONE, _GAP, (0.22, 0.39, 0.1)),
        1.1,
    ),
    "gravel": Material(
        m.gravel,
        ("{a} gravel", "{a} pebbles", "{a} gravel path", "{a} river stones"),
        (
            Variant(("grey",), ((0.55, 0.54, 0.52), (0.66, 0.6, 0.52), (0.12, 0.11, 0.1)), 2),
            Variant(("brown",), ((0.5, 0.4, 0.3), (0.68, 0.6, 0.5), (0.15, 0.1, 0.07)), 1),
            Variant(("white",), ((0.86, 0.85, 0.83), (0.76, 0.74, 0.7), (0.3, 0.29, 0.27)), 1),
        ),
        0.8,
        ("mossy", "snowy", "dirty", "large", "small"),
    ),
    "concrete": Material(
        m.concrete,
        ("{a} concrete", "concrete", "{a} concrete wall", "{a} cement", "bare {a} concrete"),
        named(
            ("grey", 3, (0.6, 0.6, 0.59)),
            ("dark grey", 1, (0.36, 0.36, 0.37)),
            ("light grey", 1, (0.76, 0.75, 0.74)),
        ),
        1.0,
        ("weathered", "mossy", "cracked", "dirty", "chipped", "splattered", "veined"),
    ),
    "asphalt": Material(
        m.asphalt,
        ("asphalt", "black asphalt", "asphalt road", "tarmac"),
        fixed((0.17, 0.17, 0.18), (0.52, 0.51, 0.5)),
        0.8,
        ("cracked", "snowy", "mossy", "splattered", "dirty"),
    ),
    "terrazzo": Material(
        m.terrazzo,
        ("{a} terrazzo", "{a} terrazzo floor", "speckled {a} terrazzo"),
        (
            Variant(
                ("white",), ((0.9, 0.89, 0.86), (0.75, 0.42, 0.3), (0.3, 0.36, 0.38), (0.83, 0.68, 0.42)), 2
            ),
            Variant(
                ("pink",), ((0.92, 0.76, 0.73), (0.6, 0.25, 0.22), (0.95, 0.94, 0.9), (0.35, 0.3, 0.32)), 1
            ),
            Variant(
                ("black",), ((0.14, 0.14, 0.15), (0.85, 0.84, 0.8), (0.6, 0.42, 0.25), (0.45, 0.5, 0.52)), 1
            ),
            Variant(
                ("green",), ((0.45, 0.6, 0.5), (0.93, 0.92, 0.88), (0.1, 0.28, 0.22), (0.8, 0.65, 0.4)), 1
            ),
        ),
        0.8,
        ("polished", "cracked", "large", "small"),
    ),
    "terracotta": Material(
        m.terracotta,
        ("terracotta", "terracotta clay", "terracotta pot", "fired clay", "red clay pottery"),
        fixed((0.7, 0.37, 0.22)),
        0.9,
        ("weathered", "mossy", "cracked", "painted", "veined", "dark", "dirty"),
    ),
    "crackle ceramic": Material(
        m.crackle,
        ("{a} crackle glaze", "{a} crackle ceramic", "crackled {a} porcelain", "{a} glazed ceramic"),
        (
            *coloured(
                (0.28, 0.2, 0.15),
                colours=("white", "light blue", "light green", "beige", "turquoise", "pink"),
            ),
            *coloured((0.9, 0.88, 0.82), colours=("blue", "dark green", "dark red", "black")),
        ),
        0.8,
        ("weathered", "dirty", "veined", "large", "small"),
    ),
    "cracked earth": Material(
        m.cracked_earth,
        ("cracked earth", "cracked mud", "dry cracked earth", "cracked dry clay", "parched earth"),
        fixed((0.62, 0.46, 0.31), (0.2, 0.13, 0.08)),
        0.8,
        ("dark", "pale", "large", "small"),
    ),
    "soil": Material(
        m.soil,
        ("soil", "brown soil", "dirt", "brown dirt", "garden soil"),
        fixed((0.3, 0.2, 0.13), (0.55, 0.48, 0.4)),
        0.5,
        ("mossy", "snowy", "dark"),
    ),
    "sand": Material(
        m.sand,
        ("sand", "desert sand", "yellow sand", "beach sand", "sand dunes"),
        fixed((0.84, 0.7, 0.47)),
        0.8,
        ("dark", "pale", "snowy"),
    ),
    "snow": Material(
        m.snow,
        ("snow", "white snow", "fresh snow"),
        fixed((0.76, 0.84, 0.97), (0.99, 0.99, 1.0)),
        0.7,
        ("dirty",),
    ),
    "ice": Material(
        m.ice,
        ("ice", "blue ice", "frozen ice", "cracked ice", "a frozen lake"),
        fixed((0.5, 0.77, 0.91), (0.95, 0.98, 1.0)),
        0.8,
        ("dark", "snowy", "dirty"),
    ),
    "lava": Material(
        m.lava,
        ("lava", "molten lava", "glowing lava", "magma", "lava rock"),
        fixed((0.13, 0.08, 0.07)),
        0.9,
        ("large", "small"),
    ),
    "water": Material(
        m.water,
        ("{a} water", "water", "{a} sea water", "rippling {a} water", "{a} ocean"),
        (
            Variant(("blue",), ((0.1, 0.36, 0.66), (0.66, 0.88, 0.97)), 3, "blue"),
            Variant(("turquoise",), ((0.1, 0.62, 0.66), (0.72, 0.96, 0.93)), 1.5, "turquoise"),
        ),
        0.8,
        ("dark", "large", "small"),
    ),
    "clouds": Material(
        m.clouds,
        ("clouds", "blue sky with clouds", "white clouds", "cloudy sky", "sky"),
        fixed((0.3, 0.56, 0.88), (0.98, 0.98, 0.99)),
        0.8,
        ("dark", "large", "small"),
    ),
    "galaxy": Material(
        m.galaxy,
        ("galaxy", "starry night sky", "purple galaxy", "outer space", "space nebula"),
        fixed((0.03, 0.03, 0.1), (0.33, 0.1, 0.5), (0.1, 0.4, 0.65)),
        0.8,
    ),
}
