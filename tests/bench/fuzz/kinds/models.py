"""Folders of models, the list of linked ones, and all that looks at them."""

from __future__ import annotations

import contextlib
import json
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from tests.bench.fuzz import commands, mutate, odd, one_job, samples
from tests.bench.fuzz.case import Case, Ended

SIDECAR = {
    "control": "depth",
    "conditioning_scale": 1.0,
    "control_end": 1.0,
    "steps": 4,
    "guidance": 5.0,
    "guidance_end": 0.5,
    "sync_space": "latent",
    "sync_share": {"latent": 0.8, "rgb": "all"},
    "texture_size": {"latent": 64, "rgb": 64},
    "aggregate": "mean",
    "prefix": "a ",
    "negative": "bad",
    "tiny_autoencoder": "tiny",
}
FILES = (
    *(
        "model_index.json",
        "unet/config.json",
        "unet/config.json",
        "vae/config.json",
        "text_encoder/config.json",
    ),
    *("controlnet/config.json", "scheduler/scheduler_config.json", "scheduler/scheduler_config.json"),
    *("tokenizer/vocab.json", "tokenizer/merges.txt", "tokenizer/tokenizer_config.json", "sync_texture.json"),
    *("sync_texture.json", "vocabulary.json", "README.md", "SHA256SUMS"),
)
WEIGHTS = (
    *(f"{part}/diffusion_pytorch_model.safetensors" for part in ("unet", "vae", "controlnet")),
    "text_encoder/model.safetensors",
)
_model = Path()


def prepare(shared: Path) -> None:
    global _model
    _model = one_job.prepare(shared)


def make(case: Case) -> Callable[[], Ended]:
    """The folder, a job's mesh, and what is done with them."""
    rng = case.rng
    model = case.inputs / case.odd_name("model.x").removesuffix(".x")
    _linked_copy(_model, model)
    for _ in range(rng.choice((1, 1, 1, 2))):
        name = rng.choice((*FILES, *WEIGHTS))
        path = model / name
        way = rng.random()
        case.notes.append(name)
        if way < 0.12:
            mutate.plant(rng, path, case.outside, case.notes)
            case.given.add(
                str(path)
            )  # links in a model's folder are followed, as the hub's cache is made of them
        else:
            _put(path, _other(rng, path, case) if way < 0.8 else mutate.damaged(rng, _old(path), case.notes))
    mesh = str(case.write("box.obj", samples.obj()))
    if rng.random() < 0.05:
        return _hostile_links(case)
    return _deed(case, model, mesh)


def act(case: Case, made: Callable[[], Ended]) -> Ended:
    return made()


def _deed(case: Case, model: Path, mesh: str) -> Callable[[], Ended]:
    way = case.rng.choice(("job",) * 6 + ("show", "verify", "link", "list", "list", "doctor"))
    case.notes.append(way)
    if way == "job":
        return partial(one_job.run, case, str(model), mesh=mesh)
    if way in ("list", "doctor"):
        _link(case, json.dumps({"mine": str(model)}).encode())
        words = ["models", "list", *["--json"] * case.rng.randint(0, 1)] if way == "list" else ["doctor"]
        return partial(commands.run, case, words, 0 if way == "list" else None)
    words = ["models", way, *(["mine"] if way == "link" else []), str(model)]
    return partial(commands.run, case, words)


def _hostile_links(case: Case) -> Callable[[], Ended]:
    """The file that lists linked models is hostile itself."""
    rng = case.rng
    listed = odd.faulty(rng, {"mine": str(case.inputs / "model"), "other": "/nowhere"}, case.notes)
    _link(case, odd.dumped(rng, listed, str(case.outside)))
    if rng.random() < 0.2:
        mutate.plant(rng, case.root / "home" / "models.json", case.outside, case.notes)
    case.notes.append("the file of links")
    return partial(
        commands.run, case, rng.choice((["models", "list"], ["doctor"], ["models", "delete", "mine"]))
    )


