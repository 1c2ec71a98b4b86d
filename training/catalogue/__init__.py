"""What the starter model knows: every material with its names, colours and share of the training pictures."""

from training.catalogue.entries import ALL_COLOURS, COLOURS, SYNONYMS, Material, Variant
from training.catalogue.extras import EXTRAS, Extra
from training.catalogue.lattices import LATTICES
from training.catalogue.metal import METALS
from training.catalogue.mineral import MINERALS
from training.catalogue.soft import SOFT

MATERIALS: dict[str, Material] = {**LATTICES, **SOFT, **MINERALS, **METALS}

__all__ = [
    "ALL_COLOURS",
    "COLOURS",
    "EXTRAS",
    "LATTICES",
    "MATERIALS",
    "SYNONYMS",
    "Extra",
    "Material",
    "Variant",
]
