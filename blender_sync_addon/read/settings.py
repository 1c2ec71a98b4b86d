"""What the artist chose, as one value; and as a request to the engine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine import protocol
from ...engine.options import values
from ...engine.options.blender import Panel, panel
from ...engine.options.job import OBJECTS, WRITING
from ...engine.options.option import BLENDER, Option, options
from ...engine.options.request import OPTIONS, Request
from ..datablocks import TAG
from ..problem import Problem
from . import quality

AUTO = "auto"
SCENE = "scene"
VIEWPORT = "viewport"
FRONTS = {"-y": 0.0, "x": 90.0, "y": 180.0, "-x": -90.0}
"""Azimuths of the sides of an object, by the names of their axes in Blender."""
PER_OBJECT = ("target", "slot")  # which of the panel's say for what, not how


@dataclass(frozen=True)
class Settings(Request):
    """One job's choices: a request without its files, which ``request`` gives it, and what Blender adds. Made
    with keywords.

    views: also "scene", its cameras, or "viewport", the 3D view's. from_texture: start from what the objects
    show now. target: "active" or "selected" for whole objects, "slot" or "faces" for some faces of one; slot:
    which, see read/target.py.
    """

    mesh: str = ""
    prompt: str = ""
    out: str = ""
    from_texture: bool = False
    target: str = "active"
    slot: str | int = ""

    def check(self) -> None:
        """Raise Problem for what the engine would refuse anyway, before anything is started."""
        if not self.prompt.strip():
            fix = "Say what the object should look like, for example 'weathered red bricks'."
            raise Problem("The prompt is empty", fix)
        if self.from_texture and self.unwrap == "always":
            what = "The current texture doesn't fit a new UV map"
            raise Problem(what, "Use {unwrap}.", unwrap="auto")
        if self.from_texture and self.texture_sets == "material":
            what = "The current texture is that of the active material alone"
            fix = "Use {texture_sets}, or on the command line name the files by --init-texture."
            raise Problem(what, fix, texture_sets="auto")

    def origin(self) -> dict[str, Any]:
        """How a texture was made, to be kept with it: what was chosen, without what was left to the model."""
        return origin_of(self, REMEMBERED)

    def request(
        self,
        meshes: Sequence[Path],
        out: Path,
        unwraps: Sequence[str],
        texture: str | None = None,
        cameras: Path | None = None,
    ) -> Request:
        """The engine's request for the files ``meshes``; results go into the folder ``out``. unwraps: for
        each of them; texture: the objects' own, to start from; cameras: file of the scene's."""
        of_files = {
            "mesh": str(meshes[0]),
            "prompt": self.prompt.strip(),
            "out": str(out),
            "views": AUTO if self.views in (SCENE, VIEWPORT) else self.views,
            "cameras": self.cameras if cameras is None else str(cameras),
            "unwrap": unwraps[0],
            "init_texture": texture or self.init_texture,
            "other_meshes": tuple(str(mesh) for mesh in meshes[1:]),
            "other_unwraps": tuple(unwraps[1:]),
            "uv_layer": "",  # of the .blend: what is read is that one
        }
        return Request(**{name: getattr(self, name) for name in OPTIONS} | of_files)


def origin_of(request: object, names: Iterable[str]) -> dict[str, Any]:
    """What ``request`` says by ``names``, but for what it leaves open, and the version that made it."""
    said = {name: written(getattr(request, name)) for name in names}
    return {**{n: v for n, v in said.items() if v not in (None, "")}, "version": protocol.VERSION}


def kept(material: Any, names: Iterable[str], table: Mapping[str, Option]) -> dict[str, Any]:
    """What our ``material`` says by ``names`` of how it was made. table: options, of which some are lists."""
    said = material[TAG].to_dict()
    lists = {name for name, entry in table.items() if entry.several}
    found = {name: said[name] for name in names if name in said}
    return {n: values.read(table[n], value) if n in lists else value for n, value in found.items()}


def layout(material: Any) -> int | None:
    """By which seed the patterns of ``material`` lie; None of one that isn't ours."""
    if TAG not in material:
        return None
    said = material[TAG].to_dict()
    found = said.get("layout", said.get("seed"))
    return None if found is None else int(found)


