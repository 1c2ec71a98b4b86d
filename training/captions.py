"""What is written under a training picture, and the look it is painted with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training import materials as m
from training.catalogue import ALL_COLOURS, MATERIALS, Material, Variant
from training.surface import Surface
from training.synonyms import spoken

ADJECTIVES: dict[str, tuple[str, ...]] = {  # what ages a material, and the words for it
    "weathered": ("weathered", "weathered", "worn", "old", "dirty"),
    "mossy": ("mossy", "moss covered"),
    "rusty": ("rusty", "rusted"),
}
_AGE = {"weathered": m.weathered, "mossy": m.overgrown, "rusty": m.rusted}
_FRAMES = ("{}",) * 8 + (
    "{} texture",
    "a photo of {}",
    "an object made of {}",
    "{} material",
    "a {} surface",
    "3d object, {}",
)
_SPELLINGS = (("grey", "gray"), ("colour", "color"))


@dataclass(frozen=True)
class Look:
    """A material in one colouring, perhaps aged; colours wander a little around their names."""

    material: Material
    variant: Variant
    age: str | None
    phrase: str

    def paint(self, surface: Surface) -> Tensor:
        """Albedo (n, 3) in [0, 1]."""
        gain = torch.from_numpy(surface.rng.uniform(0.94, 1.06, 1).astype(np.float32))
        albedo = self.material.paint(surface, [torch.tensor(c) * gain for c in self.variant.colours])
        if self.age:
            albedo = _AGE[self.age](surface, albedo)
        return albedo.clamp(0, 1)


def random_look(rng: np.random.Generator, name: str | None = None) -> Look:
    """A look of the named material, or of one drawn by weight."""
    if name is None:
        weights = np.array([material.weight for material in MATERIALS.values()])
        name = list(MATERIALS)[rng.choice(len(weights), p=weights / weights.sum())]
    material = MATERIALS[name]
    weights = np.array([variant.weight for variant in material.variants])
    variant = material.variants[rng.choice(len(weights), p=weights / weights.sum())]
    age = str(rng.choice(material.ages)) if material.ages and rng.random() < 0.25 else None
    return Look(material, variant, age, str(rng.choice(material.phrases)))


def caption(look: Look, rng: np.random.Generator, azimuth: float, elevation: float) -> str:
    """A prompt someone might type for the look; most end in the view's direction, as the engine's do."""
    words = dict(zip("ab", look.variant.words, strict=False))
    if "{b}" in look.phrase and look.phrase.startswith("{a} and") and rng.random() < 0.5:
        words["a"], words["b"] = words["b"], words["a"]
    text = look.phrase.format(**words)
    if look.age:
        text = f"{rng.choice(ADJECTIVES[look.age])} {text}"
    text = str(rng.choice(_FRAMES)).format(text)
    for british, american in _SPELLINGS:
        if rng.random() < 0.3:
            text = text.replace(british, american)
    if rng.random() < 0.6:
        text += f", {direction(azimuth, elevation)} view."
    return text


def direction(azimuth: float, elevation: float) -> str:
    """The engine's word for a camera's side of the object (degrees)."""
    turn = abs((azimuth + 180) % 360 - 180)
    if elevation > 30:
        return "top"
    if elevation < -30:
        return "bottom"
    return "front" if turn <= 30 else "back" if turn >= 120 else "side"


def every_phrase() -> list[str]:
    """Every caption without frame, age and view: the vocabulary's source."""
    found = []
    for material in MATERIALS.values():
        for phrase in material.phrases:
            found += [phrase.format(**dict(zip("ab", v.words, strict=False))) for v in material.variants]
    return sorted(set(found))


def vocabulary() -> dict[str, object]:
    """What a person may choose from (materials, colours, adjectives, example prompts), and single words."""
    examples = [
        look.material.phrases[0].format(**dict(zip("ab", look.variant.words, strict=False)))
        for look in (random_look(np.random.default_rng([7, i]), name) for i, name in enumerate(MATERIALS))
    ]
    words = sorted({word for group in ADJECTIVES.values() for word in group})
    return {
        "materials": list(MATERIALS),
        "colours": list(ALL_COLOURS),
        "adjectives": words,
        "examples": examples,
        **spoken([*every_phrase(), *ALL_COLOURS, *words], _FRAMES, _SPELLINGS),
    }
