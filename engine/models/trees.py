"""Whole folders of models as other programs have them: checkpoints, LoRAs, ControlNets, IP-Adapters and image
encoders, each kind in a folder of its own, as single files.

What lies in one is looked for whenever it is asked for: files come and go. A file is called TREE/FOLDER/NAME,
as it lies on the disk, without its ending.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from . import families, image_encoder, ip_adapter_file, lora_file
from .header import header

MODEL, LORA, CONTROLNET = "model", "LoRA", "ControlNet"
ADAPTER, ENCODER, ESTIMATOR = "IP-Adapter", "image encoder", "estimator"
KINDS = {  # by folders' names in small letters
    **dict.fromkeys(("checkpoints", "stable-diffusion", "diffusion_models", "unet"), MODEL),
    **dict.fromkeys(("loras", "lora"), LORA),
    "controlnet": CONTROLNET,
    **dict.fromkeys(("ipadapter", "ip-adapter", "ip_adapter"), ADAPTER),
    image_encoder.CLIP_VISION: ENCODER,
}
MOST = 1000  # files of a kind
_ABOVE = "models"  # what the folder above them is called, in the programs' own
_DEPTH = 4
_READERS: Mapping[str, Callable[[Path], object]] = {
    LORA: lora_file.read,
    ADAPTER: ip_adapter_file.read,
    ENCODER: image_encoder.config,
}
_CONTROLNETS = ("controlnet_cond_embedding.", "control_model.", "control_all_x_embedder", "controlnet_")


@dataclass(frozen=True)
class Found:
    """A file of a tree. name: in it. problem: why it can't be used, None where nothing is known of that.
    family: of a model, a key of families.PARTS; "" of others."""

    name: str
    path: Path
    kind: str
    problem: str | None
    family: str = ""


def root(place: Path) -> Path | None:
    """The folder, ``place`` or ``models`` in it, that holds folders for kinds; None where neither does."""
    return next((one for one in (place, place / _ABOVE) if any(_folders(one))), None)


def _folders(place: Path) -> Iterator[tuple[Path, str]]:
    """Those of ``place`` that hold files of one kind, and which; none where it can't be looked into."""
    try:
        inside = sorted(place.iterdir())
    except (OSError, ValueError):  # the latter of what can be no path
        return
    for folder in inside:
        kind = KINDS.get(folder.name.lower())
        if kind and folder.is_dir():
            yield folder, kind


def files_of(place: Path, only: str | None = None) -> Iterator[Found]:
    """All that the tree ``place`` holds, by kind; ``only``: of one."""
    folders = (found for found in _folders(place) if only in (None, found[1]))
    for folder, kind in sorted(folders, key=lambda found: list(KINDS.values()).index(found[1])):
        for path in _weights(folder)[:MOST]:
            name = path.relative_to(place).with_suffix("").as_posix()
            yield Found(name, path, kind, *_looked_at(path, kind))


def _weights(folder: Path) -> list[Path]:
    patterns = ("/".join(["*"] * depth) + ".safetensors" for depth in range(1, _DEPTH))
    return sorted(path for pattern in patterns for path in folder.glob(pattern) if path.is_file())


def problem(path: Path, kind: str) -> str | None:
    """Why a file can't be used as one of its ``kind``, as far as its header tells."""
    return _looked_at(path, kind)[0]


def _looked_at(path: Path, kind: str) -> tuple[str | None, str]:
    """The ``problem`` and the ``family`` of a file."""
    try:
        if kind == MODEL:
            return None, families.of_checkpoint(path)
        if reader := _READERS.get(kind):
            reader(path)
        elif (own := kind_of(path)) != kind:
            return f"{path} is a {own}, not a {kind}", ""
    except UserError as error:
        return str(error), ""
    return None, ""


def kind_of(path: Path) -> str:
    """Which kind a single file is, by its keys; those of networks alone aren't told from one another. Raises
    UserError."""
    keys = header(path)
    if ip_adapter_file.is_adapter(keys):  # first: those for faces have LoRAs in them
        return ADAPTER
    if lora_file.is_lora(keys):
        return LORA
    if image_encoder.is_encoder(keys):
        return ENCODER
    return CONTROLNET if any(key.startswith(_CONTROLNETS) for key in keys) else MODEL
