"""The files of a model: which make up a component, and whether they are complete. Reads no weights."""

from __future__ import annotations

import json
import struct
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from ..errors import UserError
from . import vocabulary

SIDECAR = "sync_texture.json"  # beside model_index.json, as vocabulary.FILE
STEMS = ("diffusion_pytorch_model", "model")
VARIANTS = (".fp16", "")  # preferred first
PICKLES = (".ckpt", ".bin", ".pt", ".pth")
MAX_HEADER = 100 << 20  # the format's own limit


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


def read_json(path: Path, fix: str = "download the model again") -> dict[str, Any]:
    """The object in a JSON file, with or without a byte order mark; raises UserError that names the file,
    with ``fix``."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing", fix) from error
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}", fix) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} isn't JSON: {error}", fix) from error
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
        result += [full for name, full in inside.items() if name.endswith(".txt") or _config(name)]
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


def header(path: Path) -> dict[str, dict[str, object]]:
    """The tensors that a .safetensors file lists: name -> {dtype, shape, data_offsets}.

    Raises UserError when the file can't be read, isn't safetensors or is shorter or longer than it says.
    """
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > MAX_HEADER:
                raise ValueError("no safetensors header")
            table = json.loads(stream.read(length))
        table.pop("__metadata__", None)
        end = 8 + length + max((entry["data_offsets"][1] for entry in table.values()), default=0)
        if path.stat().st_size != end:
            raise ValueError(f"{path.stat().st_size:,} bytes where {end:,} are expected")
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}", "check the file's permissions") from error
    except (ValueError, struct.error, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} is damaged or not a safetensors file ({error})", "delete it and download it again"
        ) from error
    return dict(table)


def problems(folder: Path, components: Iterable[str]) -> list[str]:
    """What is wrong with a pipeline folder's ``components``, one line each; empty when all is well."""
    found = []
    for name in components:
        part = folder / name if name else folder
        paths, _ = weights(part)
        if not (part / "config.json").is_file():
            found.append(f"{part / 'config.json'} is missing")
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
