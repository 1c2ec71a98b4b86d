"""The models on this computer: list, download, verify, link, delete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import inputs
from ..errors import UserError
from . import estimators, families, files, hub, links, sidecar, trees
from .catalogue import ADAPTERS, BY_NAME, ENTRIES, ESTIMATORS, STARTER_FOLDER, Entry, known
from .families import ANY, CONTROLNET
from .hub import Check, Progress
from .sources import HUB_ID
from .transfer import checksum

CHECKSUMS = "SHA256SUMS"  # as the sha256sum tool writes it; optional in a model folder


@dataclass(frozen=True)
class Listed:
    """A model of the catalogue, or one of the user's own that has a name, and whether all of it is on this
    computer. control: the picture that its ControlNet takes (presets.CONTROLS); None where it isn't here or
    can't be told. disk: bytes that it takes here. link: where a model of the user's own lies, else None.
    damaged: why what is here can't be used, None where nothing is wrong with it. kind: one of trees.py."""

    entry: Entry
    installed: bool
    control: str | None
    disk: int = 0
    link: str | None = None
    damaged: str | None = None
    kind: str = trees.MODEL


def list_models() -> list[Listed]:
    """Every model, IP-Adapter and estimator known by name. No network, no torch."""
    linked = (one for name, place in sorted(links.read().items()) for one in _all_linked(name, place))
    return [*map(_listed, (*ENTRIES, *ADAPTERS.values(), *ESTIMATORS.values())), *linked]


def installed(name: str) -> bool:
    """Whether all of a model (named as for ``verify``) is on this computer, as far as headers tell."""
    return not _problems(name, thorough=False)


def _listed(entry: Entry) -> Listed:
    kind = trees.ESTIMATOR if entry.name in ESTIMATORS else trees.ADAPTER if entry.encoder else trees.MODEL
    places = list(_places(entry.name))
    disk = sum(size_of(folder) for _, folder, _ in places if folder)
    problems = _problems(entry.name, thorough=False)
    if problems:
        is_here = all(folder for _, folder, _ in places)
        return Listed(entry, False, None, disk, damaged=problems[0] if is_here else None, kind=kind)
    if kind != trees.MODEL:
        return Listed(entry, True, None, disk, kind=kind)
    _, folder, components = places[-1]  # the ControlNet's, or the whole
    assert folder is not None
    control = sidecar.control(folder if components == ("",) else folder / CONTROLNET)
    return Listed(entry, True, control, disk)


def _all_linked(name: str, place: str) -> Iterator[Listed]:
    """What was linked; of a whole tree each of its files by itself."""
    tree = trees.root(Path(place))
    if tree is None or _is_model(tree):
        yield _linked(name, place)
        return
    for one in trees.files_of(tree):
        yield _of_file(f"{name}/{one.name}", one.path, one.kind, one.problem, one.family)


def _of_file(name: str, path: Path, kind: str, problem: str | None, family: str = "") -> Listed:
    entry = _own(name, str(path), family)
    return Listed(entry, problem is None, None, size_of(path), str(path), problem, kind)


def _own(name: str, place: str, family: str = "") -> Entry:
    return Entry(
        name=name, title=place, base=None, controlnet=None, family=family, licence="your own", size="linked"
    )


def _linked(name: str, place: str) -> Listed:
    """Of one that can't even be looked at, the reason."""
    entry = _own(name, place)
    try:
        folder = files.local(place)
        if folder.is_file() and (kind := trees.kind_of(folder)) != trees.MODEL:
            return _of_file(name, folder, kind, trees.problem(folder, kind))
        kind = trees.ESTIMATOR if estimators.is_one(folder) else trees.MODEL
        if problems := _problems(place, thorough=False):
            return Listed(entry, False, None, size_of(folder), place, problems[0], kind)
        own = (folder / CONTROLNET).is_dir()
        control = sidecar.control(folder / CONTROLNET) if own else None
        return Listed(entry, True, control, size_of(folder), place, kind=kind)
    except UserError as error:
        return Listed(entry, False, None, 0, place, str(error))


def size_of(place: Path) -> int:
    """The bytes of a file, or of a model's files in a folder and in the folders of its parts; 0 when it isn't
    there."""
    return sum(path.stat().st_size for path in _files(place))


