"""Masonry, boards and tiles of the catalogue."""

from __future__ import annotations

from training.catalogue.entries import Material, Variant, coloured, grouted, named
from training.materials import lattices as m
from training.surface import RGB

_PALE, _DARK, _GAP = (0.75, 0.72, 0.68), (0.3, 0.29, 0.28), (0.13, 0.12, 0.11)
_WALL = ("weathered", "mossy", "dirty", "snowy", "cracked", "chipped", "painted", "large", "small")
_WOOD = ("weathered", "mossy", "dirty", "snowy", "chipped", "painted", "large", "small")
_FLOOR = ("weathered", "dirty", "cracked", "large", "small")
_TILED = (*_FLOOR, "mossy")
_WOODS: tuple[tuple[str, float, RGB], ...] = (
    ("oak", 3, (0.66, 0.47, 0.27)),
    ("walnut", 1, (0.33, 0.2, 0.12)),
    ("dark walnut", 0.7, (0.27, 0.16, 0.09)),
    ("pine", 1, (0.82, 0.65, 0.4)),
    ("mahogany", 1, (0.46, 0.17, 0.1)),
    ("grey", 1, (0.5, 0.48, 0.45)),
    ("brown", 1, (0.45, 0.28, 0.15)),
)

MASONRY: dict[str, Material] = {
    "bricks": Material(
        m.bricks,
        ("{a} bricks", "{a} bricks", "{a} brick wall", "{a} brick", "a wall of {a} bricks"),
        (
            Variant(("red",), ((0.6, 0.19, 0.12), _PALE), 10, "red"),
            *coloured(_PALE, colours=("orange", "brown", "black", "green", "blue")),
            *coloured(_PALE, colours=("dark red", "dark grey", "pink", "teal", "purple")),
            *coloured(_DARK, colours=("white", "grey", "yellow", "beige", "light grey"), often={"white": 2}),
        ),
        1.8,
        _WALL,
    ),
    "stone blocks": Material(
        m.stone_blocks,
        (
            "{a} stone blocks",
            "{a} stone wall",
            "{a} castle wall",
            "a wall of {a} stone blocks",
            "{a} masonry",
        ),
        named(
            ("grey", 4, (0.52, 0.51, 0.49)),
            ("brown", 1, (0.45, 0.36, 0.27)),
            ("beige", 1, (0.76, 0.67, 0.52)),
            ("dark grey", 1, (0.28, 0.28, 0.29)),
            extra=(_GAP,),
        ),
        0.9,
        ("weathered", "mossy", "snowy", "cracked", "veined", "large", "small"),
    ),
    "planks": Material(
        m.planks,
        (
            *("{a} wood planks", "{a} wood planks", "{a} wooden boards", "{a} planks", "{a} wooden planks"),
            *("{a} wood boards", "{a} wooden floor", "planks of {a} wood"),
        ),
        named(*_WOODS),
        1.5,
        _WOOD,
    ),
    "herringbone": Material(
        m.herringbone,
        (
            *(
                "{a} herringbone",
                "{a} herringbone parquet",
                "{a} herringbone floor",
                "{a} herringbone pattern",
            ),
            "herringbone {a} bricks",
        ),
        (
            *named(*_WOODS, extra=((0.14, 0.09, 0.06),)),
            *coloured(_PALE, colours=("red", "blue", "green", "dark grey", "teal", "black")),
            *coloured(_DARK, colours=("white", "light grey", "beige", "yellow", "orange")),
        ),
        1.1,
        _FLOOR,
    ),
    "tiles": Material(
        m.tiles,
        (
            "{a} ceramic tiles",
            "{a} tiles",
            "{a} tiles with {b} grout",
            "{a} square tiles",
            "{a} bathroom tiles",
        ),
        grouted(("white", 1.0), ("grey", 0.5), ("black", 0.4)),
        1.2,
        _TILED,
    ),
    "hexagon tiles": Material(
        m.hexagon_tiles,
        ("{a} hexagon tiles", "{a} hexagonal tiles", "{a} hexagon tiles with {b} grout", "{a} hexagons"),
        grouted(("white", 1.0), ("black", 0.7)),
        1.1,
        _TILED,
    ),
    "mosaic": Material(
        m.mosaic,
        ("{a} mosaic", "{a} mosaic tiles", "{a} stone mosaic", "a mosaic of {a} tiles"),
        tuple(
            Variant((word,), colours)
            for word, colours in {
                "blue": ((0.1, 0.25, 0.7), (0.35, 0.68, 0.9), (0.08, 0.5, 0.6), (0.9, 0.89, 0.86)),
                "green": ((0.12, 0.45, 0.2), (0.55, 0.75, 0.35), (0.1, 0.55, 0.5), (0.9, 0.89, 0.86)),
                "red": ((0.7, 0.13, 0.1), (0.9, 0.5, 0.2), (0.95, 0.75, 0.3), (0.88, 0.85, 0.8)),
                "colourful": ((0.8, 0.2, 0.15), (0.15, 0.35, 0.75), (0.95, 0.78, 0.2), (0.9, 0.89, 0.86)),
                "roman": ((0.8, 0.7, 0.52), (0.62, 0.3, 0.2), (0.25, 0.22, 0.22), (0.75, 0.72, 0.66)),
            }.items()
        ),
        0.7,
        _TILED,
    ),
}