def _link(case: Case, data: bytes) -> None:
    (case.root / "home" / "models.json").write_bytes(data)


def _linked_copy(source: Path, target: Path) -> None:
    """The folder again, of the same files."""
    for folder, _, names in os.walk(source):
        there = target / Path(folder).relative_to(source)
        there.mkdir(parents=True)
        for name in names:
            os.link(Path(folder) / name, there / name)


def _old(path: Path) -> bytes:
    if path.is_file():
        return path.read_bytes()
    usual = {
        "sync_texture.json": samples.json_bytes(SIDECAR),
        "README.md": b"---\nlicense: x\n---\n# A model\n",
    }
    return usual.get(path.name, b'{"words": ["a"], "format": 1}')


def _put(path: Path, data: bytes) -> None:
    """A new file: the old one's other name is the model that all cases share."""
    with contextlib.suppress(IsADirectoryError):
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_dir():
        path.write_bytes(data)


def _other(rng: Random, path: Path, case: Case) -> bytes:
    """The file with other values in the places where it has values."""
    old = _old(path)
    if path.suffix == ".safetensors" and (header := _header(old)):
        return _weights(rng, old, header, case.notes)
    try:
        document = json.loads(old)
    except ValueError:
        return mutate.damaged(rng, old, case.notes)
    if path.name == "config.json" and rng.random() < 0.5:
        return odd.dumped(rng, _huge(rng, document, case.notes))
    return odd.dumped(rng, odd.faulty(rng, document, case.notes), str(case.outside))


def _huge(rng: Random, config: dict[str, Any], notes: list[str]) -> dict[str, Any]:
    """One of its sizes is."""
    names = [name for name, value in config.items() if isinstance(value, int | list) and value is not True]
    name = rng.choice(names or ["layers_per_block"])
    old, size = config.get(name), rng.choice((0, 1, -1, 20_000, 10**6, 2**31, 2**40, 0.5, 10**12))
    config[name] = [size] * len(old) if isinstance(old, list) and rng.random() < 0.5 else size
    if isinstance(old, list) and rng.random() < 0.3:
        config[name] = old * 5000
    notes.append(f"{name} is {odd.shown(config[name])}")
    return config


def _header(data: bytes) -> dict[str, Any]:
    """That of weights; {} where an earlier change left none, or no numbers behind it."""
    length = int.from_bytes(data[:8], "little")
    try:
        header = json.loads(data[8 : 8 + length])
    except ValueError:
        return {}
    is_whole = isinstance(header, dict) and len(data) >= 12 + length
    return header if is_whole else {}


def _weights(rng: Random, data: bytes, header: dict[str, Any], notes: list[str]) -> bytes:
    """A ``header`` that lies, or weights that are no numbers."""
    length = int.from_bytes(data[:8], "little")
    way = rng.choice(("length", "header", "header", "values", "nan"))
    notes.append(way)
    if way == "length":
        return rng.choice(mutate.LONG_WORDS).to_bytes(8, "little") + data[8:]
    if way == "header":
        name = rng.choice([one for one in header if one != "__metadata__"] or list(header))
        header[name] = odd.faulty(rng, header[name], notes)
        if rng.random() < 0.2:
            header[odd.text(rng)] = header[name]
        written = odd.dumped(rng, header)
        return struct.pack("<Q", len(written)) + written + data[8 + length :]
    filler = (
        b"\x00\x00\xc0\x7f" if way == "nan" else rng.choice((b"\xff\xff\x7f\x7f", b"\x00" * 4, b"\xff" * 4))
    )
    body = data[8 + length :]
    start = 4 * rng.randrange(len(body) // 4)
    count = rng.choice((1, 64, len(body) // 4))
    changed = (body[:start] + filler * count)[: len(body)]
    return data[: 8 + length] + changed + body[len(changed) :]
