"""Models that tell a surface's material from pictures of it: by name or as folders, and what they tell.

They are Marigold's (Ke et al. 2024, "Repurposing Diffusion-Based Image Generators for Monocular Depth
Estimation", and its extension to intrinsic images) in diffusers layout: a pipeline of Stable Diffusion's
parts, whose ``model_index.json`` says which pictures, "targets", its network paints of another one. Reads no
weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..options.channels import CHANNELS, Channel
from ..options.values import cut, short
from . import families, files, links, sources
from .catalogue import ESTIMATORS
from .checks import latent_channels, view_shape
from .files import AGAIN, read_json
from .sources import HUB_ID, Fetch

INTRINSICS, NORMALS = "MarigoldIntrinsicsPipeline", "MarigoldNormalsPipeline"
MOST_TARGETS, MOST_STEPS = 8, 1000
# What targets are called there, and the channels that they are.
_NAMES = {"albedo": "base_color", "roughness": "roughness", "metallicity": "metallic"}
_FIX = f"choose {', '.join(ESTIMATORS)}, or another Marigold model for intrinsic images or normals"


@dataclass(frozen=True)
class Told:
    """Where a channel is among a model's pictures. numbers: places among the three of each of its targets
    side by side. light: whether they are linear light, of which a colour is sRGB. to_scale: whether they are
    right but for a factor. facing: whether they are vectors, of which a normal has the direction."""

    numbers: tuple[int, ...]
    light: bool = False
    to_scale: bool = False
    facing: bool = False


@dataclass(frozen=True)
class EstimatorFiles:
    """An estimator as its configs have it. name: as it was given. folder: of its pipeline. targets: how many
    pictures it paints of each. steps: that it takes. told: by channels. pixels: across a latent. normals:
    whether its picture is of those, seen by the camera. whole: whether their z is in [-1, 1], not [0, 1].
    side: pixels across what it was trained on, 0 where it doesn't say."""

    name: str
    folder: Path
    targets: int
    steps: int
    told: Mapping[Channel, Told]
    pixels: int
    normals: bool = False
    whole: bool = True
    side: int = 0


def find(asked: Sequence[str], fetch: Fetch) -> tuple[EstimatorFiles, ...]:
    """The estimators ``asked`` for, downloaded if need be. Raises UserError for what is none, and what
    ``fetch.check`` raises."""
    return tuple(read(name, _folder(name, fetch)) for name in filter(None, map(str.strip, asked)))


def _folder(name: str, fetch: Fetch) -> Path:
    entry, parts = ESTIMATORS.get(name), families.STABLE_DIFFUSION.all
    if entry and entry.base:
        return sources.from_hub(entry.base, parts, fetch)
    path = files.local(links.resolve(name))
    if path.is_dir():
        return path
    if path.exists():
        raise UserError(f"{{estimator}}: {path} is a file, no Marigold model", _FIX, estimator=None)
    if ":" not in name and HUB_ID.fullmatch(name):
        return sources.from_hub(name, parts, fetch)
    raise UserError(f"{{estimator}}: there is no estimator {short(name)}", _FIX, estimator=None)


def is_one(folder: Path) -> bool:
    """Whether the pipeline in ``folder`` says that it is one, of any kind; not where it can't be read."""
    try:
        return _kind(folder).startswith("Marigold")
    except UserError:
        return False


def _kind(folder: Path) -> str:
    index = folder / "model_index.json"
    return str(read_json(index).get("_class_name", "")) if index.is_file() else ""


def read(name: str, folder: Path) -> EstimatorFiles:
    """What the estimator ``name`` in ``folder`` is. Raises UserError for anything else."""
    kind = _kind(folder)
    if kind not in (INTRINSICS, NORMALS):
        raise _another(folder, kind)
    if absent := _absent(folder):
        what = f"{{estimator}}: {folder} lacks {', '.join(absent)}"
        raise UserError(what, AGAIN, estimator=None)
    index = read_json(folder / "model_index.json")
    names, told = (["normals"], _FACING) if kind == NORMALS else _intrinsics(folder, index)
    steps, whole = _numbers(folder, index)
    pixels = _pixels(folder, len(names))
    side = index.get("default_processing_resolution")
    side = side if type(side) is int and side > 0 else 0
    return EstimatorFiles(name, folder, len(names), steps, told, pixels, kind == NORMALS, whole, side)


_FACING = {CHANNELS["normal"]: Told((0, 1, 2), facing=True)}


