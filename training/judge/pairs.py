"""The held-out pairs of prompt and shape that models are judged on: a fixed list, pairs.json.

``python -m training.judge.pairs`` makes the list anew from its seeds; needed only when the generator's looks
have changed, and results before and after can't be compared then.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import trimesh

from engine.errors import UserError
from engine.mesh.frame import to_unit_sphere
from engine.views.cameras import Camera
from training.captions import Look, caption, direction, random_look
from training.catalogue import MATERIALS
from training.pool import cast, random_camera
from training.shapes import Mesh, random_shape

LIST = Path(__file__).with_name("pairs.json")
COUNT = 60
LOOKS, SHAPES, CAMERAS = 90_001, 90_002, 90_003  # seeds that training never uses
PRIMITIVE_EVERY = 5
LEAST_SHARE = 0.12  # of a single view's pixels that show the object
TRIES = 12

_UPRIGHT = trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0])
PRIMITIVES: dict[str, Callable[[], trimesh.Trimesh]] = {
    "box": lambda: trimesh.creation.box([1, 1, 1]),
    "sphere": lambda: trimesh.creation.icosphere(subdivisions=4),
    "cylinder": lambda: trimesh.creation.cylinder(0.5, 1.2, sections=64).apply_transform(_UPRIGHT),
    "torus": lambda: trimesh.creation.torus(0.7, 0.28, 64, 32).apply_transform(_UPRIGHT),
    "cone": lambda: trimesh.creation.cone(0.6, 1.2, sections=64).apply_transform(_UPRIGHT),
    "capsule": lambda: trimesh.creation.capsule(0.8, 0.45).apply_transform(_UPRIGHT),
}


@dataclass(frozen=True)
class Pair:
    """``prompt`` without a view's direction, its labels (``colour`` None where none is named), the ``seed``
    of the look, the shape's name and the single view's angles in degrees."""

    prompt: str
    material: str
    colour: str | None
    seed: int
    shape: str
    azimuth: float
    elevation: float

    @property
    def camera(self) -> Camera:
        return Camera(self.azimuth, self.elevation)

    @property
    def mesh(self) -> Mesh:
        return shape(self.shape)

    @property
    def look(self) -> Look:
        return random_look(np.random.default_rng([LOOKS, self.seed]), self.material)


def load(path: Path = LIST) -> list[Pair]:
    """The committed pairs. Raises UserError when the generator no longer draws the looks they name."""
    pairs = [Pair(**entry) for entry in json.loads(path.read_text())]
    for pair in pairs:
        known = pair.material in MATERIALS
        if not known or _words(pair.seed, pair.material) != (pair.prompt, pair.colour):
            raise UserError(
                f"the generator no longer makes {pair.prompt!r}, which the held-out list names",
                "make the list anew: python -m training.judge.pairs",
            )
    return pairs


def shape(name: str) -> Mesh:
    """A primitive, or the held-out random shape "seeded N"; normalised as the engine does."""
    if name not in PRIMITIVES:
        return random_shape(np.random.default_rng([SHAPES, int(name.removeprefix("seeded "))]))
    mesh = PRIMITIVES[name]()
    vertices, _, _ = to_unit_sphere(np.asarray(mesh.vertices, np.float32))
    return vertices, np.asarray(mesh.faces, np.int32)


def make(count: int = COUNT) -> list[Pair]:
    """Every material once, then materials by weight, rather in looks whose colour can be judged; every fifth
    shape is a primitive."""
    rng = np.random.default_rng(LOOKS)
    weights = np.array([material.weight for material in MATERIALS.values()])
    more = rng.choice(list(MATERIALS), max(0, count - len(MATERIALS)), p=weights / weights.sum())
    materials = rng.permutation([*MATERIALS, *map(str, more)]).tolist()
    primitives = list(PRIMITIVES)
    pairs = []
    for index, material in enumerate(materials):
        turn, is_primitive = divmod(index, PRIMITIVE_EVERY)
        name = f"seeded {index}" if is_primitive else primitives[turn % len(primitives)]
        name, camera = _placed(name, np.random.default_rng([CAMERAS, index]))
        seed = next((s for s in (index, index + 100, index + 200) if _words(s, material)[1]), index)
        prompt, colour = _words(seed, material)
        pairs.append(Pair(prompt, material, colour, seed, name, camera.azimuth, camera.elevation))
    return pairs


def _words(seed: int, material: str) -> tuple[str, str | None]:
    """The prompt of a look in the caption generator's phrasing, and its colour."""
    rng = np.random.default_rng([LOOKS, seed])
    look = random_look(rng, material)
    prompt = caption(look, rng, 0, 0).removesuffix(f", {direction(0, 0)} view.")
    return prompt, look.colour


def _placed(name: str, rng: np.random.Generator) -> tuple[str, Camera]:
    """The shape and a camera of the generator's kind that sees enough of it; where none of TRIES does, of
    the next random shape."""
    while True:
        mesh = shape(name)
        for _ in range(TRIES):
            found = random_camera(rng)
            camera = Camera(round(found.azimuth, 1), round(found.elevation, 1))
            if np.isfinite(cast(mesh, camera, 64)[0]).mean() >= LEAST_SHARE:
                return name, camera
        name = f"seeded {int(rng.integers(1000, 10_000))}"


def _write() -> None:
    lines = ",\n".join(" " + json.dumps(asdict(pair)) for pair in make())
    LIST.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    _write()
