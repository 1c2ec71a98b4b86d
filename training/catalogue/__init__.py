"""What the starter model knows: every material with its names, colours and share of the training pictures."""

from training.catalogue.entries import ALL_COLOURS, COLOURS, SYNONYMS, Material, Variant
from training.catalogue.extras import EXTRAS, Extra
from training.catalogue.lattices import PATTERNS
from training.catalogue.metal import METALS
from training.catalogue.mineral import MINERALS
from training.catalogue.roofs import ROOFS
from training.catalogue.soft import SOFT

LATTICES = {**PATTERNS, **ROOFS}
# The order stays, new ones last: a material's number draws the colours of its example.
MATERIALS: dict[str, Material] = {**PATTERNS, **SOFT, **MINERALS, **METALS, **ROOFS}

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
