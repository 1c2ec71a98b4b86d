"""Pictures by the training generator that its training never sees: other shapes, other noise, other looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from engine.views.cameras import Camera
from training.captions import Look, random_look
from training.catalogue import MATERIALS
from training.coat import Coat
from training.data import draw, painted, pictured
from training.fields import Fields
from training.judge.classifier import CROP, SHRINK, Classifier, Examples, fit, shrunk
from training.judge.pairs import CLOSE, COUNT, Pair
from training.pool import SIZE, Pool, View, build, render

TEACHING, HELD_OUT = 91_001, 91_002  # seeds of shapes, views and looks
FIELDS = 91_003
CLOSE_UPS = CLOSE / COUNT  # of all views, as among the pairs
PICTURES, STEPS = 12_000, 9000  # teaching pictures, training steps: half a CPU-hour in all
KEPT = Path(__file__).parent / "kept"  # judges taught at full length, so that figures can be compared
STORED = (CROP + 16) * SHRINK  # pixels cut for a teaching picture, with room for crops to move in

Log = Callable[[str], None]


@dataclass(frozen=True)
class Reference:
    """Real pictures (N, 3, SIZE, SIZE) float32 over mid-grey, masks (N, 1, SIZE, SIZE), and their labels."""

    pictures: Tensor
    mask: Tensor
    materials: list[str]
    colours: list[str | None]


def fields(folder: Path) -> Fields:
    """The judge's own noise volumes."""
    return Fields.cached(folder / "fields.npz", seed=FIELDS)


def held_out(folder: Path, noise: Fields, count: int) -> Reference:
    """``count`` pictures of looks drawn by weight, on shapes that nothing else uses."""
    shapes = build(folder / "held_out_near", 40, 3, seed=HELD_OUT, workers=1, close_ups=CLOSE_UPS)
    looks, pictures = [], []
    for index in range(count):
        rng = np.random.default_rng([HELD_OUT, index])
        view = shapes[int(rng.integers(len(shapes)))]
        looks.append(random_look(rng))
        pictures.append(draw(view, looks[-1], noise, rng))
    return _reference(pictures, looks)


def of_pairs(pairs: list[Pair], noise: Fields) -> Reference:
    """What the generator would have painted for each pair's single view."""
    pictures = [_seen(pair, pair.camera, noise) for pair in pairs]
    return _reference(pictures, [pair.look for pair in pairs])


def turned(pair: Pair, cameras: Sequence[Camera], noise: Fields) -> list[tuple[Tensor, Tensor]]:
    """The same for other cameras: each a picture (3, SIZE, SIZE) and a mask (1, SIZE, SIZE)."""
    return [_seen(pair, camera, noise) for camera in cameras]


def _seen(pair: Pair, camera: Camera, noise: Fields) -> tuple[Tensor, Tensor]:
    view = render(pair.mesh, camera)
    return pictured(view, coat_of(view, pair, noise))


def coat_of(view: View, pair: Pair, noise: Fields) -> Coat:
    """What the points of ``view`` are made of in the pair's look; the same pattern whatever the view."""
    return painted(view, pair.look, noise, np.random.default_rng([HELD_OUT, pair.seed]))


def _reference(pictures: list[tuple[Tensor, Tensor]], looks: list[Look]) -> Reference:
    found, masks = zip(*pictures, strict=True)
    return Reference(
        torch.stack(found),
        torch.stack(masks),
        [look.material for look in looks],
        [look.colour for look in looks],
    )


def classifier(folder: Path, noise: Fields, log: Log) -> Classifier:
    """The classifier kept in ``folder`` or KEPT; taught first where neither has one for today's catalogue."""
    path = folder / "classifier.safetensors"
    if (found := kept(path) or kept(KEPT / path.name)) is None:
        shapes = build(folder / "teaching_near", 110, 4, seed=TEACHING, workers=1, close_ups=CLOSE_UPS)
        found = taught(*teach(shapes, noise, PICTURES, log), STEPS, log)
        keep(found, path)
    return found.eval()


def taught(
    data: Examples, materials: tuple[str, ...], colours: tuple[str, ...], steps: int, log: Log
) -> Classifier:
    """A classifier trained on ``data``; the same for the same data and steps."""
    torch.manual_seed(TEACHING)
    found = Classifier(materials, colours)
    fit(found, data, steps, TEACHING, log)
    return found


def keep(found: Classifier, path: Path) -> None:
    """Write the classifier with its labels and today's catalogue."""
    write(found, path, materials=found.materials, colours=found.colours)


def kept(path: Path) -> Classifier | None:
    """The classifier in ``path``, if there is one that was taught today's catalogue."""
    return read(path, Classifier, "materials", "colours")


def write(judge: nn.Module, path: Path, **labels: tuple[str, ...]) -> None:
    """A judge with its ``labels`` and today's catalogue."""
    said = {name: "\n".join(words) for name, words in labels.items()} | {"catalogue": catalogue()}
    save_file({name: value.contiguous() for name, value in judge.state_dict().items()}, path, said)


Judge = TypeVar("Judge", bound=nn.Module)


def read(path: Path, make: Callable[..., Judge], *labels: str) -> Judge | None:
    """The judge that ``write`` left in ``path``, made of its ``labels`` in this order; None where there is
    none that was taught today's catalogue."""
    if not path.exists():
        return None
    with safe_open(path, "pt") as file:
        said = file.metadata()
    if said["catalogue"] != catalogue():
        return None
    found = make(*(tuple(said[name].split("\n")) for name in labels))
    found.load_state_dict(load_file(path))
    return found


def catalogue() -> str:
    """What a judge must have been taught to judge today's pictures."""
    return f"{SIZE} pixels, close-ups {CLOSE_UPS}: " + ", ".join(
        f"{name} {sorted({variant.words for variant in material.variants})} {material.extras}"
        for name, material in MATERIALS.items()
    )


def teach(
    shapes: Pool, noise: Fields, count: int, log: Log
) -> tuple[Examples, tuple[str, ...], tuple[str, ...]]:
    """``count`` pictures, as many of each material, cut about a place on the object and shrunk; and the
    names of the labels."""
    names = list(MATERIALS)
    taken, looks = [], []
    for index in range(count):
        rng = np.random.default_rng([TEACHING, index])
        look = random_look(rng, names[index % len(names)])
        picture, mask = draw(shapes[int(rng.integers(len(shapes)))], look, noise, rng)
        shown = shrunk(cut(torch.cat([picture, mask]), STORED, rng)[None])[0]
        taken.append((shown * 255).round().to(torch.uint8))
        looks.append(look)
        if index % 1000 == 999:
            log(f"classifier: {index + 1} of {count} pictures painted")
    materials = tuple(sorted({look.material for look in looks}))
    colours = tuple(sorted({look.colour for look in looks if look.colour}))
    both = torch.stack(taken)
    data = Examples(
        both[:, :3],
        both[:, 3:],
        torch.tensor([materials.index(look.material) for look in looks]),
        torch.tensor([colours.index(look.colour) if look.colour else -1 for look in looks]),
    )
    return data, materials, colours


def cut(both: Tensor, side: int, rng: np.random.Generator) -> Tensor:
    """(4, side, side) in [0, 1]: of picture and mask (4, SIZE, SIZE), about a random pixel of the object."""
    inside = (both[3] > 0.5).nonzero()
    centre = inside[int(rng.integers(len(inside)))] - side // 2
    row, column = centre.clamp(0, both.shape[-1] - side).tolist()
    return both[:, row : row + side, column : column + side].clamp(0, 1)
