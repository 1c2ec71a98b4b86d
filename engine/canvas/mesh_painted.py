"""A textured mesh: how good it is, and its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import threads
from ..export import render, save
from ..export.files import page_file, result_file, textures, uv_file, write_textured
from ..measure.flat import warning
from ..measure.quality import covered, view_psnr
from ..measure.seams import seam_error
from ..measure.sharpness import sharpness
from ..options.channels import CHANNELS, RELIEF, Channel, main_channel
from ..outputs import MESH_FILES
from ..pictures.channels import ByChannel
from ..protocol import Result
from ..views.surface import Surface, View, masks
from .mesh_job import MeshJob
from .mesh_repair import PaintedOver

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PaintedMesh:
    """The textures of the meshes of a ``job``: ``images`` (T, T, k) float32 in [0, 1], or pages of them.
    pictures: (N, R, R, 3), what people look at of the ``shots`` of their ``surface``. flat: the channels that
    are the same all over it. close_ups: what there is to say of those."""

    job: MeshJob
    surface: Surface
    shots: list[View]
    pictures: Floats
    images: ByChannel
    flat: tuple[Channel, ...] = ()
    over: PaintedOver | None = None
    close_ups: dict[str, Any] | None = None

    @property
    def texture(self) -> Floats:
        """(T, T, 3), or of pages: what people look at of it."""
        return self.images[main_channel()]

    @cached_property
    def rendered(self) -> Floats:
        """(N, R, R, 3): the texture as the views show it."""
        return render.render_views(self.texture, self.surface, self.shots)

    @property
    def warnings(self) -> Sequence[str]:
        return warning(self.flat)

    def measure(self) -> dict[str, Any]:
        cameras, layout = [shot.camera for shot in self.shots], self.job.layout
        face, painted = covered(self.surface.raster, cameras, self.job.host.check)
        pages = range(len(layout.pages))
        kept = sharpness(self.rendered, self.pictures, masks(self.shots))
        return {
            "textures": [self._page(i, painted[layout.page[face] == i]) for i in pages],
            "coverage": _share(painted) or 0.0,
            "seam_error": seam_error(self.surface, self.texture),
            "view_psnr": view_psnr(self.rendered, self.shots, self.pictures),
            "detail_kept": kept if np.isfinite(kept) else None,
            **({} if self.over is None else {"border_error": self.over.border_error}),
            **({} if self.close_ups is None else {"close_ups": self.close_ups}),
            "flat_channels": [one.name for one in self.flat],
        }

    def _page(self, number: int, painted: NDArray[np.bool_]) -> dict[str, Any]:
        """What the report says of one of several textures; ``painted``: of its points (n,)."""
        layout = self.job.layout
        page = layout.pages[number]
        others = {one.name: page_file(page, one) for one in self.images if one != main_channel()}
        return {
            "file": page_file(page),
            **({"others": others} if others else {}),
            "mesh": None if page.mesh is None else layout.names[page.mesh],
            "part": page.part,
            "tile": page.tile,
            "faces": int((layout.page == number).sum()),
            "unwrapped": bool(layout.unwrapped[layout.page == number].any()),
            "coverage": _share(painted),
        }

    def write(self, stage: Path) -> Result:
        request, layout, check = self.job.request, self.job.layout, self.job.host.check

        def textured() -> None:
            files = () if self.over is None else self.over.files
            write_textured(layout, self.images, request.texture_depth, stage, check, files)

        def turntable() -> None:
            save.gif(render.turntable(self.texture, self.surface, check), stage / "turntable.gif")

        def views() -> None:
            save.png(self._contact_sheet(), stage / "views.png")

        threads.each(lambda write: write(), (textured, turntable, views))
        return self._result(self._write_uvs(stage))

    def _contact_sheet(self) -> Image.Image:
        cameras = [shot.camera for shot in self.shots]
        labels = [f"{camera.azimuth:.0f}, {camera.elevation:.0f}" for camera in cameras]
        controls = [np.stack([shot.controls[kind] for shot in self.shots]) for kind in self.shots[0].controls]
        return render.contact_sheet(controls, self.pictures, self.rendered, labels)

    def _write_uvs(self, stage: Path) -> list[str | None]:
        """Write new UVs where they are wanted; the names of their files, one for each mesh, None without."""
        names: list[str | None] = []
        for i, uvs in enumerate(self.job.new_uvs()):
            names.append(None if uvs is None else uv_file(i))
            if uvs is not None:
                save.array(uvs, stage / uv_file(i))
        return names

    def _result(self, uvs: list[str | None]) -> Result:
        out, file = Path(self.job.request.out), partial(result_file, self.job.request.texture_depth)
        made = textures(self.job.layout.pages, self.images, out, file)
        first, *others = [name and str(out / name) for name in uvs]
        mesh, views, turntable, report = (str(out / name) for name in MESH_FILES)
        whole = self.surface.radius / self.surface.scale  # of the object, not of a part of it
        relief = 2 * RELIEF * whole if CHANNELS["height"] in self.images else 0.0
        paths = made[0].path, mesh, views, turntable, report, first
        return Result(*paths, textures=made, other_uvs=others, relief=relief)


def _share(painted: NDArray[np.bool_]) -> float | None:
    return float(painted.mean()) if len(painted) else None
