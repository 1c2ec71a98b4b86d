"""What is written under a training picture, and the look it is painted with."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from training.catalogue import (
    ALL_COLOURS,
    EXTRAS,
    LATTICES,
    MATERIALS,
    SYNONYMS,
    Extra,
    Material,
    Variant,
)
from training.coat import Coat
from training.surface import RGB, Surface
from training.synonyms import spoken

VIEWS = ("front", "side", "back", "top", "bottom")
_FRAMES = ("{}",) * 10 + (
    *(
        "{} texture",
        "texture of {}",
        "seamless {} texture",
        "a photo of {}",
        "an object made of {}",
        "made of {}",
    ),
    *("{} material", "{} surface", "surface of {}", "3d object, {}", "covered with {}", "{} pattern"),
)
_ENDED = re.compile(r",| (with|in|on|under|painted|splattered|covered|pattern)\b")  # no word may follow
_SPELLINGS = (("grey", "gray"), ("colour", "color"), ("fibre", "fiber"), ("aluminium", "aluminum"))
_LATTICES_MORE = 2.0  # they are learned last: half of the pictures
FIRST = ("stripes", "checkerboard", "bricks", "planks")
ON_GROUND = ("polka dots", "stars")  # which colour is which, the words' order alone tells
# What the classifier missed most among three generated views of each material in looks as in training.
HARDER = (
    *("stone blocks", "herringbone", "hexagon tiles", "mosaic", "vertical stripes", "diagonal stripes"),
    *("polka dots", "stars", "diamonds", "basket weave", "knitted wool", "quilted", "shingles"),
    *("circuit board", "carbon fibre", "corrugated metal", "wood", "cork", "fabric", "leather", "fur"),
    *("cheese", "plastic", "crystal", "sandstone", "gravel", "terrazzo", "terracotta", "soil", "water"),
    *("painted metal", "metal", "brushed metal", "hammered metal", "patina"),
)
# Whose layout the noise that models of positions are told says most plainly (engine/controls/noise.py).
IRREGULAR = (
    *("zebra", "leopard", "giraffe", "cow", "cobblestone", "mossy cobblestone", "gravel", "marble", "lava"),
    *("camouflage", "blotches", "water", "cracked earth", "crackle ceramic", "crystal", "agate", "terrazzo"),
)
JOINTS = ("bricks", "polka dots", "stars", "roof tiles", "planks", "herringbone")  # forgotten first
METALLIC_WORDS = ("gold", "silver")  # of the colours that additions name
_EXTRAS = (0.74, 0.24, 0.02)  # shares of pictures with none, one and two extras


@dataclass(frozen=True)
class Addition:
    """An extra of a look: its name in EXTRAS, and the colour it names (word, sRGB), if it names one."""

    name: str
    word: str | None = None
    colour: RGB = (0.0, 0.0, 0.0)

    @property
    def extra(self) -> Extra:
        return EXTRAS[self.name]

    def paint(self, surface: Surface) -> Coat:
        """The colour it names, as paint or as the metal of that name."""
        metal = self.word in METALLIC_WORDS
        return Coat(surface.rgb(self.colour), 0.2 if metal else 0.4, float(metal))


@dataclass(frozen=True)
class Look:
    """A material in one colouring, perhaps with extras; colours wander a little around their names.

    ``material`` is its key in MATERIALS; ``colour`` the word of ALL_COLOURS that says its colour, None where
    none alone does.
    """

    material: str
    variant: Variant
    additions: tuple[Addition, ...]
    phrase: str

    @property
    def entry(self) -> Material:
        return MATERIALS[self.material]

    @property
    def colour(self) -> str | None:
        return None if any(added.extra.recolours for added in self.additions) else self.variant.colour

    def paint(self, surface: Surface) -> Coat:
        """What the surface is made of; albedo (n, 3) in [0, 1]."""
        gain = float(surface.rng.uniform(0.94, 1.06))
        scale = float(np.prod([added.extra.scale for added in self.additions]))
        colours = [surface.rgb(c) * gain for c in self.variant.colours]
        coat = self.entry.paint(replace(surface, scale=scale), colours)
        coat = self._finished(replace(coat, height=scale * coat.height))
        for added in self.additions:
            if added.extra.overlay:
                coat = added.extra.overlay(surface, coat, added.paint(surface))
        return replace(coat, albedo=coat.albedo.clamp(0, 1))

    def _finished(self, coat: Coat) -> Coat:
        """As smooth as the phrase says, where it says so and the material leaves that open."""
        said = [rough for word, rough in self.entry.finishes.items() if word in self.phrase.split()]
        return replace(coat, roughness=said[0]) if said else coat


def random_look(rng: np.random.Generator, name: str | None = None, plain: bool = False) -> Look:
    """A look of the named material, or of one drawn by weight; without extras if ``plain``."""
    if name is None:
        name = list(MATERIALS)[_drawn(rng, [_share(name) for name in MATERIALS])]
    material = MATERIALS[name]
    variant = material.variants[_drawn(rng, [variant.weight for variant in material.variants])]
    count = 0 if plain else _drawn(rng, _EXTRAS)
    return Look(name, variant, _additions(rng, material.extras, count), str(rng.choice(material.phrases)))


def lattice_look(rng: np.random.Generator, plain: bool = False) -> Look:
    """A look of a regular pattern, whose layout follows from the place on the object alone; without extras if
    ``plain``."""
    names = [name for name in MATERIALS if name in LATTICES]
    return random_look(rng, names[_drawn(rng, [MATERIALS[name].weight for name in names])], plain)


def first_look(rng: np.random.Generator) -> Look:
    """An early look of one of FIRST, with which pattern, place and words are put together soonest."""
    return _on_white(rng, random_look(rng, str(rng.choice(FIRST)), plain=True))


def early_look(rng: np.random.Generator) -> Look:
    """A look of a regular pattern without extras, two colours being one and white, so that a pattern has
    the same sign in all: over every pair the mean of a checkerboard is grey, and nothing to begin with."""
    return _on_white(rng, lattice_look(rng, plain=True))


def ground_look(rng: np.random.Generator) -> Look:
    """One of ON_GROUND, of which the mean over all pairs of colours is flat, every other time."""
    return (
        random_look(rng, str(rng.choice(ON_GROUND)), plain=True) if rng.random() < 0.5 else lattice_look(rng)
    )


def irregular_look(rng: np.random.Generator) -> Look:
    """One of IRREGULAR two times of three, of JOINTS one of seven; any otherwise, lest all become cells."""
    kind = rng.random()
    if kind < 0.65:
        return random_look(rng, str(rng.choice(IRREGULAR)), plain=True)
    return random_look(rng, str(rng.choice(JOINTS)) if kind < 0.8 else None)


def mixed_look(rng: np.random.Generator) -> Look:
    """One of ON_GROUND every seventh time, of IRREGULAR every fifth; any otherwise."""
    kind = rng.random()
    if kind < 0.15:
        return random_look(rng, str(rng.choice(ON_GROUND)), plain=True)
    return random_look(rng, str(rng.choice(IRREGULAR)) if kind < 0.35 else None)


def later_look(rng: np.random.Generator) -> Look:
    """One of HARDER every other time, any otherwise."""
    return random_look(rng, str(rng.choice(HARDER)) if rng.random() < 0.5 else None)


def _on_white(rng: np.random.Generator, look: Look) -> Look:
    variants = [v for v in look.entry.variants if v.words[1:] in ((), ("white",))]
    return replace(look, variant=variants[_drawn(rng, [v.weight for v in variants])])


def _share(name: str) -> float:
    return MATERIALS[name].weight * (_LATTICES_MORE if name in LATTICES else 1.0)


def _drawn(rng: np.random.Generator, weights: list[float] | tuple[float, ...]) -> int:
    shares = np.array(weights)
    return int(rng.choice(len(shares), p=shares / shares.sum()))


def _additions(rng: np.random.Generator, names: tuple[str, ...], count: int) -> tuple[Addition, ...]:
    chosen = dict.fromkeys(str(name) for name in rng.permutation(names)[:count])
    if "small" in chosen:
        chosen.pop("large", None)
    if "pale" in chosen:
        chosen.pop("dark", None)
    return tuple(_addition(rng, name) for name in chosen)


def _addition(rng: np.random.Generator, name: str) -> Addition:
    colours = EXTRAS[name].colours
    return Addition(name, *colours[rng.integers(len(colours))]) if colours else Addition(name)


def caption(look: Look, rng: np.random.Generator, azimuth: float, elevation: float) -> str:
    """A prompt someone might type for the look; most end in the view's direction, as the engine's do."""
    text = _described(look, rng)
    frame = str(rng.choice(_FRAMES))
    text = (frame if frame.endswith("{}") or not _ENDED.search(text) else "{}").format(text)
    for word, others in SYNONYMS.items():
        if word in text and rng.random() < 0.25:
            text = re.sub(rf"(?<!dark )(?<!light )\b{word}\b", str(rng.choice(others)), text)
    for british, american in _SPELLINGS:
        if rng.random() < 0.3:
            text = text.replace(british, american)
    if rng.random() < 0.6:
        text += f", {direction(azimuth, elevation)} view."
    return text


def _described(look: Look, rng: np.random.Generator) -> str:
    """The material in words, its colour before or after it, the extras around it or it below them."""
    words = dict(zip("ab", look.variant.words, strict=False))
    phrase = look.phrase
    if look.variant.colour and phrase.startswith("{a} ") and "{b}" not in phrase and rng.random() < 0.12:
        phrase = phrase[4:] + str(rng.choice([" in {a}", ", {a}"]))
    lead, before, after = [], [], []
    for added in look.additions:
        ways = [(added.extra.adjectives, before), (added.extra.endings, after)]
        if not lead:  # one thing lies on another
            ways.append((added.extra.leads, lead))
        texts, into = ways[_drawn(rng, [len(texts) for texts, _ in ways])]
        into.append(str(rng.choice(texts)).format(c=added.word))
    return " ".join([*lead, _joined(before, phrase.format(**words), after)])


def _joined(before: list[str], text: str, after: list[str]) -> str:
    """Adjectives, material, endings; an article stays in front."""
    if before and text.startswith("a "):
        before, text = ["a", *before], text[2:]
    endings = [f", {ending}" if ending.endswith("pattern") else f" {ending}" for ending in after]
    return " ".join([*before, text]) + "".join(sorted(endings, key=lambda ending: ending.startswith(",")))


def direction(azimuth: float, elevation: float) -> str:
    """The engine's word for a camera's side of the object (degrees)."""
    turn = abs((azimuth + 180) % 360 - 180)
    if elevation > 30:
        return "top"
    if elevation < -30:
        return "bottom"
    return "front" if turn <= 30 else "back" if turn >= 120 else "side"


def example(name: str) -> str:
    """The plainest prompt for the material, in a colouring of its own."""
    look = random_look(np.random.default_rng([7, list(MATERIALS).index(name)]), name, plain=True)
    return look.entry.phrases[0].format(**dict(zip("ab", look.variant.words, strict=False)))


def every_phrase() -> list[str]:
    """Every caption's parts without frame and view: with the captions themselves the vocabulary's source."""
    found = []
    for material in MATERIALS.values():
        for phrase in material.phrases:
            found += [phrase.format(**dict(zip("ab", v.words, strict=False))) for v in material.variants]
    for extra in EXTRAS.values():
        words = [word for word, _ in extra.colours] or [""]
        parts = (*extra.adjectives, *extra.endings, *extra.leads)
        found += [part.format(c=word) for part in parts for word in words]
    found += [*ALL_COLOURS, *(word for others in SYNONYMS.values() for word in others)]
    found += [frame.format("") for frame in _FRAMES] + [word for pair in _SPELLINGS for word in pair]
    return sorted({text.strip() for text in found} - {""})


def vocabulary() -> dict[str, object]:
    """What a person may choose from: materials with an example prompt each (``examples``, in the same order),
    colours, adjectives, what may follow a material (``additions``), words for views; and single words."""
    adjectives = {a for extra in EXTRAS.values() for a in extra.adjectives if "{" not in a}
    endings = {ending.format(c="red") for extra in EXTRAS.values() for ending in extra.endings}
    return {
        "materials": list(MATERIALS),
        "colours": list(ALL_COLOURS),
        "adjectives": sorted(adjectives),
        "examples": [example(name) for name in MATERIALS],
        "additions": sorted(endings),
        "views": list(VIEWS),
        **spoken(every_phrase(), _FRAMES, _SPELLINGS),
    }
