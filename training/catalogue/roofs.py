"""Roofing of the catalogue: lattices that came after the others, and go after them in every list."""

from __future__ import annotations

from training.catalogue.entries import Material, named
from training.materials import lattices, metals

ROOFS: dict[str, Material] = {
    "roof tiles": Material(
        lattices.roof_tiles,
        ("{a} roof tiles", "{a} roof tiles", "{a} clay roof tiles", "{a} pantiles", "a roof of {a} tiles"),
        named(
            ("red", 3, (0.66, 0.23, 0.14)),
            ("terracotta", 2, (0.76, 0.41, 0.26)),
            ("orange", 1, (0.86, 0.46, 0.2)),
            ("brown", 1.5, (0.45, 0.29, 0.19)),
            ("dark red", 1, (0.42, 0.12, 0.09)),
            ("grey", 1, (0.52, 0.53, 0.54)),
            ("dark grey", 1, (0.28, 0.29, 0.31)),
            ("green", 1, (0.2, 0.42, 0.25)),
            ("blue", 1, (0.17, 0.29, 0.56)),
        ),
        1.1,
        ("weathered", "mossy", "snowy", "dirty", "cracked", "large", "small"),
    ),
    "corrugated metal": Material(
        metals.corrugated,
        (
            *("{a} corrugated metal", "{a} corrugated metal", "corrugated {a} metal"),
            *("{a} corrugated iron", "{a} corrugated steel", "{a} corrugated sheet metal"),
        ),
        named(
            ("grey", 3, (0.58, 0.6, 0.62)),
            ("light grey", 1, (0.76, 0.77, 0.78)),
            ("white", 1, (0.8, 0.81, 0.82)),
            ("dark grey", 1, (0.28, 0.29, 0.31)),
            ("galvanized", 1, (0.66, 0.68, 0.69)),
            ("blue", 1, (0.17, 0.33, 0.62)),
            ("green", 1, (0.25, 0.42, 0.27)),
            ("red", 1, (0.65, 0.16, 0.12)),
        ),
        1.0,
        ("rusty", "rusty", "weathered", "dirty", "chipped", "painted", "snowy", "mossy", "large", "small"),
    ),
}
