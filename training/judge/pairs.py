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
from engine.views.cameras import DISTANCE, Camera
from training.captions import Look, caption, direction, random_look
from training.catalogue import EXTRAS, MATERIALS
from training.pool import cast, close_up, random_camera
from training.shapes import Mesh, random_shape

Point = tuple[float, float, float]

LIST = Path(__file__).with_name("pairs.json")
COUNT, CLOSE, STEEP = 120, 30, 24  # pairs, of them close-ups, and views from above or below
LOOKS, SHAPES, CAMERAS = 90_001, 90_002, 90_003  # seeds that training never uses
PRIMITIVE_EVERY = 5
LEAST_SHARE = 0.12  # of a single view's pixels that show the object
TRIES = 12
LEAST_ZOOM = 2.0  # of a close-up; the most is the pool's
STEEPEST = 60.0  # degrees of elevation, either way: beyond it an object is seen from above or below
TWICE = 2  # pairs made for each extra, beside those that come by chance
SEEDS = 2000  # tried for a look that has an extra

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
    of the look, the shape's name and the single view's angles in degrees. A close-up has a ``distance`` and a
    ``target`` of its own, as engine.views.cameras.Camera."""

    prompt: str
    material: str
    colour: str | None
    seed: int
    shape: str
    azimuth: float
    elevation: float
    distance: float = DISTANCE
    target: Point = (0.0, 0.0, 0.0)

    @property
    def camera(self) -> Camera:
        return Camera(self.azimuth, self.elevation, self.distance, target=self.target)

    @property
    def is_close_up(self) -> bool:
        return self.distance < DISTANCE

    @property
    def is_steep(self) -> bool:
        """Whether all of it is seen, from above or below."""
        return not self.is_close_up and abs(self.elevation) > STEEPEST

    @property
    def extras(self) -> list[str]:
        """Names in EXTRAS."""
        return [added.name for added in self.look.additions]

    @property
    def mesh(self) -> Mesh:
        return shape(self.shape)

    @property
    def look(self) -> Look:
        return random_look(np.random.default_rng([LOOKS, self.seed]), self.material)


def load(path: Path = LIST) -> list[Pair]:
    """The committed pairs. Raises UserError when the generator no longer draws the looks they name."""
    pairs = [Pair(**{**entry, "target": tuple(entry["target"])}) for entry in json.loads(path.read_text())]
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
    """Every material once, then materials by weight; every extra of the catalogue TWICE, and otherwise rather
    looks whose colour can be judged. Every fifth shape is a primitive; fixed shares of the views are
    close-ups and lie above or below."""
    rng = np.random.default_rng(LOOKS)
    weights = np.array([material.weight for material in MATERIALS.values()])
    more = rng.choice(list(MATERIALS), max(0, count - len(MATERIALS)), p=weights / weights.sum())
    materials = rng.permutation([*MATERIALS, *map(str, more)]).tolist()
    close, steep = (round(count * share / COUNT) for share in (CLOSE, STEEP))
    kinds = rng.permutation(["close"] * close + ["steep"] * steep + ["any"] * (count - close - steep))
    extras = _extras(materials, rng)
    primitives = list(PRIMITIVES)
    pairs = []
    for index, material in enumerate(materials):
        turn, is_primitive = divmod(index, PRIMITIVE_EVERY)
        name = f"seeded {index}" if is_primitive else primitives[turn % len(primitives)]
        name, camera = _placed(name, str(kinds[index]), np.random.default_rng([CAMERAS, index]))
        seed = _seed(index, count, material, extras.get(index))
        prompt, colour = _words(seed, material)
        angles, rest = (camera.azimuth, camera.elevation), (camera.distance, camera.target)
        pairs.append(Pair(prompt, material, colour, seed, name, *angles, *rest))
    return pairs


def _extras(materials: list[str], rng: np.random.Generator) -> dict[int, str]:
    """Which pair is to have which extra: TWICE each that is taught, the rarest first, where its material
    takes it."""
    chosen: dict[int, str] = {}
    takers = {name: [i for i, m in enumerate(materials) if name in MATERIALS[m].extras] for name in EXTRAS}
    for name, taking in sorted(takers.items(), key=lambda each: len(each[1])):
        free = [index for index in taking if index not in chosen]
        chosen |= {int(index): name for index in rng.permutation(free)[:TWICE]}
    return chosen


def _seed(index: int, count: int, material: str, extra: str | None) -> int:
    """A seed that no other index has: of a look with ``extra``, or where that is None rather of one whose
    colour can be judged."""
    if extra is None:
        own = (index, index + count, index + 2 * count)
        return next((seed for seed in own if _words(seed, material)[1]), index)
    own = range(index, index + SEEDS * count, count)
    return next(seed for seed in own if extra in _extras_of(seed, material))


def _extras_of(seed: int, material: str) -> list[str]:
    look = random_look(np.random.default_rng([LOOKS, seed]), material)
    return [added.name for added in look.additions]


def _words(seed: int, material: str) -> tuple[str, str | None]:
    """The prompt of a look in the caption generator's phrasing, and its colour."""
    rng = np.random.default_rng([LOOKS, seed])
    look = random_look(rng, material)
    prompt = caption(look, rng, 0, 0).removesuffix(f", {direction(0, 0)} view.")
    return prompt, look.colour


def _placed(name: str, kind: str, rng: np.random.Generator) -> tuple[str, Camera]:
    """The shape and a camera of the ``kind`` that sees enough of it; where none of TRIES does, of the next
    random shape."""
    while True:
        mesh = shape(name)
        for _ in range(TRIES):
            camera = _camera(mesh, kind, rng)
            if np.isfinite(cast(mesh, camera, 64)[0]).mean() >= LEAST_SHARE:
                return name, camera
        name = f"seeded {int(rng.integers(1000, 10_000))}"


def _camera(mesh: Mesh, kind: str, rng: np.random.Generator) -> Camera:
    """ "steep": from above or below; else of the generator's kind, not steep, "close" on a place of it."""
    if kind == "steep":
        side = rng.choice([-1.0, 1.0])
        return _rounded(Camera(rng.uniform(-180, 180), side * rng.uniform(STEEPEST + 1, 90)))
    found = random_camera(rng)
    while abs(found.elevation) > STEEPEST:
        found = random_camera(rng)
    return _rounded(close_up(mesh, found, rng, LEAST_ZOOM) if kind == "close" else found)


def _rounded(camera: Camera) -> Camera:
    x, y, z = (round(float(value), 3) for value in camera.target)
    azimuth, elevation = round(float(camera.azimuth), 1), round(float(camera.elevation), 1)
    return Camera(azimuth, elevation, round(float(camera.distance), 3), target=(x, y, z))


def _write() -> None:
    lines = ",\n".join(" " + json.dumps(asdict(pair)) for pair in make())
    LIST.write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    _write()
