"""LoRAs that a job asks for: FILE[:WEIGHT], where FILE is given as a model is (sources.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from ..options.weighted import LORA
from . import files, links, lora_file, sources
from .lora_file import LoraFile
from .sources import Fetch


@dataclass(frozen=True)
class Lora:
    """One LoRA and how strongly it counts. name: as it was given. stamp: size and time of its file, so that
    another one in its place is noticed."""

    name: str
    file: LoraFile
    weight: float
    stamp: tuple[int, int]


def file_of(text: str) -> Path | None:
    """The file of FILE[:WEIGHT] on this computer, None for one of the hub. Raises UserError."""
    return place(LORA.of_file(text)[0])


def find(asked: Sequence[str], fetch: Fetch) -> tuple[Lora, ...]:
    """The LoRAs ``asked`` for, downloaded if need be; those of weight 0 are left out. Raises UserError for
    what is none, and what ``fetch.check`` raises."""
    found = [_found(text, fetch) for text in asked if text.strip()]
    return tuple(one for one in found if one.weight)


def _found(text: str, fetch: Fetch) -> Lora:
    name, weight = LORA.of_file(text)
    path = place(name) or _download(name, fetch)
    about = path.stat()
    return Lora(name, lora_file.read(path), weight, (about.st_size, about.st_mtime_ns))


def place(name: str) -> Path | None:
    """The file of the LoRA ``name`` on this computer, None for one of the hub. Raises UserError where there
    is no such file."""
    path = files.local(links.resolve(name))
    if (path / files.LORA).is_file():
        path /= files.LORA
    if path.is_file():
        return sources.weights_file(path)
    if path.is_dir():
        raise UserError(f"{path} is no LoRA: it has no {files.LORA}", "name its .safetensors file")
    if ":" in name and sources.HUB_ID.fullmatch(name):
        return None
    raise UserError(f"there is no LoRA {name!r}", "check the path, or give a hub file (owner/name:file)")


def _download(name: str, fetch: Fetch) -> Path:
    return sources.weights_file(sources.from_hub(name, ("",), fetch))