def _files(place: Path) -> Iterator[Path]:
    """A file itself; of a model those no deeper than its parts' folders, wherever a name leads."""
    if place.is_file():
        yield place
        return
    for pattern in ("*", "*/*"):
        yield from (path for path in place.glob(pattern) if path.is_file())


def link(name: str, place: Path) -> None:
    """Let ``name`` mean ``place``: a folder in diffusers layout, a .safetensors file, or a tree (trees.py).
    Raises UserError."""
    if not files.local(place).exists():
        raise UserError(f"no such model: {place}", "check the path")
    tree = trees.root(files.local(place))
    if tree and not _is_model(tree):
        links.add(name, tree)
        return
    if problems := _problems(str(place), thorough=False):
        raise UserError(f"{place} can't be used: {problems[0]}", "choose another model")
    links.add(name, place)


def delete(name: str) -> int:
    """Delete a downloaded model, but for what another one of the catalogue needs, too; the bytes that are
    free now. Of a user's own model only the name goes, its files stay. Raises UserError."""
    if name in links.read():
        links.remove(name)
        return 0
    if links.resolve(name) != name:
        tree = name.split("/")[0]
        raise UserError(f"{name} lies in the folder {tree}", f"delete {tree} to forget it; its files stay")
    entry = known(name)
    if entry and entry.base is None:
        raise UserError(f"{name} is part of Sync Texture", "remove the extension instead")
    if entry is None and not HUB_ID.fullmatch(name):
        raise UserError(f"unknown model {name!r}", "models list shows the known ones")
    if entry and entry.encoder:
        return _delete_adapter(entry)
    repos = {entry.base, entry.controlnet} if entry else {name}
    kept = _shared(name) if entry else set()
    return sum(hub.delete(repo) for repo in repos - kept if repo)


def _delete_adapter(entry: Entry) -> int:
    """Of adapters that share a repository, and an image encoder in it."""
    others = [one for one in ADAPTERS.values() if one != entry and installed(one.name)]
    file = hub.cached(entry.base) if entry.base and others else None
    return hub.drop(file) if file else hub.delete(entry.base) if entry.base and not others else 0


def _shared(name: str) -> set[str | None]:
    """The repositories of other models of the catalogue that are wholly here."""
    others = [entry for entry in ENTRIES if entry.name != name and installed(entry.name)]
    return {repo for entry in others for repo in (entry.base, entry.controlnet)}


def download(name: str, progress: Progress, check: Check) -> None:
    """Download a model of the catalogue or a hub repository (owner/name) into the hub's local cache.

    progress: called with (file, bytes so far, bytes in all), per repository. Raises UserError; what ``check``
    raises passes through. What is already there and whole isn't downloaded again, what was begun is resumed.
    """
    entry = known(name)
    if entry is None and not HUB_ID.fullmatch(name):
        raise UserError(f"unknown model {name!r}", f"choose {', '.join(BY_NAME)} or a hub name (owner/name)")
    wanted: list[tuple[str | None, tuple[str, ...]]]
    if entry is None:
        wanted = [(name, ("", *ANY, CONTROLNET))]
    elif entry.base and entry.encoder:
        wanted = [(entry.base, ("",)), (hub.split(entry.base)[0], (entry.encoder,))]
    else:
        wanted = [(entry.base, _parts(entry).all), (entry.controlnet, ("",))]
    for _, place, _ in _places(name):
        _discard_damaged(place)
    for repo, parts in wanted:
        if repo:
            hub.download(repo, parts, progress, check)


def _discard_damaged(place: Path | None) -> None:
    """Delete the cached weights in ``place`` whose contents aren't what was published."""
    for path, expected in _hub_checksums(place).items() if place else ():
        if path.exists() and checksum(path) != expected:
            hub.drop(path)


def verify(name: str) -> list[str]:
    """What is wrong with a model's files, one line each; empty when all is well.

    name: of the catalogue, a hub repository, a folder or a .safetensors file. Looks for missing files, reads
    every header, compares sizes with them, and contents with the checksums where there are any: the hub's
    own for downloaded weights, a SHA256SUMS file in a folder.
    """
    return _problems(name, thorough=True)


