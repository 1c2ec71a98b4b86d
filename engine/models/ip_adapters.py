"""The IP-Adapter that shows a model its reference images: by name, as a file, or the family's default."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from . import files, hub, image_encoder, ip_adapter_file, links, sources
from .catalogue import ADAPTERS, ENTRIES
from .ip_adapter_file import AdapterFile
from .sources import Fetch


@dataclass(frozen=True)
class IPAdapter:
    """name: as it was given. encoder: the folder or the file of its image encoder. stamp: size and time of
    its file, so that another one in its place is noticed."""

    name: str
    file: AdapterFile
    encoder: Path
    stamp: tuple[int, int]


def find(asked: str, family: str, fetch: Fetch) -> IPAdapter:
    """The adapter ``asked`` for, "" for the default of the model's ``family``, with its encoder; downloaded
    if need be. Raises UserError for what is none, and what ``fetch.check`` raises."""
    name = asked.strip() or default(family)
    entry = ADAPTERS.get(name)
    repository = entry.base if entry and entry.base else name
    path = place(name) or sources.weights_file(sources.from_hub(repository, ("",), fetch))
    about, found = path.stat(), ip_adapter_file.read(path)
    place_of_encoder = encoder(found, fetch, entry.encoder if entry else None)
    return IPAdapter(name, found, place_of_encoder, (about.st_size, about.st_mtime_ns))


def encoder(adapter: AdapterFile, fetch: Fetch, folder: str | None = None) -> Path:
    """The folder or the file of the image encoder for ``adapter``, downloaded if need be. folder: of the
    repository of encoders, where it is known. Raises UserError where none is, and what ``fetch`` raises."""
    if here := image_encoder.beside(adapter):
        return here
    if folder := folder or image_encoder.published(adapter):
        return _cached(folder) or fetch(image_encoder.REPOSITORY, (folder,)) / folder
    what = f"{adapter.path} needs an image encoder that gives {adapter.sees} numbers, and none is beside it"
    raise UserError(what, f"put its folder {image_encoder.NAME} beside it, or choose {', '.join(ADAPTERS)}")


def _cached(folder: str) -> Path | None:
    """The encoder in ``folder`` of the repository of encoders, where all of it is in the hub's cache."""
    snapshot = hub.cached(image_encoder.REPOSITORY)
    whole = snapshot is not None and not files.missing(snapshot, [folder])
    return snapshot / folder if snapshot and whole else None


def default(family: str) -> str:
    """The name of the adapter that models of ``family`` use where none is named. Raises UserError where there
    is none for them."""
    known = next((name for name, entry in ADAPTERS.items() if entry.family == family), None)
    if known is None:
        raise refused("no IP-Adapter is known for this model")
    return known


def place(name: str) -> Path | None:
    """The file of the adapter ``name`` on this computer, None for one of the hub. Raises UserError where
    there is no such file."""
    path = files.local(links.resolve(name))
    if name in ADAPTERS or (":" in name and sources.HUB_ID.fullmatch(name) and not path.exists()):
        return None
    if path.is_file():
        return sources.weights_file(path)
    if path.is_dir():
        raise UserError(f"{path} is a folder, no IP-Adapter", "name its .safetensors file")
    names = ", ".join(ADAPTERS)
    raise UserError(
        f"there is no IP-Adapter {name!r}", f"check the path, or choose {names} or owner/name:file"
    )


_FAMILIES = {entry.family for entry in ADAPTERS.values()}
TAKERS = tuple(entry.name for entry in ENTRIES if entry.family in _FAMILIES)
"""The models of the catalogue that take reference images."""


def refused(why: str) -> UserError:
    """For a model that takes no reference images."""
    fix = f"leave it out, or use {', '.join(TAKERS)} or another model of their families"
    return UserError(f"{{reference}}: {why}", fix, reference=None)