def _numbers(folder: Path, index: Mapping[str, Any]) -> tuple[int, bool]:
    """How many steps a model takes, and whether its normals' z is whole. Raises UserError."""
    steps, whole = index.get("default_denoising_steps"), index.get("use_full_z_range", True)
    if type(steps) is not int or not 1 <= steps <= MOST_STEPS:
        what = f"the default_denoising_steps of {folder} are {short(steps)}"
    elif not isinstance(whole, bool):
        what = f"the use_full_z_range of {folder} is {short(whole)}"
    else:
        return steps, whole
    raise UserError(f"{{estimator}}: {what}", AGAIN, estimator=None)


def _intrinsics(folder: Path, index: Mapping[str, Any]) -> tuple[list[str], dict[Channel, Told]]:
    """The targets of a model for intrinsic images, and what they tell. Raises UserError for what can't be
    read, and where it tells nothing."""
    try:
        names, told = _targets(index.get("target_properties"))
    except ValueError as error:
        what = f"{{estimator}}: the target_properties of {folder} can't be used: {error}"
        raise UserError(what, AGAIN, estimator=None) from error
    if not told:
        what = f"{{estimator}}: {folder} tells {', '.join(names)}, nothing that a material has"
        raise UserError(what, _FIX, estimator=None)
    return names, told


def _another(folder: Path, kind: str) -> UserError:
    """For the pipeline in ``folder`` of another ``kind``, "" where it is none."""
    if not kind:
        what = f"{folder} is no Marigold model: it has no model_index.json that names its kind"
    elif kind.startswith("Marigold"):
        what = f"{folder} is a {cut(kind)}, which tells nothing that a material has"
    else:
        what = f"{folder} is a {cut(kind)}, no Marigold model"
    return UserError(f"{{estimator}}: {what}", _FIX, estimator=None)


def _absent(folder: Path) -> list[str]:
    """The parts that a pipeline lacks, by name."""
    parts = families.STABLE_DIFFUSION
    others = [part for part in parts.others if not (folder / part).is_dir()]
    return [*others, *files.missing(folder, parts.networks)]


def _targets(properties: Any) -> tuple[list[str], dict[Channel, Told]]:
    """The names of a model's targets, and what they tell of a material. Raises ValueError."""
    if not isinstance(properties, dict):
        raise ValueError(f"they are {short(properties)}")
    names = properties.get("target_names")
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_TARGETS:
        raise ValueError(f"target_names are {short(names)}")
    found: dict[Channel, Told] = {}
    for i, name in enumerate(names):
        for part, numbers in _parts(name, properties, 3 * i):
            if channel := CHANNELS.get(_NAMES.get(part, "")):
                about = _about(part, properties)
                light = channel.colour and about.get("prediction_space") == "linear"
                found[channel] = Told(numbers, light, bool(about.get("up_to_scale")))
    return [str(name) for name in names], found


def _about(name: Any, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is said of a target or a part of one."""
    about = properties.get(name, {}) if isinstance(name, str) else None
    if not isinstance(about, dict):
        raise ValueError(f"what is said of {short(name)} is {short(about)}")
    return about


def _parts(name: Any, properties: Mapping[str, Any], first: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    """What the target ``name``, whose three numbers begin at ``first``, consists of: itself, or for each
    number something else ("stack")."""
    about = _about(name, properties)
    if about.get("prediction_space", "srgb") != "stack":
        yield name, (first, first + 1, first + 2)
        return
    parts = about.get("sub_target_names")
    if not isinstance(parts, list) or len(parts) != 3 or not all(isinstance(p, str | None) for p in parts):
        raise ValueError(f"the sub_target_names of {short(name)} are {short(parts)}")
    yield from ((part, (first + i,)) for i, part in enumerate(parts) if part)


def _pixels(folder: Path, targets: int) -> int:
    """Pixels across a latent, once its networks fit together. Raises UserError where they don't."""
    parts = families.STABLE_DIFFUSION.classes
    configs = {part: read_json(folder / part / "config.json") for part in parts}
    for part in ("unet", "vae"):
        if (found := configs[part].get("_class_name")) != parts[part]:
            what = f"{{estimator}}: the {part} of {folder} is a {short(found)}, not a {parts[part]}"
            raise UserError(what, AGAIN, estimator=None)
    unet, latents = configs["unet"], latent_channels(configs["vae"])
    expected = {
        "in_channels": latents * (1 + targets),
        "out_channels": latents * targets,
        "cross_attention_dim": configs["text_encoder"].get("hidden_size", 512),
    }
    for key, value in expected.items():
        if unet.get(key) != value:
            what = f"{{estimator}}: {folder}: the UNet's {key} is {short(unet.get(key))}, not {value}"
            raise UserError(what, AGAIN, estimator=None)
    return view_shape(str(folder), configs)[1]
