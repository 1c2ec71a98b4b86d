"""Meshes as a canvas: one texture, or pages of it, seen by cameras around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import memory
from .. import settings as options
from ..bake.bake import bake
from ..bake.fill import doubtful_used, fill
from ..bake.relief import normal_map
from ..bake.texel_graph import TexelGraph
from ..denoise.denoiser import Denoiser
from ..denoise.estimator import SEES
from ..export import room
from ..host import Clock, Host
from ..measure.flat import flat_channels
from ..options.channels import CHANNELS, Channel, main_channel, painted, wanted
from ..options.values import either
from ..pictures.channels import ByChannel, by_channel, neutral
from ..protocol import Request
from ..settings import Settings
from ..sync.spaces import Averaging, LinearSpace
from ..views import prompts, resolution
from ..views.backends import choose
from ..views.cameras import Camera, blind
from ..views.neighbours import beside, nearest_first
from ..views.planner import MAX_VIEWS
from ..views.surface import Surface, View
from .canvas import CanvasView, Prompt, Start
from .mesh_job import MeshJob
from .mesh_maps import mesh_maps
from .mesh_painted import PaintedMesh
from .mesh_preview import MeshPreview
from .mesh_prompts import ViewPrompts
from .mesh_views import take_views

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
        job = self.job
        request, mesh = job.request, job.layout.mesh
        memory.check_numbers(len(job.layout.pages), max(settings.latent_size, settings.rgb_size))
        cameras = options.placed(request, job.own, mesh)
        notes = memory.check_views(MAX_VIEWS if cameras is None else len(cameras), settings.view_size)
        job.host.note(notes)
        backend = choose(request.raster, denoiser.device.type)
        surface = Surface.build(mesh.vertices, mesh.faces, job.layout.uvs, backend, request.front)
        made, missing = wanted(request.channels, (*denoiser.channels, *denoiser.estimated))
        if job.repair is not None:
            made = (main_channel(),)  # of the others nothing is known around what is painted
        kinds = [*denoiser.kinds, *(SEES if len(made) > len(denoiser.channels) else ())]
        faces = None if job.repair is None else job.repair.faces(surface)
        kinds, layout = [*dict.fromkeys(kinds)], settings.layout
        shots = take_views(surface, cameras, settings.view_size, kinds, job.host, faces, layout)
        unseen = blind(cameras or (), [shot.camera for shot in shots], "the mesh")
        if job.repair is not None:
            seen, shots = [shot.camera for shot in shots], job.repair.seeing(surface, shots)
            unseen += blind(seen, [shot.camera for shot in shots], "what is repainted")
        asked = ViewPrompts.build(surface, shots, settings, job.areas)
        warnings = [*notes, *unseen, *resolution.warning(surface, shots, job.host.check)]
        warnings += [*asked.warnings, *_ungiven(missing)]
        return MeshCanvas(job, settings, surface, shots, asked, made, denoiser.channels, warnings)


def _ungiven(missing: Sequence[str]) -> list[str]:
    """A warning when channels that were asked for aren't made."""
    said = f"the model can't tell {either(missing)} of its pictures: only the rest is made"
    return [said] if missing else []


def canvas_views(shots: Sequence[View], asked: Sequence[tuple[Prompt, ...]]) -> list[CanvasView]:
    """The ``shots`` as views of a canvas, with what each is ``asked`` for; neighbours look from beside."""
    found = []
    for shot, prompts_of, others in zip(shots, asked, beside([one.camera for one in shots]), strict=True):
        assert shot.controls, "what a model paints has a control picture"
        side = shot.resolution
        found.append(CanvasView(side, side, prompts_of, shot.controls, shot.mask, others))
    return found


@dataclass(frozen=True)
class MeshCanvas:
    """The texture of the meshes of a ``job``, whose canonical variable is as large as the ``settings`` say.
    shots: what the job's cameras see of the meshes' ``surface``, with control pictures; asked: for what in
    each. channels: what is made. shown: those that previews have, as the model paints them."""

    job: MeshJob
    settings: Settings
    surface: Surface
    shots: list[View]
    asked: ViewPrompts
    channels: tuple[Channel, ...]
    shown: tuple[Channel, ...]
    warnings: list[str]
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
        """Of a texture that has a size of its own for latents and for pixels."""
        shots, size = self.shots, self.settings.rgb_size
        if scale > 1:
            size = self.settings.latent_size
            shots = self.surface.seen_by(self.cameras, shots[0].resolution // scale)
        maps = mesh_maps(self.surface, shots, size, averaging)
        return LinearSpace.build(maps, device, self.order if averaging.earlier else ())

    def start(self) -> Start | None:
        """How the views show the texture to start from."""
        old, repair, surface, shots = self.job.old, self.job.repair, self.surface, self.shots
        if old is None:
            return None
        known = None if repair is None else repair.known(surface, shots, old)
        return Start(old.seen(surface, shots, self.job.host.check), known)

    def preview(self) -> MeshPreview:
        return MeshPreview(self.job, self.surface, self.cameras, self.shown)

    def finish(self, pictures: Floats) -> PaintedMesh:
        """The textures of all channels: baked, over the old one where there is one, filled, padded."""
        graph = TexelGraph.build(self.surface, self.job.request.texture_size)
        layers, repair, over = painted(self.channels), self.job.repair, None
        image = self._texture(pictures, graph)
        found = by_channel(image, layers)
        seen = by_channel(pictures, layers)[main_channel()]
        images = {one: self._made(one, found, graph) for one in self.channels}
        if repair is not None and self.job.old is not None:
            over = repair.over(graph, image, self.job.old)
            images[main_channel()] = over.image()
        flat = flat_channels(images, graph.texels.index)
        return PaintedMesh(self.job, self.surface, self.shots, seen, images, tuple(flat), over)

    def _made(self, channel: Channel, found: ByChannel, graph: TexelGraph) -> Floats:
        """The texture of a ``channel``, or what is made of another one that is ``found``."""
        if not channel.made_from:
            return found[channel]
        return normal_map(found[CHANNELS[channel.made_from]], graph.texels)

    def _texture(self, pictures: Floats, graph: TexelGraph) -> Floats:
        """(T, T, K), or of pages, float32 in [0, 1]; what a repair has beside the mesh is its files'."""
        request, old, check = self.job.request, self.job.old, self.job.host.check
        inputs, layers = (self.surface, graph.texels, self.shots, pictures, check), painted(self.channels)
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
