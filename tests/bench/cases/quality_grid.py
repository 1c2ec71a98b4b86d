"""What is textured in the benchmark of quality: methods, prompts, meshes; and where each result is kept."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine import settings as options
from engine.errors import UserError
from engine.models import sources
from engine.models.presets import Preset
from engine.options import choices
from engine.sync.methods import METHODS
from tests.bench.cases.meshes import own_meshes
from training.judge import pairs, textures

LEAST_MESHES = 6
PRIMITIVES = ("box", "torus", "cone", "cylinder", "capsule", "sphere")
WEIGHTS = (".json", ".safetensors", ".bin", ".ckpt", ".txt")  # of a model's folder, what makes its pictures


@dataclass(frozen=True)
class Arm:
    """One column of the comparison: a method, and where it averages: "latent", means as published, or "rgb",
    by the model's own defaults."""

    method: str
    space: str

    @property
    def name(self) -> str:
        both = options.averages_x0(self.method)
        return f"{self.method}:{self.space}" if both else self.method


@dataclass(frozen=True)
class Prompt:
    """What is asked for, and what the classifier should call it; colour None where none is named."""

    text: str
    material: str
    colour: str | None


@dataclass(frozen=True)
class Cell:
    """One texture to make. mesh: a file of the grid."""

    mesh: Path
    prompt: Prompt
    seed: int
    arm: Arm

    @property
    def block(self) -> tuple[str, str, int]:
        """What all arms have in common: results of one block are compared with each other."""
        return self.mesh.stem, self.prompt.text, self.seed


PROMPTS = (
    Prompt("red bricks", "bricks", "red"),
    Prompt("tiger stripes", "tiger", None),
    Prompt("blue denim", "denim", "blue"),
    Prompt("wooden planks", "planks", None),
    Prompt("veined grey marble", "marble", "grey"),
    Prompt("orange leather", "leather", "orange"),
)
DEFAULT = Arm("synctweedies", "rgb")  # the starter's; all others are compared with it
PUBLISHED = Arm("synctweedies", "latent")  # the papers average latents
ALONE = Arm("independent", "latent")  # its views are the single views


def arms() -> list[Arm]:
    """Every method of --method, in each space that it can average in; case 2 is synctweedies itself."""
    known = [name for name in choices.METHODS if name == DEFAULT.method or METHODS[name] != METHODS["case2"]]
    return [
        Arm(name, space)
        for name in known
        for space in ("rgb", "latent")
        if space == "latent" or options.averages_x0(name)
    ]


def chosen(names: list[str] | None) -> list[Arm]:
    """The arms that ``names`` ("case5", "case5:rgb") mean, None for all; always with the two that others are
    compared with."""
    every = arms()
    if names is None:
        return every
    names = [
        "synctweedies" + name.removeprefix("case2") if name.startswith("case2") else name for name in names
    ]
    for name in names:
        if not any(name in (arm.name, arm.method) for arm in every):
            raise UserError(f"no method is called {name}", f"choose of {', '.join(a.name for a in every)}")
    return [arm for arm in every if arm in (DEFAULT, ALONE) or arm.name in names or arm.method in names]


def meshes(folder: Path) -> list[Path]:
    """The files of the folder SYNC_TEXTURE_MESHES, and primitives written to ``folder``; six or more."""
    given = own_meshes()
    folder.mkdir(parents=True, exist_ok=True)
    made = PRIMITIVES[: max(2, LEAST_MESHES - len(given))]
    return [*given, *(textures.write_mesh(pairs.shape(name), folder / f"{name}.npz") for name in made)]


def cells(meshes: list[Path], prompts: list[Prompt], seeds: int, arms: list[Arm]) -> Iterator[Cell]:
    """The whole grid, block after block, in an order that soon has been through all meshes and prompts: a run
    that ends early has seen something of everything."""
    for seed in range(seeds):
        for turn in range(len(prompts)):
            for i, mesh in enumerate(meshes):
                for arm in arms:
                    yield Cell(mesh, prompts[(i + turn) % len(prompts)], seed, arm)


@dataclass(frozen=True)
class GridSettings:
    """What all cells share. steps and guidance: None is the model's own."""

    model: str
    device: str
    steps: int | None
    guidance: float | None
    texture_size: int
    views: str
    judge: Path


def fingerprint(settings: GridSettings, preset: Preset) -> str:
    """Hexadecimal: the same for the same weights, ``preset`` and settings that show in a texture."""
    said = asdict(settings) | {"model": weights(settings.model), "preset": vars(preset)}
    del said["judge"]
    return hashlib.sha256(json.dumps(said, sort_keys=True, default=dict).encode()).hexdigest()[:12]


def weights(model: str) -> str:
    """The hash of the model's files; raises UserError where there are none."""
    found = sources.find(model, lambda: None)
    digest = hashlib.sha256()
    for place in filter(None, (found.pipeline, found.checkpoint, found.controlnet)):
        within = sorted(p for p in place.rglob("*") if p.suffix in WEIGHTS) if place.is_dir() else [place]
        for path in within:
            digest.update(path.name.encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


class Store:
    """Results in a folder, a file each, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, cell: Cell) -> Path:
        """Where the result lies or will; its picture lies beside it as a .png."""
        shape = hashlib.sha256(cell.mesh.read_bytes()).hexdigest()[:6]
        words = [cell.mesh.stem, shape, cell.prompt.text.replace(" ", "_"), str(cell.seed), cell.arm.name]
        return self.folder / ("-".join(words).replace(":", "_") + ".json")

    def read(self, cell: Cell) -> dict[str, Any] | None:
        """The result; None while there is none."""
        try:
            found: dict[str, Any] = json.loads(self.path(cell).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    def write(self, cell: Cell, result: dict[str, Any], picture: bytes) -> None:
        """Keep ``result`` and its PNG."""
        path = self.path(cell)
        for place, content in ((path.with_suffix(".png"), picture), (path, json.dumps(result).encode())):
            part = place.with_name(f".{place.name}.{os.getpid()}")
            part.write_bytes(content)
            part.replace(place)
