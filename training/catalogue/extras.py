"""Adjectives and second materials: what a prompt may add to a material, and what that does to the paint."""

from __future__ import annotations

from dataclasses import dataclass

from training.catalogue.entries import COLOURS
from training.materials import overlays as o
from training.surface import RGB

GOLD: RGB = (0.95, 0.7, 0.2)


@dataclass(frozen=True)
class Extra:
    """``adjectives`` go before the material, ``endings`` after it, ``leads`` in front of all else; {c} is one
    of ``colours``. ``scale`` enlarges the material's pattern. ``recolours``: the material's colour word no
    longer says all."""

    overlay: o.Overlay | None
    adjectives: tuple[str, ...]
    endings: tuple[str, ...] = ()
    colours: tuple[tuple[str, RGB], ...] = ()
    scale: float = 1.0
    recolours: bool = False
    leads: tuple[str, ...] = ()


_PAINTS = tuple(COLOURS.items())

EXTRAS: dict[str, Extra] = {
    "weathered": Extra(o.weathered, ("weathered", "weathered", "worn", "old", "aged")),
    "dirty": Extra(
        o.dirty,
        ("dirty", "dirty", "muddy", "grimy"),
        ("with mud", "with dirt", "covered in mud"),
        leads=("mud on",),
    ),
    "mossy": Extra(
        o.mossy,
        ("mossy", "mossy", "moss covered", "overgrown"),
        ("with moss", "with moss", "and moss", "covered in moss", "covered with moss", "with green moss"),
        recolours=True,
        leads=("moss on", "moss on", "green moss on", "moss growing on"),
    ),
    "rusty": Extra(
        o.rusty,
        ("rusty", "rusty", "rusted"),
        ("with rust", "with rust stains", "and rust", "covered in rust"),
        recolours=True,
        leads=("rust on", "rust stains on"),
    ),
    "snowy": Extra(
        o.snowy,
        ("snowy", "snow covered"),
        ("with snow", "with snow on top", "covered in snow", "covered with snow", "and snow"),
        recolours=True,
        leads=("snow on", "snow on", "snow on top of"),
    ),
    "cracked": Extra(o.cracked, ("cracked", "cracked", "broken"), ("with cracks",)),
    "chipped": Extra(
        o.chipped,
        ("chipped {c} painted", "peeling {c} painted"),
        ("with {c} paint", "with peeling {c} paint", "with chipped {c} paint", "under peeling {c} paint"),
        _PAINTS,
        recolours=True,
        leads=("{c} paint on", "peeling {c} paint on", "chipped {c} paint on"),
    ),
    "painted": Extra(
        o.painted, ("{c} painted", "{c} painted"), ("painted {c}", "painted in {c}"), _PAINTS, recolours=True
    ),
    "splattered": Extra(
        o.splattered,
        (),
        ("with {c} paint splatters", "splattered with {c} paint", "with {c} spots", "with {c} splashes"),
        _PAINTS,
        recolours=True,
    ),
    "veined": Extra(
        o.veined,
        (),
        ("with {c} veins", "and {c} veins", "with veins of {c}"),
        (("gold", GOLD), ("gold", GOLD), ("silver", (0.8, 0.81, 0.84)), *_PAINTS),
        leads=("{c} veins in",),
    ),
    "dark": Extra(o.dark, ("dark",), recolours=True),
    "pale": Extra(o.pale, ("pale", "faded", "bleached"), recolours=True),
    "polished": Extra(o.gleaming, ("polished", "polished", "glossy", "shiny")),
    "large": Extra(None, ("large", "big", "huge"), ("large pattern", "big pattern"), scale=2.0),
    "small": Extra(None, ("small", "tiny", "fine"), ("small pattern", "fine pattern"), scale=0.5),
}
