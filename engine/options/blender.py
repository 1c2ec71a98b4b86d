"""The options that only Blender has, and what the panel calls any option."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from ..errors import flag
from . import choices
from .image import ImageRequest
from .job import JOB, METHOD, MODEL, TEXTURE, VIEWS
from .option import BLENDER, PANEL, Option, at, option, options
from .request import OPTIONS

SECTIONS = (JOB, MODEL, VIEWS, TEXTURE, METHOD)
ONLY_PANEL = frozenset({PANEL})
BOTH = frozenset({PANEL, BLENDER})
FILES = "Files"
_FEWEST, _MOST = (int(limit) for limit in OPTIONS["views"].limits)


@dataclass(frozen=True)
class Panel:
    """What the panel has besides, or instead of, the options of a request."""

    quality: str = field(
        default="standard",
        metadata=option(
            "Quality",
            "Sets steps, views and texture size for the chosen model",
            JOB,
            choices=choices.QUALITIES,
            doors=ONLY_PANEL,
        ),
    )
    target: str = field(
        default="active",
        metadata=option(
            "Target",
            "What is textured",
            JOB,
            choices=choices.TARGETS,
            doors=BOTH,
            personal=True,
            usual="active, or slot where one is named",
        ),
    )
    slot: str = field(
        default="",
        metadata=option(
            "Slot",
            "Material of the slot to texture. Empty: the object's active slot",
            JOB,
            doors=BOTH,
            metavar="NAME",
            personal=True,
            needs=("target", "slot"),
        ),
    )
    from_texture: bool = field(
        default=False,
        metadata=option(
            "Start from Current Texture",
            "Change the image that the active material shows as its base colour, instead of making a new "
            "one. What no view sees stays as it is",
            MODEL,
            doors=BOTH,
            stands_for="init_texture",
        ),
    )
    rig: str = field(
        default=OPTIONS["views"].default,
        metadata=option(
            OPTIONS["views"].label,
            OPTIONS["views"].help,
            VIEWS,
            choices={**choices.VIEWS, **choices.EVEN_VIEWS, **choices.SCENE_VIEWS},
            doors=ONLY_PANEL,
            stands_for="views",
        ),
    )
    view_count: int = field(
        default=12,
        metadata=option(
            "Count",
            "Number of evenly spread views",
            VIEWS,
            low=_FEWEST,
            high=_MOST,
            doors=ONLY_PANEL,
            stands_for="views",
            needs=("rig", "even"),
        ),
    )
    front: str = field(
        default="-y",
        metadata=option(
            OPTIONS["front"].label,
            "Which side of the object is its front: it is what 'front view' means to the model",
            VIEWS,
            choices=choices.FRONTS,
            doors=ONLY_PANEL,
            stands_for="front",
        ),
    )


@dataclass(frozen=True)
class Texture:
    """``texture`` of Blender's command besides the options of a request and of the panel."""

    save: str | None = field(
        default=None,
        metadata=option("Save", "Where to save the textured file", FILES, metavar="FILE.blend"),
    )
    glb: str | None = field(
        default=None,
        metadata=option("glTF", "Where to save what is textured as glTF", FILES, metavar="FILE.glb"),
    )
    pack: bool = field(
        default=False,
        metadata=option("Pack", "Textures inside the .blend even where they could lie beside it", FILES),
    )
    out: str | None = field(
        default=None,
        metadata=option(
            "Engine's Files",
            "Folder for the engine's own files, report.json among them",
            FILES,
            metavar="DIR",
        ),
    )


