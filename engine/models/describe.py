"""What is known about a model without loading it: from configs and lists. No network, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import UserError
from . import (
    accelerators,
    estimators,
    families,
    fits,
    hub,
    ip_adapter_file,
    links,
    manage,
    model_card,
    presets,
    sidecar,
    trees,
    vocabulary,
)
from .catalogue import ADAPTERS, BY_NAME, ESTIMATORS, STARTER_FOLDER, Entry
from .checks import view_shape
from .default_controlnet import component
from .families import CONTROLNET
from .files import local, read_json
from .presets import Preset
from .sources import HUB_ID, configs_beside, split
from .vocabulary import Vocabulary


@dataclass(frozen=True)
class Description:
    """size: on disk, or of the download, in words, without a ControlNet that was named. memory: that it
    wants, in words, where that is known. installed: whether all of it is here. preset: what a job uses where
    it says nothing; None where that can't be told. vocabulary: None where the model doesn't say. limits:
    sentences. kind: one of trees.py; IP-Adapters and estimators are described, too. fits: whether and how it
    runs here, and about how long ten views take; None where that isn't known."""

    name: str
    title: str
    licence: str | None
    size: str
    memory: str | None
    installed: bool
    preset: Preset | None
    vocabulary: Vocabulary | None
    limits: tuple[str, ...]
    kind: str = trees.MODEL
    fits: str | None = None


def describe(name: str) -> Description:
    """What is known about the model ``name`` (sources.py says what a name may be); raises UserError for one
    that isn't known and for damaged configs."""
    if other := _adapter(name) or _estimator(name):
        return other
    base, control = split(name)
    entry = BY_NAME.get(base)
    place = _place(base, entry)
    folder = place if place and place.is_dir() else None
    own = model_card.read(folder) if folder else model_card.ModelCard()
    controlnet = _controlnet(control) if control else None
    preset = _preset(entry, place, controlnet) if controlnet or not control else None
    fit = fits.here(preset.family, preset) if preset else None
    return Description(
        name=name,
        title=entry.title if entry else own.title or name,
        licence=entry.licence if entry else own.licence,
        size=entry.size if entry and entry.base else _size(place),
        memory=entry.memory if entry else None,
        installed=manage.installed(base) and (not control or controlnet is not None),
        preset=preset,
        vocabulary=vocabulary.read(folder) if folder else None,
        limits=own.limits,
        fits=fit.words if fit else None,
    )


def _adapter(name: str) -> Description | None:
    """Of an IP-Adapter, None for anything else. Raises UserError for a damaged one."""
    found = links.resolve(name)
    entry, path = ADAPTERS.get(found), local(found)
    if entry and entry.base:
        here = hub.cached(entry.base)
    else:
        is_hubs = ":" in found and HUB_ID.fullmatch(found)
        here = path if path.is_file() else hub.cached(found) if is_hubs else None
        if here is None or here.suffix != ".safetensors" or trees.kind_of(here) != trees.ADAPTER:
            return None
    return Description(
        name=name,
        title=entry.title if entry else f"IP-Adapter {here}",
        licence=entry.licence if entry else None,
        size=entry.size if entry else _size(here),
        memory=entry.memory if entry else None,
        installed=manage.installed(found) if entry else True,
        preset=None,
        vocabulary=None,
        limits=_for_which(ip_adapter_file.read(here)) if here else (),
        kind=trees.ADAPTER,
    )


def _estimator(name: str) -> Description | None:
    """Of an estimator of the catalogue, None for anything else. Raises UserError for a damaged one."""
    entry = ESTIMATORS.get(links.resolve(name))
    if entry is None or entry.base is None:
        return None
    here = hub.cached(entry.base) if manage.installed(entry.name) else None
    return Description(
        name=name,
        title=entry.title,
        licence=entry.licence,
        size=entry.size,
        memory=entry.memory,
        installed=here is not None,
        preset=None,
        vocabulary=None,
        limits=_tells(estimators.read(name, here)) if here else (),
        kind=trees.ESTIMATOR,
    )


def _tells(estimator: estimators.EstimatorFiles) -> tuple[str, ...]:
    words = ", ".join(channel.label for channel in estimator.told)
    return (f"It tells {words} of pictures, in {estimator.steps} steps.",)


def _for_which(adapter: ip_adapter_file.AdapterFile) -> tuple[str, ...]:
    words = families.WIDTHS.get(adapter.width, f"models that read text of width {adapter.width}")
    how = "Plus, which tells of details" if adapter.plus else "plain, which tells what a picture is about"
    return f"It is for {words} alone.", f"It is {how}."


def _place(base: str, entry: Entry | None) -> Path | None:
    """The folder or file of a model; None for a known one that isn't on this computer."""
    if entry:
        return hub.cached(entry.base) if entry.base else STARTER_FOLDER
    path = local(base)
    if path.suffix == ".safetensors" and path.is_file():
        return path
    if base and path.is_dir():
        return path
    if HUB_ID.fullmatch(base) and (cached := hub.cached(base)):
        return cached
    fix = f"choose {', '.join(BY_NAME)}, a folder, a .safetensors file or a downloaded hub model (owner/name)"
    raise UserError(f"unknown model {base!r}", fix)


def _controlnet(name: str) -> Path | None:
    """The folder or file of a ControlNet that was named; None for a known one that isn't on this computer."""
    entry = BY_NAME.get(name)
    if entry and entry.controlnet:
        place = hub.cached(entry.controlnet)
    elif entry:
        place = STARTER_FOLDER
    else:
        path = local(name)
        place = path if path.exists() else hub.cached(name) if HUB_ID.fullmatch(name) else None
        if place is None:
            fix = "name a folder, a .safetensors file or a downloaded hub model (owner/name)"
            raise UserError(f"there is no ControlNet {name!r} on this computer", fix)
    return component(place) if place else None


def _preset(entry: Entry | None, place: Path | None, controlnet: Path | None) -> Preset | None:
    """controlnet: one that was named, None for the model's own."""
    configs = configs_beside(place) if place and place.is_file() else place
    family = entry.family if entry else _family(place, configs)
    if place and configs:
        networks = families.PARTS[family].networks
        found = {part: read_json(configs / part / "config.json") for part in networks}
        own = sidecar.of_model(configs, controlnet or place / CONTROLNET)
        usual = presets.of_family(family, *view_shape(str(place), found))
        return accelerators.completed(usual, own, configs, place if place.is_file() else None)
    preset = presets.PUBLISHED.get(family)
    if preset:
        said = entry.accelerator if entry else None
        how = accelerators.recognised(family, place.parent, place) if place else said
        preset = accelerators.accelerated(preset, how)
    return sidecar.of_controlnet(controlnet).over(preset) if controlnet and preset else preset


def _family(place: Path | None, configs: Path | None) -> str:
    """configs: the folder ``place`` itself, or that of a single file."""
    assert place is not None, "only a model of the catalogue may be elsewhere"
    if configs is None:
        return families.of_checkpoint(place)
    if configs != place:
        return families.of_configs(configs)
    return families.of_folder(place)


def _size(place: Path | None) -> str:
    """Of a file, or of all files in a folder."""
    if place is None:
        return "unknown"
    megabytes = manage.size_of(place) / 1e6
    return f"{megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"{megabytes:.0f} MB"
