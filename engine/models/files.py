"""The files of a model: which make up a component, and whether they are complete. Reads no weights."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from .. import inputs
from ..errors import UserError
from . import vocabulary
from .header import header

SIDECAR = "sync_texture.json"  # beside model_index.json, as vocabulary.FILE
LORA = "pytorch_lora_weights.safetensors"  # what diffusers calls a LoRA in a folder of its own
STEMS = ("diffusion_pytorch_model", "model")
VARIANTS = (".fp16", "")  # preferred first
PICKLES = (".ckpt", ".bin", ".pt", ".pth")
AGAIN = "download the model again"
SUPPORTED = "choose a Stable Diffusion 1.x, 2.x or XL, Z-Image, Qwen-Image or FLUX.1 model"
MOST_JSON = 1 << 20  # bytes; the largest config that was published has a few thousand


def local(name: str | Path) -> Path:
    """The path that ``name`` is, ~ resolved; raises UserError where there can be none."""
    try:
        path = Path(name).expanduser()
        path.exists()
    except RuntimeError as error:
        what = f"there is no home folder {Path(name).parts[0]!r}"
        raise UserError(what, "write the whole path, or ./ before a name with ~") from error
    except OSError as error:
        raise UserError(f"{str(name)[:60]!r} can't be read: {error.strerror}", "check the path") from error
    return path


def read_json(path: Path, fix: str = AGAIN) -> dict[str, Any]:
    """The object in a JSON file, with or without a byte order mark; raises UserError that names the file,
    with ``fix``."""
    if not os.path.lexists(path):
        raise UserError(f"{path} is missing", fix)
    try:
        data = inputs.read_json(path, MOST_JSON)
    except UserError as error:
        raise UserError(f"{path} can't be used: {error}", fix) from error
    if not isinstance(data, dict):
        raise UserError(f"{path} isn't an object of JSON", fix)
    return data


def weights(folder: Path) -> tuple[list[Path], str | None]:
    """The weight files of a component folder and their variant ("fp16" or None); ([], None) without any."""
    names = {path.name for path in folder.glob("*.safetensors*")}
    chosen, variant = _choose(names)
    return [folder / name for name in chosen if name.endswith(".safetensors")], variant


def wanted(names: Collection[str], subfolders: tuple[str, ...], with_weights: bool = True) -> list[str]:
    """Of a repository's file names, those that the engine needs from ``subfolders`` ("" is the top)."""
    result = ["model_index.json"] if "model_index.json" in names else []
    for folder in subfolders:
        inside = {n.rpartition("/")[2]: n for n in names if n.rpartition("/")[0] == folder}
        result += [
            full for name, full in inside.items() if name.endswith((".txt", ".jinja")) or _config(name)
        ]
        if with_weights:
            result += [inside[name] for name in _choose(inside)[0]]
    if result:
        result += [name for name in (SIDECAR, vocabulary.FILE) if name in names]
    return sorted(set(result))


def missing(folder: Path, components: Iterable[str]) -> list[str]:
    """Those of ``components`` that lack their config or weights in ``folder``."""
    return [c for c in components if not ((folder / c / "config.json").is_file() and weights(folder / c)[0])]


def _config(name: str) -> bool:
    return name.endswith(".json") and not name.endswith(".index.json") and name != "model_index.json"


def _choose(names: Collection[str]) -> tuple[list[str], str | None]:
    """The weight files to use among ``names``: half precision first, a sharded set with its index."""
    for variant in VARIANTS:
        for stem in STEMS:
            single = f"{stem}{variant}.safetensors"
            shards = sorted(n for n in names if _is_shard(n, stem, variant))
            if single in names:
                return [single], variant[1:] or None
            if shards:
                index = [
                    n for n in names if n.startswith(stem) and n.endswith(".index.json") and variant in n
                ]
                return shards + index, variant[1:] or None
    return [], None


def _is_shard(name: str, stem: str, variant: str) -> bool:
    rest = name.removeprefix(stem + variant)
    return name.startswith(stem + variant + "-") and "-of-" in rest and name.endswith(".safetensors")


def problems(folder: Path, components: Iterable[str]) -> list[str]:
    """What is wrong with a pipeline folder's ``components``, one line each; empty when all is well."""
    found = []
    for name in components:
        part = folder / name if name else folder
        paths, _ = weights(part)
        try:
            read_json(part / "config.json")
        except UserError as error:
            found.append(str(error))
        if not paths:
            found.append(f"{part} has no .safetensors weights")
        for path in paths:
            found += damage(path)
    return found


def damage(path: Path) -> list[str]:
    """What is wrong with a .safetensors file: one line or none."""
    try:
        header(path)
    except UserError as error:
        return [str(error)]
    return []
