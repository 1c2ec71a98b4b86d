"""From a model's name to the local files it is made of.

A model may be given as
    starter | sd15 | sdxl ... a name of the catalogue
    name                      what ``models link`` gave to a folder or a file
    owner/name                a repository on the hub
    owner/name:file           a .safetensors file of a repository on the hub
    folder                    a pipeline in diffusers layout
    file.safetensors          a checkpoint in the original single-file layout; its tokenizer and configs come
                              from the pipeline folder it lies in, else from the family's default model. Or a
                              UNet alone in diffusers layout, or a transformer; all else comes from there
and with another depth ControlNet as MODEL+CONTROLNET, where CONTROLNET is again any of these. Otherwise
the ControlNet is the pipeline's own ``controlnet`` folder, one that is here (default_controlnet.py), or the
family's default. How a model wants to be
used may stand in files of its own: sidecar.py.

An AutoencoderTiny (such as madebyollin/taesd) decodes and encodes nearly as well as the model's autoencoder
and many times faster, so RGB synchronisation goes through it where there is one: the folder that the
model's sidecar names, a ``tiny_autoencoder`` folder in the pipeline, or the family's own in the hub's cache.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from . import default_controlnet, families, files, hub, links, quantised, sidecar
from .catalogue import (
    ADAPTERS,
    BY_FAMILY,
    BY_NAME,
    ESTIMATORS,
    HALF_AUTOENCODERS,
    STARTER_FOLDER,
    TINY_AUTOENCODERS,
)
from .default_controlnet import Found, component
from .families import ALIKE, ANY, CONTROLNET
from .header import header
from .hub import Check, Progress

_PART = r"[A-Za-z0-9_][\w.-]*"
HUB_ID = re.compile(rf"{_PART}/{_PART}(:{_PART}(/{_PART})*\.safetensors)?")


@dataclass(frozen=True)
class Sources:
    """Where a model's parts lie. pipeline: folder with configs, tokenizer and, unless ``checkpoint`` (a
    single file) is given, the weights. controlnet: a component folder or a .safetensors file. network: a file
    with the weights of the UNet or the transformer alone, in place of those in the pipeline, None without
    one. tiny: folder of a tiny autoencoder, None without one. half: folder of an autoencoder to be used in
    half precision, where the model's own overflows. family: a key of families.PARTS. borrowed: what the
    ControlNet is called that was found for a model without one, else ""."""

    name: str
    family: str
    pipeline: Path
    checkpoint: Path | None
    controlnet: Path
    tiny: Path | None = None
    half: Path | None = None
    network: Path | None = None
    borrowed: str = ""


@dataclass(frozen=True)
class Fetch:
    """How a download reports and is cancelled; see hub.download."""

    progress: Progress
    check: Check

    def __call__(self, repo: str, parts: tuple[str, ...], weights: bool = True) -> Path:
        return hub.download(repo, parts, self.progress, self.check, weights)


def find(name: str, check: Check, progress: Progress = lambda name, done, total: None) -> Sources:
    """The sources of model ``name``, downloaded if need be; raises UserError, and what ``check`` raises.

    progress: called with (file name, bytes so far, bytes in all) while something is downloaded.
    """
    base, control = split(name)
    fetch = Fetch(progress, check)
    check()
    path = _locate(base, (*ANY, CONTROLNET), fetch)
    network, checkpoint = _single(path)
    family = _family(path)
    pipeline = path
    if checkpoint:
        pipeline = _configs_for(checkpoint, family, fetch)
    elif network:
        pipeline = _rest_of(network, family, fetch)
    check()
    if control:
        steering = Found(component(_locate(control, ("", CONTROLNET), fetch, control=True)), "")
    else:
        steering = _default_controlnet(base, pipeline, family, fetch)
    half = _cached(HALF_AUTOENCODERS.get(family))
    tiny = _tiny(pipeline, family)
    return Sources(
        name, family, pipeline, checkpoint, steering.place, tiny, half, network, borrowed=steering.name
    )


def find_controlnet(name: str, check: Check) -> Path:
    """The folder or the file of the ControlNet ``name``, as MODEL+CONTROLNET takes it, downloaded if need be.
    Raises UserError, and what ``check`` raises."""
    fetch = Fetch(lambda name, done, total: None, check)
    path = _locate(links.resolve(name.strip()), ("", CONTROLNET), fetch, control=True)
    return component(path)


def completed(name: str, others: Sequence[str]) -> str:
    """The model ``name``; where it has no ControlNet, and none for it is on this computer, with the first of
    the ``others``, those that a job names: MODEL+CONTROLNET. Raises UserError."""
    base, control = split(name)
    path = files.local(base)
    if control or "+" in name or not others or base in BY_NAME or not path.exists():
        return name
    family, configs = _family(path), path if path.is_dir() else configs_beside(path) or path.parent
    has_one = (configs / CONTROLNET).is_dir() or default_controlnet.installed(family, configs)
    return name if has_one else f"{name}+{others[0]}"


def _single(path: Path) -> tuple[Path | None, Path | None]:
    """A single file as one of the network alone, and as a checkpoint: what it isn't is None."""
    if not path.is_file():
        return None, None
    return (path, None) if families.is_network(path) else (None, path)