@dataclass(frozen=True)
class ObjectBatch:
    """``batch`` of Blender's command besides the options of the engine's, for objects of the open file."""

    objects: tuple[str, ...] = field(
        default=(),
        metadata=option(
            "Objects",
            "These; with a collection, those in it, too",
            FILES,
            metavar="NAME",
            spelled="--objects",
            together=True,
        ),
    )
    prompt_property: str = field(
        default="",
        metadata=option(
            "Prompt Property", "Custom property that holds an object's prompt", FILES, metavar="NAME"
        ),
    )
    save: str | None = field(default=None, metadata={"option": options(Texture)["save"]})
    glb: str | None = field(default=None, metadata={"option": options(Texture)["glb"]})
    pack: bool = field(default=False, metadata={"option": options(Texture)["pack"]})


@dataclass(frozen=True)
class TileMaterial:
    """New Tileable Material, besides the options of ``image``."""

    repeat: float = field(
        default=2.0,
        metadata=option(
            "Repeat",
            "How often it goes on along the object's longest side",
            JOB,
            low=0.01,
            high=1000,
            doors=ONLY_PANEL,
        ),
    )


def _strength() -> Any:
    """How far from what is there, whatever the panel says of textures to start from."""
    entry = replace(OPTIONS["strength"], needs=None, doors=ONLY_PANEL)
    return field(default=entry.instead, metadata={"option": entry})


@dataclass(frozen=True)
class Repaint:
    """Repaint, besides the options of a texture. area_name: of faces, group, material or image."""

    area: str = field(
        default="faces",
        metadata=option("Area", "What is painted anew", JOB, choices=choices.REPAINTED, doors=ONLY_PANEL),
    )
    area_name: str = field(
        default="",
        metadata=option(
            "Name",
            "Of the vertex group, material, face set or image",
            JOB,
            doors=ONLY_PANEL,
            usual="the selected faces, the active group or material",
        ),
    )
    strength: float = _strength()
    viewport: bool = field(
        default=False,
        metadata=option(
            "From This View",
            "Look from where the 3D view looks. Else from the views that the area needs",
            JOB,
            doors=ONLY_PANEL,
        ),
    )


@dataclass(frozen=True)
class RepaintPicture:
    """Repaint Picture, besides the options of ``image``. mask: an image's name."""

    mask: str = field(
        default="",
        metadata=option(
            "Mask",
            "An image that is white where that is painted",
            JOB,
            doors=ONLY_PANEL,
            usual="all of it is painted",
        ),
    )
    strength: float = _strength()


@dataclass(frozen=True)
class NewWorld:
    """New World, besides the options of ``image``."""

    surroundings: bool = field(
        default=True,
        metadata=option(
            "Depth",
            "Fit it to what the scene shows from there, as far away as that is. Else it is painted freely",
            JOB,
            doors=ONLY_PANEL,
        ),
    )
    eye: str = field(
        default="camera",
        metadata=option("From", "Whence it is seen", JOB, choices=choices.EYES, doors=ONLY_PANEL),
    )
    show: bool = field(
        default=True,
        metadata=option(
            "Use in Scene", "Show it in the scene; the world from before is kept", JOB, doors=ONLY_PANEL
        ),
    )


@functools.cache
def panel() -> Mapping[str, Option]:
    """The options of the panel by name, in the order in which it shows them."""
    return MappingProxyType({one.name: one for one in _in_order()})


def _in_order() -> Iterator[Option]:
    own = at(Panel, PANEL).values()
    yield from (one for one in own if not one.stands_for)
    for name, entry in OPTIONS.items():
        yield from (one for one in own if one.stands_for == name)
        if PANEL in entry.doors:
            yield entry.at(PANEL)


def label(name: str, value: str | None = None) -> str:
    """What the panel calls the option ``name``, and ``value`` of it; for one that it has not, its flag."""
    instead = (one for one in panel().values() if one.stands_for == name)
    entry = panel().get(name) or next(instead, None) or OPTIONS.get(name) or options(ImageRequest).get(name)
    if entry is None:
        return flag(name, value)
    words, _ = entry.choices.get(value or "", (value or "", ""))
    place = f"in {entry.elsewhere}" if entry.elsewhere else ""
    return " ".join(filter(None, (entry.label, words, place)))