def written(value: Any) -> Any:
    """``value`` as the panel's properties and results have it: a list is one text, with semicolons."""
    return "; ".join(value) if isinstance(value, tuple) else value


UNREMEMBERED = (OBJECTS, WRITING)  # sections
REMEMBERED = (
    *(name for name, one in OPTIONS.items() if BLENDER in one.doors and one.section not in UNREMEMBERED),
    *(name for name, one in options(Panel).items() if BLENDER in one.doors),
)
"""What a result knows of how it was made."""


def nothing(entry: Option) -> Any:
    """What the panel's property says where the option is left open; None for one that can't be."""
    if not entry.by_model and not (entry.optional and entry.usual):
        return None
    if entry.choices:
        return AUTO
    return "" if entry.kind is str else min(0, entry.limits[0] - 1)


def from_options(options: Any, fallback: Any, device: str) -> Settings:
    """The settings in ``options`` (an operator), ``fallback`` (the scene's) where it has none of its own."""
    said = {name: chosen(options, fallback, name) for name in panel() if name not in PER_OBJECT}
    found = {name: read(panel()[name], said[name]) for name in said if name in OPTIONS}
    by_hand = said["quality"] == quality.CUSTOM or is_given(options, "steps")
    if found["accelerator"] not in (None, "none") and not by_hand:
        found["steps"] = None  # a quality's are of models that need many
    return Settings(
        **{
            **found,
            "model": model(said["model"]),
            "views": str(said["view_count"]) if said["rig"] == "even" else said["rig"],
            "front": FRONTS[said["front"]],
            "device": device,
            "from_texture": said["from_texture"],
            "strength": said["strength"] if said["from_texture"] else None,
        }
    )


def read(entry: Option, value: Any) -> Any:
    """What the property's ``value`` means in a request."""
    if entry.several:
        return tuple(bpy.path.abspath(one) for one in values.read(entry, value))
    if isinstance(value, str) and entry.by_model:
        value = value.strip()
    if value is not None and value == nothing(entry):
        return None
    return int(value) if entry.common else value


def chosen(options: Any, fallback: Any, name: str) -> Any:
    """The property ``name`` of ``options`` if it was given there, else what a quality or model that was given
    there sets it to, else that of ``fallback``."""
    if is_given(options, name):
        return getattr(options, name)
    own_model, own_quality = is_given(options, "model"), is_given(options, "quality")
    if name in quality.NAMES and (own_quality or own_model):
        model = (options if own_model else fallback).model
        wanted = (options if own_quality else fallback).quality
        if wanted != quality.CUSTOM:
            return getattr(quality.table(model)[wanted], name)
    return getattr(fallback, name)


def given(operator: Any, panel: Any, entries: Iterable[Option]) -> dict[str, Any]:
    """Properties of the ``entries``, by name: the ``operator``'s that it was given, else the ``panel``'s."""
    names = [entry.name for entry in entries]
    return {name: getattr(operator if is_given(operator, name) else panel, name) for name in names}


def is_given(options: Any, name: str) -> bool:
    """Whether the operator ``options`` has a property ``name``, and was given it."""
    return hasattr(options, name) and bool(options.properties.is_property_set(name))


def controlnet(name: str) -> str:
    """A ControlNet's name as it is; a folder or file as in :func:`model`."""
    return model(name) if name.strip() else ""


def model(name: str) -> str:
    """A model's name as it is; a folder or file (also Blender's //relative) as an absolute path."""
    path = bpy.path.abspath(name)
    return os.path.abspath(path) if os.path.exists(path) and os.sep in path else name or "starter"