def _problems(name: str, thorough: bool) -> list[str]:
    name = links.resolve(name)
    path = files.local(name)
    if not known(name) and path.is_file():
        return files.damage(path)
    if not known(name) and not _is_model(path) and (tree := trees.root(path)):
        return [one.problem for one in trees.files_of(tree) if one.problem]
    if not known(name) and path.is_dir() and not _is_model(path):
        return [f"{path} is no model: it has neither model_index.json nor config.json, nor a folder unet"]
    found = []
    for label, folder, components in _places(name):
        if folder is None:
            found.append(f"{label} isn't on this computer")
            continue
        whole = files.damage(folder) if folder.is_file() else files.problems(folder, components)
        found += whole + _sidecar_problems(folder, components)
        if thorough:
            found += _checksum_problems(folder)
    return found


def _places(name: str) -> Iterator[tuple[str, Path | None, tuple[str, ...]]]:
    """The folders of a model with what must be in them, or its single files: (label, place or None,
    components)."""
    entry = known(name)
    path = files.local(name)
    if entry is None and path.is_dir():
        yield name, path, _components(path)
    elif entry is None:
        folder = hub.cached(name) if HUB_ID.fullmatch(name) else None
        yield name, folder, _components(folder) if folder else ()
    elif entry.base is None:
        yield name, STARTER_FOLDER, (*families.PARTS[entry.family].networks, CONTROLNET)
    elif entry.encoder:
        repo = hub.split(entry.base)[0]
        yield entry.base, hub.cached(entry.base), ("",)
        yield f"{repo}/{entry.encoder}", _inside(hub.cached(repo), entry.encoder), ("",)
    else:
        yield entry.base, hub.cached(entry.base), _parts(entry).networks
        if entry.controlnet:
            yield entry.controlnet, hub.cached(entry.controlnet), ("",)


def _parts(entry: Entry) -> families.Parts:
    """The folders of its pipeline; estimators have those of Stable Diffusion."""
    return families.PARTS.get(entry.family, families.STABLE_DIFFUSION)


def _inside(repository: Path | None, name: str) -> Path | None:
    """The folder ``name`` of a repository's snapshot, None where it isn't there."""
    folder = repository / name if repository else None
    return folder if folder and folder.is_dir() else None


def _is_model(folder: Path) -> bool:
    """Not for folders of these names alone: other programs keep bare files in them."""
    inside = (f"{name}/config.json" for name in families.NETWORKS)
    return any((folder / name).exists() for name in ("model_index.json", "config.json", *inside))


def _components(folder: Path) -> tuple[str, ...]:
    """A folder with a config is one component, and so is a file; any other folder is a pipeline."""
    if folder.is_file() or (folder / "config.json").is_file():
        return ("",)
    own = (CONTROLNET,) if (folder / CONTROLNET).is_dir() else ()
    return families.parts_of(folder).networks + own


def _sidecar_problems(folder: Path, components: tuple[str, ...]) -> list[str]:
    try:
        if components == ("",):
            sidecar.control(folder)
        else:
            sidecar.of_model(folder, folder / CONTROLNET)
    except UserError as error:
        return [str(error)]
    return []


def _checksum_problems(folder: Path) -> Iterator[str]:
    try:
        listed = {**_hub_checksums(folder), **_listed_checksums(folder)}
    except UserError as error:
        yield str(error)
        return
    for path, expected in sorted(listed.items()):
        if not path.is_file():
            yield f"{path} is missing"
        elif checksum(path) != expected:
            yield f"{path} is damaged: its contents aren't what was published"


def _hub_checksums(folder: Path) -> dict[Path, str]:
    """The hub's cache names every large file after its SHA-256 and links to it."""
    links = [path for path in _files(folder) if path.suffix == ".safetensors" and path.is_symlink()]
    return {path: path.resolve().name for path in links if len(path.resolve().name) == 64}


def _listed_checksums(folder: Path) -> dict[Path, str]:
    """Raises UserError for a list that can't be read, and for one that names files elsewhere."""
    listing = folder / CHECKSUMS
    if not os.path.lexists(listing):
        return {}
    text = inputs.read_input(listing, most=files.MOST_JSON).decode("utf-8", "replace")
    entries = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    if any(len(entry) != 2 for entry in entries):
        raise UserError(f"{listing} isn't a list of checksums and names", "write it with sha256sum")
    return {inputs.named_file(listing, name.lstrip("*")): digest for digest, name in entries}
