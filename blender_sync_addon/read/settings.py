"""What the artist chose, as one value; and as a request to the engine."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...engine import protocol
from ..problem import Problem
from . import quality

AUTO = "auto"
SCENE = "scene"
FRONTS = {"-y": 0.0, "x": 90.0, "y": 180.0, "-x": -90.0}
"""Azimuths of the sides of an object, by the names of their axes in Blender."""


@dataclass(frozen=True)
class Settings:
    """One job's choices. None means "not given": the model's preset decides.

    views: "paper", "auto", "scene" (its cameras) or a number of views as text. uv_layer: name of a UV map, ""
    for the active one. texture_size: pixels. front, unwrap, method, sync_space, sync_share, aggregate,
    attention, device, raster, fill, init_texture, strength, texture_depth, texture_sets, cameras: see
    engine/protocol.py. from_texture: start from what the objects show now.
    target: "active" or "selected" for whole objects, "slot" or "faces" for some faces of one; slot: which,
    see read/target.py.
    """

    prompt: str
    negative: str | None = None
    model: str = "starter"
    method: str = "synctweedies"
    sync_space: str | None = None
    sync_share: str | None = None
    aggregate: str | None = None
    attention: str | None = None
    views: str = AUTO
    front: float = 0.0
    steps: int | None = None
    guidance: float | None = None
    seed: int = 0
    texture_size: int = 1024
    uv_layer: str = ""
    unwrap: str = "auto"
    device: str = "auto"
    raster: str = "auto"
    fill: str = "surface"
    from_texture: bool = False
    init_texture: str | None = None
    strength: float | None = None
    texture_depth: str = "8"
    texture_sets: str = "auto"
    cameras: str | None = None
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
        chosen = {name: value for name, value in dataclasses.asdict(self).items() if value not in (None, "")}
        return {**chosen, "version": protocol.VERSION}

    def request(
        self,
        meshes: Sequence[Path],
        out: Path,
        unwraps: Sequence[str],
        texture: str | None = None,
        cameras: Path | None = None,
    ) -> protocol.Request:
        """The engine's request for the files ``meshes``; results go into the folder ``out``. unwraps: for
        each of them; texture: the objects' own, to start from; cameras: file of the scene's."""
        return protocol.Request(
            mesh=str(meshes[0]),
            prompt=self.prompt.strip(),
            out=str(out),
            negative=self.negative,
            model=self.model,
            method=self.method,
            sync_space=self.sync_space,
            sync_share=self.sync_share,
            aggregate=self.aggregate,
            attention=self.attention,
            views=AUTO if self.views == SCENE else self.views,
            cameras=self.cameras if cameras is None else str(cameras),
            front=self.front,
            steps=self.steps,
            guidance=self.guidance,
            seed=self.seed,
            texture_size=self.texture_size,
            unwrap=unwraps[0],
            device=self.device,
            raster=self.raster,
            fill=self.fill,
            init_texture=texture or self.init_texture,
            strength=self.strength,
            texture_depth=self.texture_depth,
            texture_sets=self.texture_sets,
            other_meshes=tuple(str(mesh) for mesh in meshes[1:]),
            other_unwraps=tuple(unwraps[1:]),
        )


def from_options(options: Any, fallback: Any, device: str) -> Settings:
    """The settings in ``options`` (an operator), ``fallback`` (the scene's) where it has none of its own."""

    def get(name: str) -> Any:
        return chosen(options, fallback, name)

    def unless_auto(name: str) -> Any:
        return None if get(name) == "auto" else get(name)

    return Settings(
        prompt=get("prompt"),
        negative=get("negative").strip() or None,
        model=model(get("model")),
        method=get("method"),
        sync_space=unless_auto("sync_space"),
        sync_share=unless_auto("sync_share"),
        aggregate=unless_auto("aggregate"),
        attention=unless_auto("attention"),
        views=str(get("view_count")) if get("rig") == "even" else get("rig"),
        front=FRONTS[get("front")],
        steps=get("steps") or None,
        guidance=get("guidance") or None,
        seed=get("seed"),
        texture_size=int(get("texture_size")),
        uv_layer=get("uv_layer"),
        unwrap=get("unwrap"),
        device=device,
        raster=get("raster"),
        fill=get("fill"),
        from_texture=get("from_texture"),
        strength=get("strength") if get("from_texture") else None,
        texture_depth=get("texture_depth"),
        texture_sets=get("texture_sets"),
    )


def chosen(options: Any, fallback: Any, name: str) -> Any:
    """The property ``name`` of ``options`` if it was given there, else what a quality or model that was given
    there sets it to, else that of ``fallback``."""
    given = options.properties.is_property_set
    if given(name):
        return getattr(options, name)
    if name in quality.NAMES and (given("quality") or given("model")):
        model = (options if given("model") else fallback).model
        wanted = (options if given("quality") else fallback).quality
        if wanted != quality.CUSTOM:
            return getattr(quality.table(model)[wanted], name)
    return getattr(fallback, name)


def model(name: str) -> str:
    """A model's name as it is; a folder or file (also Blender's //relative) as an absolute path."""
    path = bpy.path.abspath(name)
    return os.path.abspath(path) if os.path.exists(path) and os.sep in path else name or "starter"
