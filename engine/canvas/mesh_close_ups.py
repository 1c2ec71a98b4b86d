"""The second pass over a mesh: close-ups, which carry its texture on from where the first pass left it.

What close-ups of a group show of the texture gets some noise and is denoised again, synchronised as the first
pass was, in a texture whose texels are no larger than their pixels; then it is baked over the texture. Later
groups see what earlier ones have painted, and leave it as it is. All channels that are told of the views of
the first pass are told of close-ups as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..bake.existing_texture import ExistingTexture
from ..bake.lean import without_shape
from ..bake.overlay import Overlay, with_colours_of
from ..bake.texels import SurfaceTexels
from ..export.render import render_views
from ..host import Host
from ..measure.quality import view_psnr
from ..options.channels import Channel, columns, main_channel
from ..pictures.channels import by_channel
from ..pictures.pages import each
from ..pictures.sampling import sample
from ..settings import Settings
from ..sync.spaces import Averaging, LinearSpace
from ..views.neighbours import nearest_first
from ..views.surface import Surface, View
from .canvas import CanvasView, Painted, Start
from .mesh_areas import MeshArea
from .mesh_beside import Surroundings, around
from .mesh_detail import Detail
from .mesh_maps import space_of
from .mesh_prompts import ViewPrompts
from .mesh_views import canvas_views, take_views

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Painting:
    """What all passes from nearer have in common: of which ``texels`` of a ``surface`` the texture is made,
    by a model with these ``settings``, which is shown control pictures of these ``kinds``. beside: what else
    of the object views see. layers: what they say for the ``channels``. finish: makes the files of a texture
    (T, T, K), or pages, and of what report.json says of close-ups."""

    surface: Surface
    texels: SurfaceTexels
    settings: Settings
    kinds: Sequence[str]
    areas: Sequence[MeshArea]
    beside: Surroundings | None
    channels: Sequence[Channel]
    layers: Sequence[Channel]
    detail: Detail
    host: Host
    finish: Callable[[Floats, dict[str, Any]], Painted]
    began: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True)
class CloseUps:
    """The pass of the group with the ``number``, over what there is. agreed: of earlier groups, how well the
    texture shows their close-ups, in dB."""

    of: Painting
    over: Overlay
    number: int = 0
    agreed: tuple[float, ...] = ()
    lighter: Sequence[str] = ("detail",)

    @property
    def count(self) -> int:
        return len(self.of.detail.groups)

    @property
    def strength(self) -> float:
        return self.of.detail.strength

    @property
    def channels(self) -> Sequence[Channel]:
        return self.of.channels

    @cached_property
    def shots(self) -> list[View]:
        of, cameras = self.of, self.of.detail.groups[self.number]
        size, layout = of.settings.view_size, of.settings.layout
        shots = take_views(of.surface, cameras, size, of.kinds, of.host, layout=layout)
        return [replace(one, crop=True) for one in shots]

    @cached_property
    def views(self) -> Sequence[CanvasView]:
        asked = ViewPrompts.build(self.of.surface, self.shots, self.of.settings, self.of.areas)
        return canvas_views(self.shots, asked.views)

    @property
    def order(self) -> Sequence[int]:
        return nearest_first([shot.camera for shot in self.shots])

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> LinearSpace:
        sizes = self.of.detail.texture_size
        return space_of(self.of.surface, self.shots, scale, sizes, averaging, device)

    @cached_property
    def _there(self) -> Floats:
        """(N, 3, R, R): how the close-ups show the texture as it is."""
        solid = [np.dstack([page, np.ones_like(page[..., :1])]) for page in each(self._colours)]
        check, factor = self.of.host.check, self.of.detail.factor
        return ExistingTexture(tuple(solid)).seen(self.of.surface, self.shots, check, factor)

    def start(self) -> Start:
        """How the close-ups show the texture, of which stays what earlier groups have painted."""
        surface, shots, known = self.of.surface, self.shots, None
        if self.number:
            done = self.over.done
            known = [one.picture(sample(done, surface.uvs_of(one.fragments))[:, 0]) for one in shots]
        start = Start(self._there, None if known is None else np.stack(known))
        if self.of.beside is None:
            return start
        return around(start, *self.of.beside.seen(surface, shots, self.of.host.check))

    @property
    def _colours(self) -> Floats:
        return by_channel(self.over.image, self.of.layers)[main_channel()]

    def closer(self, pictures: Floats) -> CloseUps | None:
        if self.number + 1 == self.count:
            return None
        return self._with(pictures)

    def finish(self, pictures: Floats) -> Painted:
        last, detail = self._with(pictures), self.of.detail
        said = {
            "count": detail.count,
            "groups": self.count,
            "factor": detail.factor,
            "strength": detail.strength,
            "steps": replace(self.of.settings, strength=detail.strength).steps_run,
            "texture_size": detail.texture_size["rgb"],
            "reached": detail.reached,
            "painted": float(last.over.done.reshape(-1)[self.of.texels.index].mean()),
            "view_psnr": float(np.mean(last.agreed)),
            "seconds": round(time.perf_counter() - self.of.began, 4),
        }
        return self.of.finish(last.over.image, said)

    def _with(self, pictures: Floats) -> CloseUps:
        """The next one, over this one's finished ``pictures``."""
        of, shots, own = self.of, self.shots, columns(self.of.layers)[main_channel()]
        pictures = without_shape(of.surface, shots, pictures.copy(), of.layers)
        pictures[..., own] = with_colours_of(self._there.transpose(0, 2, 3, 1), pictures[..., own], shots)
        over = self.over.with_close_ups(of.surface, of.texels, shots, pictures, of.host.check)
        found = replace(self, over=over, number=self.number + 1)
        shown = by_channel(pictures, of.layers)[main_channel()]
        agreed = view_psnr(render_views(found._colours, of.surface, shots), shots, shown)
        return replace(found, agreed=(*self.agreed, agreed))