def _family(path: Path) -> str:
    """Of a folder or a file, whose family is that of the configs that it lies beside. Raises UserError where
    it can't be, and for unknown ones."""
    if path.is_dir():
        return families.of_folder(path)
    own, beside = families.of_checkpoint(path), configs_beside(path)
    if beside is None:
        return own
    theirs = families.of_configs(beside)
    if theirs != own and not {own, theirs} <= ALIKE:
        what = f"{path} is of the family {own}, the configs beside it are of {theirs}"
        raise UserError(what, "put it in a folder of its own")
    return theirs


def split(name: str) -> tuple[str, str]:
    """("MODEL", "CONTROLNET") of "MODEL+CONTROLNET"; the second is empty when there is none."""
    if files.local(name).exists():
        return name, ""
    base, _, control = name.partition("+")
    return links.resolve(base.strip()), links.resolve(control.strip())


def _locate(name: str, parts: tuple[str, ...], fetch: Fetch, control: bool = False) -> Path:
    """The local folder or file that ``name`` stands for."""
    if entry := BY_NAME.get(name):
        repo = entry.controlnet if control else entry.base
        return _starter() if repo is None else from_hub(repo, parts, fetch)
    if name in ADAPTERS:
        raise UserError(f"{name} is an IP-Adapter, no model", "give it as {ip_adapter}", ip_adapter=name)
    if name in ESTIMATORS:
        raise UserError(f"{name} is an estimator, no model", "give it as {estimator}", estimator=name)
    path = files.local(name)
    if name and path.is_dir():
        return path
    if path.is_file():
        return weights_file(path)
    if name.endswith(quantised.GGUF):
        raise quantised.gguf(name)
    if ":" in name and HUB_ID.fullmatch(name):
        return weights_file(from_hub(name, parts, fetch))
    if path.suffix in (".safetensors", *files.PICKLES) or name.startswith((".", "/", "~")):
        raise UserError(f"no such model: {name}", "check the path")
    if HUB_ID.fullmatch(name):
        return from_hub(name, parts, fetch)
    raise UserError(
        f"unknown model {name!r}",
        f"choose {', '.join(BY_NAME)}, a hub name (owner/name or owner/name:file), a folder or a file",
    )


def _starter() -> Path:
    if not (STARTER_FOLDER / "model_index.json").is_file():
        raise UserError(
            f"the bundled starter model is missing: {STARTER_FOLDER}", "install Sync Texture again"
        )
    return STARTER_FOLDER


def weights_file(path: Path) -> Path:
    """``path``, whose header was looked at. Raises UserError for other kinds of files and damaged ones."""
    if path.suffix == quantised.GGUF:
        raise quantised.gguf(str(path))
    if path.suffix in files.PICKLES:
        raise UserError(
            f"{path} is a pickle, which can run code when it is loaded", "convert it to .safetensors"
        )
    if path.suffix != ".safetensors":
        raise UserError(f"{path} isn't a model", "give a folder in diffusers layout or a .safetensors file")
    header(path)
    return path


def from_hub(repo: str, parts: tuple[str, ...], fetch: Fetch) -> Path:
    """``repo``'s folder in the cache, or its file where it means one; downloaded when it isn't there or lacks
    weights."""
    folder = hub.cached(repo)
    if folder and (folder.is_file() or _complete(folder, parts)):
        return folder
    return fetch(repo, parts)


