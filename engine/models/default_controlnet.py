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
from .header import Listed, header

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
        config = files.read_json(pipeline / families.PARTS[family].network / "config.json")
        return next((one for one in _linked() if _fits(one.place, family, config)), None)
    except UserError:  # of a damaged config or list of links; who asks for one of these is told
        return None


def _linked() -> Iterator[Found]:
    """The files that were linked, or lie in linked folders, and are ControlNets by their headers."""
    for name, place in sorted(links.read().items()):
        if tree := trees.root(Path(place)):
            for one in trees.files_of(tree, trees.CONTROLNET):
                if one.problem is None:
                    yield Found(one.path, f"{name}/{one.name}")
        elif Path(place).suffix == ".safetensors" and trees.problem(Path(place), trees.CONTROLNET) is None:
            yield Found(Path(place), name)


def _fits(path: Path, family: str, config: Mapping[str, Any]) -> bool:
    """Whether a ControlNet's file is for depth, and for models whose network has this ``config``, as far as
    its header and its name tell."""
    network = families.PARTS[family].network
    try:
        table = header(path)
        if z_image_files.EMBEDDER in table:
            return network == "transformer" and bool(z_image_files.controlnet_config(path, config))
        if not any(word in path.stem.lower() for word in DEPTH) and controlnet_file.UNION not in table:
            return False
        if network == "unet":
            return controlnet_file.reads_as(path, table, config)
        return _of_transformer(table, config, family)
    except (UserError, KeyError):
        return False


def _of_transformer(table: Mapping[str, Listed], transformer: Mapping[str, Any], family: str) -> bool:
    """By what reads the pictures, and the text."""
    flux = families.PARTS[family] == families.FLUX
    width = transformer["num_attention_heads"] * transformer["attention_head_dim"]
    pictures = table.get("controlnet_x_embedder.weight")
    reads_text = "context_embedder.weight" if flux else "txt_in.weight"
    return pictures is not None and pictures.shape[:1] == (width,) and reads_text in table
