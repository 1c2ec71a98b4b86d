"""Which ControlNet steers a model that comes without one: what is on this computer goes before a download."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from . import controlnet_file, families, files, hub, links, trees, z_image_files
from .catalogue import ENTRIES
from .families import CONTROLNET
from .header import header

DEPTH = ("depth", "union")  # in the name of a file whose header doesn't say which pictures it reads


@dataclass(frozen=True)
class Found:
    """A ControlNet. place: a component folder or a file. name: as it can be asked for."""

    place: Path
    name: str


def component(path: Path) -> Path:
    """The folder of one component inside ``path``: itself or its ``controlnet``. A file is left as it is."""
    inner = path / CONTROLNET
    return inner if path.is_dir() and inner.is_dir() else path


def installed(family: str, pipeline: Path) -> Found | None:
    """One that is here for models of ``family``, one of which has its configs in ``pipeline``: one of the
    catalogue that was downloaded, else a linked file for depth; None without any. Reads no weights."""
    repos = dict.fromkeys(entry.controlnet for entry in ENTRIES if entry.family == family)
    for repo in filter(None, repos):
        place = hub.cached(repo)
        if place and (place.is_file() or files.weights(component(place))[0]):
            return Found(component(place), repo)
    try:
        return next((one for one in _linked() if _fits(one.place, family, pipeline)), None)
    except UserError:  # of a damaged list of links; who asks for one of these is told
        return None


def _linked() -> Iterator[Found]:
    for name, place in sorted(links.read().items()):
        if tree := trees.root(Path(place)):
            for one in trees.files_of(tree, trees.CONTROLNET):
                yield Found(one.path, f"{name}/{one.name}")
        elif Path(place).suffix == ".safetensors":
            yield Found(Path(place), name)


def _fits(path: Path, family: str, pipeline: Path) -> bool:
    """Whether a file is a ControlNet for depth, and for models with these configs, as far as its header and
    its name tell."""
    network = families.PARTS[family].network
    try:
        if trees.kind_of(path) != trees.CONTROLNET:
            return False
        config = files.read_json(pipeline / network / "config.json")
        if z_image_files.EMBEDDER in header(path):
            return network == "transformer" and bool(z_image_files.controlnet_config(path, config))
        if not any(word in path.stem.lower() for word in DEPTH) and not controlnet_file.is_union(path):
            return False
        if network == "unet":
            return controlnet_file.reads_as(path, config)
        return _of_transformer(path, config, family)
    except (UserError, KeyError):
        return False


def _of_transformer(path: Path, transformer: Mapping[str, Any], family: str) -> bool:
    """By what reads the pictures, and the text."""
    table, flux = header(path), families.PARTS[family] == families.FLUX
    width = transformer["num_attention_heads"] * transformer["attention_head_dim"]
    pictures = table.get("controlnet_x_embedder.weight")
    reads_text = "context_embedder.weight" if flux else "txt_in.weight"
    return pictures is not None and pictures.shape[:1] == (width,) and reads_text in table