def _complete(folder: Path, parts: tuple[str, ...]) -> bool:
    if "" in parts:
        return any(files.weights(folder / part)[0] for part in parts)
    expected = families.parts_of(folder)
    whole = all((folder / part).is_dir() for part in expected.others)
    return whole and not files.missing(folder, expected.networks)


def _default_controlnet(base: str, pipeline: Path, family: str, fetch: Fetch) -> Found:
    """The pipeline's own ControlNet, else the one that it is published with, else one for its family that is
    here, else the family's default. Raises UserError."""
    own, entry = pipeline / CONTROLNET, BY_NAME.get(base)
    if own.is_dir():
        return Found(own, "")
    parts = ("", CONTROLNET)
    if entry and entry.controlnet:
        return Found(component(from_hub(entry.controlnet, parts, fetch)), "")
    if found := default_controlnet.installed(family, pipeline):
        return found
    fix = "add a depth ControlNet to it or name one as MODEL+CONTROLNET"
    usual = BY_FAMILY[family].controlnet if family in BY_FAMILY else None
    if usual is None:
        raise UserError(f"{base} has no controlnet folder", fix)
    try:
        return Found(component(from_hub(usual, parts, fetch)), usual)
    except UserError as error:
        why = error.wording
        what = f"{base} has no ControlNet of its own: {why.error}"
        raise UserError(what, f"name one as MODEL+CONTROLNET, or {why.fix}", **why.options) from error


def _tiny(pipeline: Path, family: str) -> Path | None:
    """The tiny autoencoder that goes with a model, as far as it is here; nothing is downloaded for it."""
    if named := sidecar.tiny_autoencoder(pipeline):
        return named
    if (own := pipeline / sidecar.TINY_AUTOENCODER).is_dir():
        return own
    return _cached(TINY_AUTOENCODERS.get(family))


def _cached(repo: str | None) -> Path | None:
    """The folder of a component ``repo`` in the cache, as far as it is there."""
    folder = hub.cached(repo) if repo else None
    return folder if folder and _complete(folder, ("",)) else None


def _configs_for(checkpoint: Path, family: str, fetch: Fetch) -> Path:
    """A pipeline folder with the tokenizer and the configs for a single-file ``checkpoint``."""
    if beside := configs_beside(checkpoint):
        return beside
    repo = BY_FAMILY[family].base if family in BY_FAMILY else None
    if repo is None:
        raise UserError(
            f"{checkpoint} isn't a Stable Diffusion 1.x, 2.x or XL checkpoint",
            f"put it beside the model's {_folders(family)} folders (configs)",
        )
    folder = hub.cached(repo)
    if folder and _has_configs(folder):
        return folder
    try:
        return fetch(repo, families.PARTS[family].all, weights=False)
    except UserError as error:
        why, places = error.wording, _folders(family)
        what = f"{checkpoint.name} needs the tokenizer and configs of {repo}: {why.error}"
        raise UserError(what, f"put them beside it (folders {places}) or {why.fix}", **why.options) from error


def _rest_of(network: Path, family: str, fetch: Fetch) -> Path:
    """The pipeline folder with all else that belongs to a file of a ``network`` alone."""
    if beside := configs_beside(network):
        return beside
    entry, parts = BY_FAMILY.get(family), families.PARTS[family]
    if entry is None or entry.base is None:
        folders = _folders(family)
        raise UserError(f"{network} is a network alone", f"put it beside its model's {folders} folders")
    folder = hub.cached(entry.base)
    if folder and _has_configs(folder) and not files.missing(folder, parts.beside):
        return folder
    try:
        fetch(entry.base, (*parts.others, *parts.beside))
        return fetch(entry.base, (parts.network,), weights=False)
    except UserError as error:
        why = error.wording
        what = f"{network.name} is a network alone and needs the rest of {entry.base}: {why.error}"
        raise UserError(what, why.fix, **why.options) from error


def _folders(family: str) -> str:
    return ", ".join(families.PARTS[family].all)


def configs_beside(checkpoint: Path) -> Path | None:
    """The pipeline folder that a single-file ``checkpoint`` lies in, None where it lies in none."""
    return checkpoint.parent if _has_configs(checkpoint.parent) else None


def _has_configs(folder: Path) -> bool:
    networks = (folder / name / "config.json" for name in families.NETWORKS)
    return any(path.is_file() for path in networks) and (folder / "tokenizer").is_dir()
