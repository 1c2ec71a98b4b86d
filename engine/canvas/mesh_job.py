"""The meshes of a request: read, laid out on textures, with what else the request gives for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .. import memory
from .. import settings as options
from ..bake.existing_texture import ExistingTexture
from ..export.files import all_files, uv_file
from ..host import Clock, Host
from ..mesh.mesh import Mesh, load
from ..mesh.sets import Layout, count, lay_out
from ..mesh.unwrap import New, ensure_uvs, own_uvs
from ..options.channels import Channel
from ..protocol import Request
from ..views.camera_file import Given
from ..views.surface import Surface
from .mesh_areas import MeshArea
from .mesh_beside import Surroundings, hides_much
from .mesh_repair import MeshRepair

Floats = NDArray[np.float32]

HIDDEN = "the rest of the object hides most of the chosen faces: they were textured as if they stood alone"


@dataclass(frozen=True)
class MeshJob:
    """layout: the meshes of ``request`` as one, on their textures. own: the request's cameras, None where it
    gives none. old: the texture to start from, None where there is none. areas: of the request's regions.
    repair: what of the old texture is painted anew, None where all is. beside: what else of the meshes'
    objects the views see, None for nothing."""

    request: Request
    layout: Layout
    host: Host
    own: list[Given] | None = None
    old: ExistingTexture | None = None
    areas: tuple[MeshArea, ...] = ()
    repair: MeshRepair | None = None
    beside: Surroundings | None = None

    @classmethod
    def read(cls, request: Request, host: Host, clock: Clock) -> MeshJob:
        """Raises UserError for files that can't be read, and for meshes that can't be textured."""
        own = options.own_cameras(request)
        with clock.part("load"):
            host.progress("mesh", 0, 1, None)
            meshes = _load(request, host)
        with clock.part("geometry"):
            host.progress("unwrap", 0, 1, None)
            sets = count(meshes, request.texture_sets == "one")
            memory.check_textures(sets, request.texture_size)  # before thousands are unwrapped in vain
            layout = _laid_out(request, meshes, host)
            notes = memory.check_textures(len(layout.pages), request.texture_size)
            layout = replace(layout, warnings=(*layout.warnings, *notes))
            host.note(notes)
        with clock.part("load"):
            regions = options.regions(request)
            areas = tuple(MeshArea.read(one.area, layout, "region") for one in regions)
            path = request.init_texture
            old = ExistingTexture.read_pages(path, layout.pages) if path and not request.repaint else None
            beside = Surroundings.read(layout.mesh.beside)
            job = cls(request, layout, host, own, old, areas, beside=beside)
            return job._repairing() if request.repaint else job

    def _repairing(self) -> MeshJob:
        """In the size and the depth that the texture has."""
        repair = MeshRepair.read(self.request, self.layout)
        notes = memory.check_textures(len(self.layout.pages), repair.size)
        layout = replace(self.layout, warnings=(*self.layout.warnings, *notes, *repair.notes(self.request)))
        request, old = repair.request(self.request), repair.present()
        return replace(self, request=request, layout=layout, old=old, repair=repair)

    def surface(self, backend: str) -> tuple[MeshJob, Surface]:
        """The surface that is painted, on the rasteriser ``backend`` of views/backends.py. The job of which
        it is stands alone where what stands beside would hide most of it."""
        mesh, request = self.layout.mesh, self.request
        places = mesh.vertices, mesh.faces, self.layout.uvs, backend, request.front
        if self.beside is None:
            return self, Surface.build(*places)
        surface = Surface.build(*places, self.beside.beside.corners)
        if not hides_much(surface):
            return self, surface
        alone = replace(self.layout, mesh=replace(mesh, beside=None))
        return replace(self, layout=alone, beside=None), Surface.build(*places)

    def files(self, channels: Iterable[Channel]) -> list[str]:
        """The names of all that the job writes of ``channels``."""
        found = all_files(self.layout.pages, channels, self.request.texture_depth)
        meshes = range(len(self.request.meshes)) if self.request.write_uvs else ()
        return [*found, *(uv_file(i) for i in meshes if self.layout.unwrapped[self.layout.faces(i)].any())]

    def new_uvs(self) -> list[Floats | None]:
        """Of each mesh of the request its new UVs (F, 3, 2) where they are wanted, None where it kept its
        own."""
        meshes = range(len(self.request.meshes))
        return [self.layout.new_uvs(i) if self.request.write_uvs else None for i in meshes]


def _load(request: Request, host: Host) -> list[Mesh]:
    by = {"object": "object", "material": "material"}.get(request.texture_sets, "")
    return [load(path, by, host.check, request.up) for path in request.meshes]


def _laid_out(request: Request, meshes: list[Mesh], host: Host) -> Layout:
    """The meshes with UVs, each set its own; those that a texture to start from was made for stay."""

    def prepare(mesh: Mesh, number: int | None) -> tuple[Mesh, New, list[str]]:
        several = next((mode for mode in ("never", "keep") if mode in request.unwraps), request.unwrap)
        unwrap = several if number is None else request.unwraps[number]
        if request.init_texture is not None:
            return own_uvs(mesh, unwrap)
        return ensure_uvs(mesh, unwrap, request.texture_size, host.check)

    return lay_out(meshes, request.texture_sets == "one", prepare)
