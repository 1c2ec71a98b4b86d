"""Meshes as a canvas: one texture, or pages of it, seen by cameras around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import memory
from .. import settings as options
from ..bake.bake import bake
from ..bake.fill import doubtful_used, fill
from ..bake.lean import leaning, without_shape
from ..bake.overlay import Overlay
from ..bake.relief import normal_map
from ..bake.texel_graph import TexelGraph
from ..denoise.denoiser import Denoiser
from ..denoise.estimator import SEES
from ..export import room
from ..host import Clock, Host
from ..measure.flat import flat_channels
from ..options.channels import CHANNELS, RELIEF, Channel, main_channel, painted, ungiven, wanted
from ..pictures.channels import ByChannel, by_channel, neutral
from ..protocol import Request
from ..settings import Settings
from ..sync.spaces import Averaging, LinearSpace
from ..views import prompts, resolution
from ..views.backends import choose
from ..views.cameras import Camera, blind
from ..views.neighbours import nearest_first
from ..views.planner import MAX_VIEWS
from ..views.surface import Surface, View
from .canvas import CanvasView, Start
from .mesh_beside import around
from .mesh_close_ups import CloseUps, Painting
from .mesh_detail import Detail, decide
from .mesh_job import HIDDEN, MeshJob
from .mesh_maps import space_of
from .mesh_painted import PaintedMesh
from .mesh_preview import MeshPreview
from .mesh_prompts import ViewPrompts
from .mesh_views import canvas_views, take_views

Floats = NDArray[np.float32]


def prepare(request: Request, host: Host, clock: Clock) -> PreparedMeshes:
    """The meshes of ``request``; see canvas.Prepare."""
    return PreparedMeshes(MeshJob.read(request, host, clock))


@dataclass(frozen=True)
class PreparedMeshes:
    """Meshes on their textures, before anything looks at them."""

    job: MeshJob

    @property
    def files(self) -> Sequence[str]:
        return self.job.files([main_channel()])

    @property
    def warnings(self) -> Sequence[str]:
        return self.job.layout.warnings

    def canvas(self, settings: Settings, denoiser: Denoiser) -> MeshCanvas:
        """Seen by the cameras that the request asks for, in the size and with the controls that the model
        takes."""
        request, pages = self.job.request, len(self.job.layout.pages)
        memory.check_numbers(pages, max(settings.latent_size, settings.rgb_size))
        job, surface = self.job.surface(choose(request.raster, denoiser.device.type))
        alone = [] if job is self.job else [HIDDEN]
        cameras = options.placed(request, job.own, job.layout.mesh)
        notes = memory.check_views(MAX_VIEWS if cameras is None else len(cameras), settings.view_size)
        job.host.note(notes)
        own, told = (*denoiser.channels, *denoiser.estimated), settings.estimated
        made, missing = wanted(request.channels, (*own, *told))
        if job.repair is not None:
            made = (main_channel(),)  # of the others nothing is known around what is painted
        left = {*painted(made, told)} - {*denoiser.channels, *told}  # to what the model itself can tell
        kinds = [*denoiser.kinds, *(SEES if left else ())]
        faces = None if job.repair is None else job.repair.faces(surface)
        kinds, layout = [*dict.fromkeys(kinds)], settings.layout
        shots = take_views(surface, cameras, settings.view_size, kinds, job.host, faces, layout)
        unseen = blind(cameras or (), [shot.camera for shot in shots], "the mesh")
        if job.repair is not None:
            seen, shots = [shot.camera for shot in shots], job.repair.seeing(surface, shots)
            unseen += blind(seen, [shot.camera for shot in shots], "what is repainted")
        asked = ViewPrompts.build(surface, shots, settings, job.areas)
        warnings = [*alone, *notes, *unseen, *resolution.warning(surface, shots, job.host.check)]
        warnings += [*asked.warnings, *ungiven(missing)]
        detail, said = decide(request, settings, surface, [shot.camera for shot in shots], job.host)
        return MeshCanvas(
            job, settings, surface, shots, asked, made, denoiser.channels, [*warnings, *said], detail
        )


@dataclass(frozen=True)
class MeshCanvas:
    """The texture of the meshes of a ``job``, whose canonical variable is as large as the ``settings`` say.
    shots: what the job's cameras see of the meshes' ``surface``, with control pictures; asked: for what in
    each. channels: what is made. shown: those that previews have, as the model paints them. detail: what
    follows, from nearer."""

    job: MeshJob
    settings: Settings
    surface: Surface
    shots: list[View]
    asked: ViewPrompts
    channels: tuple[Channel, ...]
    shown: tuple[Channel, ...]
    warnings: list[str]
    detail: Detail | None = None
    lighter: Sequence[str] = ("views", "texture_size")

    @property
    def cameras(self) -> list[Camera]:
        return [shot.camera for shot in self.shots]

    @property
    def files(self) -> Sequence[str]:
        return self.job.files(self.channels)

    @property
    def room(self) -> int:
        layout, shots = self.job.layout, self.shots
        faces, side = len(layout.mesh.faces), shots[0].resolution
        pages, channels = len(layout.pages), len(self.channels)
        return room.of_mesh(self.job.request, pages, channels, faces, len(shots), side)

    @property
    def order(self) -> Sequence[int]:
        """From the front to the back."""
        return nearest_first(self.cameras)

    @cached_property
    def views(self) -> Sequence[CanvasView]:
        return canvas_views(self.shots, self.asked.views)

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> LinearSpace:
        return space_of(self.surface, self.shots, scale, self.settings.texture_size, averaging, device)

    def start(self) -> Start | None:
        """How the views show the texture to start from, and what stands beside."""
        old, repair, surface, shots = self.job.old, self.job.repair, self.surface, self.shots
        start = None
        if old is not None:
            known = None if repair is None else repair.known(surface, shots, old)
            start = Start(old.seen(surface, shots, self.job.host.check), known)
        if self.job.beside is None:
            return start
        pictures, share = self.job.beside.seen(surface, shots, self.job.host.check)
        return around(start, pictures, share)

    def preview(self) -> MeshPreview:
        return MeshPreview(self.job, self.surface, self.cameras, self.shown)

    def closer(self, pictures: Floats) -> CloseUps | None:
        if self.detail is None:
            return None
        graph = TexelGraph.build(self.surface, self.job.request.texture_size)

        def finish(image: Floats, close_ups: dict[str, Any]) -> PaintedMesh:
            if self.job.old is not None:  # between charts
                image = self.job.old.around(graph.texels, image)
            return replace(self._finished(pictures, image, graph), close_ups=close_ups)

        painting = Painting(
            self.surface,
            graph.texels,
            self.settings,
            list(self.shots[0].controls),
            self.job.areas,
            self.job.beside,
            self.channels,
            self._layers,
            self.detail,
            self.job.host,
            finish,
        )
        return CloseUps(painting, Overlay.over(self._texture(pictures, graph)))

    def finish(self, pictures: Floats) -> PaintedMesh:
        """The textures of all channels: baked, over the old one where there is one, filled, padded."""
        graph = TexelGraph.build(self.surface, self.job.request.texture_size)
        return self._finished(pictures, self._texture(pictures, graph), graph)

    def _finished(self, pictures: Floats, image: Floats, graph: TexelGraph) -> PaintedMesh:
        """Of the texture (T, T, K) of all channels that are painted, or of pages."""
        layers, repair, over = self._layers, self.job.repair, None
        found = by_channel(image, layers)
        seen = by_channel(pictures, layers)[main_channel()]
        images = {one: self._made(one, found, graph) for one in self.channels}
        if repair is not None and self.job.old is not None:
            over = repair.over(graph, image, self.job.old)
            images[main_channel()] = over.image()
        own = {one: images[one] for one in self.shown}  # gold is metal all over: of others it says nothing
        flat = flat_channels(own, graph.texels.index)
        return PaintedMesh(self.job, self.surface, self.shots, seen, images, tuple(flat), over)

    @property
    def _layers(self) -> tuple[Channel, ...]:
        """What views say, in the order in which pictures have it."""
        return painted(self.channels, self.settings.estimated)

    def _made(self, channel: Channel, found: ByChannel, graph: TexelGraph) -> Floats:
        """The texture of a ``channel``, or what is made of another one that is ``found``."""
        if channel in self._layers:
            return leaning(found[channel], graph.texels) if channel.name == "normal" else found[channel]
        reach = RELIEF / self.surface.scale  # as high on a part of an object as on all of it
        return normal_map(found[CHANNELS[channel.made_from]], graph.texels, reach)

    def _texture(self, pictures: Floats, graph: TexelGraph) -> Floats:
        """(T, T, K), or of pages, float32 in [0, 1]; what a repair has beside the mesh is its files'."""
        request, old, check = self.job.request, self.job.old, self.job.host.check
        layers = self._layers
        shown = without_shape(self.surface, self.shots, pictures, layers)
        inputs = self.surface, graph.texels, self.shots, shown, check
        if old is None:
            baked = bake(*inputs, partial(doubtful_used, request.fill, graph))
            return fill(request.fill, graph, baked, layers)
        baked = bake(*inputs)
        old = old.fitted(request.texture_size)
        kept = old.under(graph.texels, baked, neutral(layers))
        image = fill(request.fill, graph, kept, layers)
        return image if self.job.repair is not None else old.around(graph.texels, image)

    def report(self, warnings: list[str]) -> dict[str, Any]:
        layout, request = self.job.layout, self.job.request
        return {
            "texture_size": request.texture_size,
            "texture_depth": request.texture_depth,
            "raster": self.surface.raster.name,
            "mesh": {
                "vertices": len(layout.mesh.vertices),
                "faces": len(layout.mesh.faces),
                "unwrapped": bool(layout.unwrapped.any()),
                "warnings": warnings,
            },
            "views": [asdict(one) | {"direction": prompts.direction(one)} for one in self.cameras],
        }
