"""The second judge: taught apart from the first, on pictures, shapes and looks of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.captions import Addition, Look, random_look
from training.catalogue import EXTRAS, MATERIALS
from training.data import draw
from training.fields import Fields
from training.judge import examples
from training.judge.patches import CROP, Lessons, PatchClassifier, fit
from training.pool import Pool, build

TEACHING = 92_001  # seed of shapes, views and looks
PICTURES, STEPS = 4000, 2400  # eight CPU-minutes in all
STORED = CROP + 16  # pixels cut for a picture, with room for crops to move in


def visible(names: Iterable[str]) -> list[str]:
    """The extras that lie on a material, of ``names``; what words of scale do is measured by itself."""
    return [name for name in names if EXTRAS[name].overlay]


def classifier(folder: Path, noise: Fields, log: examples.Log) -> PatchClassifier:
    """The second judge kept in ``folder`` or examples.KEPT; taught first where neither has one for today's
    catalogue."""
    path = folder / "second.safetensors"
    if (found := kept(path) or kept(examples.KEPT / path.name)) is None:
        shapes = build(folder / "second", 60, 4, seed=TEACHING, workers=1, close_ups=examples.CLOSE_UPS)
        lessons, materials, extras = teach(shapes, noise, PICTURES, log)
        torch.manual_seed(TEACHING)
        found = PatchClassifier(materials, extras)
        fit(found, lessons, STEPS, TEACHING, log)
        keep(found, path)
    return found.eval()


def keep(found: PatchClassifier, path: Path) -> None:
    """Write the judge with its labels and today's catalogue."""
    examples.write(found, path, materials=found.materials, extras=found.extras)


def kept(path: Path) -> PatchClassifier | None:
    """The judge in ``path``, if there is one that was taught today's catalogue."""
    return examples.read(path, PatchClassifier, "materials", "extras")


def teach(
    shapes: Pool, noise: Fields, count: int, log: examples.Log
) -> tuple[Lessons, tuple[str, ...], tuple[str, ...]]:
    """``count`` pictures, cut about a place on the object, and the names of the labels: as many of each
    material in looks without extras, and as many of each extra, by turns."""
    materials = tuple(sorted(MATERIALS))
    extras = tuple(sorted({name for material in MATERIALS.values() for name in visible(material.extras)}))
    cut, looks = [], []
    for index in range(count):
        rng = np.random.default_rng([TEACHING, index])
        turn, with_extra = divmod(index, 2)
        name = extras[turn % len(extras)] if with_extra else None
        looks.append(_look(rng, materials[turn % len(materials)], name))
        picture, mask = draw(shapes[int(rng.integers(len(shapes)))], looks[-1], noise, rng)
        cut.append((examples.cut(torch.cat([picture, mask]), STORED, rng) * 255).round().to(torch.uint8))
        if index % 1000 == 999:
            log(f"second classifier: {index + 1} of {count} pictures painted")
    both = torch.stack(cut)
    lessons = Lessons(
        both[:, :3],
        both[:, 3:],
        torch.tensor([materials.index(look.material) for look in looks]),
        _marked(extras, [[added.name for added in look.additions] for look in looks]),
        _marked(extras, [list(look.entry.extras) for look in looks]),
    )
    return lessons, materials, extras


def _look(rng: np.random.Generator, material: str, extra: str | None) -> Look:
    """A look of ``material`` without extras; with an ``extra``, of any material that takes it."""
    if extra is None:
        return random_look(rng, material, plain=True)
    taking = [name for name, entry in MATERIALS.items() if extra in entry.extras]
    return with_extra(rng, random_look(rng, str(rng.choice(taking)), plain=True), extra)


def with_extra(rng: np.random.Generator, look: Look, extra: str) -> Look:
    """``look`` with the ``extra`` alone, in one of its colours."""
    colours = EXTRAS[extra].colours
    added = Addition(extra, *colours[rng.integers(len(colours))]) if colours else Addition(extra)
    return replace(look, additions=(added,))


def _marked(names: tuple[str, ...], each: list[list[str]]) -> Tensor:
    """(N, E) float32: 1 where a name is among those of a picture."""
    return torch.tensor([[float(name in has) for name in names] for has in each])
