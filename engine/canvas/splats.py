"""Gaussian splats as a canvas: their colours, seen by cameras around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import vstack
from torch import Tensor

from .. import memory
from .. import settings as options
from ..controls.placement import placed
from ..denoise.denoiser import Denoiser
from ..errors import UserError
from ..export import room
from ..host import Clock, Host
from ..inputs import require_room
from ..mesh.frame import AXES
from ..options.channels import Channel, main_channel
from ..outputs import REPORT
from ..pictures.channels import by_channel
from ..protocol import SplatsRequest
from ..settings import Settings
from ..splats import rigs
from ..splats.cloud import Frame
from ..splats.files import SplatFile
from ..splats.shots import Scene, Shot, controls
from ..splats.weights import BYTES_A_WEIGHT
from ..sync.solved import SolvedSpace
from ..sync.spaces import Averaging
from ..views.camera_file import Given
from ..views.cameras import Camera, blind
from ..views.neighbours import beside, nearest_first
from .canvas import CanvasView, Prompt
from .splats_files import SHEET, SPLATS, PaintedSplats, SplatsPreview

Floats = NDArray[np.float32]

EXPONENT = 6.0  # of the confidence, in the last solve: as meshes are baked
BYTES_A_SPLAT = 1500  # while cameras look at them
_FEWER = "use fewer {views}, a smaller model, or a file with fewer splats"


def prepare(request: SplatsRequest, host: Host, clock: Clock) -> PreparedSplats:
    """The splats of ``request``; see canvas.Prepare."""
    own = options.own_cameras(request)
    with clock.part("load"):
        host.progress("splats", 0, 1, None)
        file = SplatFile.read(request.splats, host.check)
    return PreparedSplats(request, file, host, own)


@dataclass(frozen=True)
class PreparedSplats:
    """Splats, before anything looks at them. own: the request's cameras, None where it gives none."""

    request: SplatsRequest
    file: SplatFile
    host: Host
    own: list[Given] | None = None
    files: Sequence[str] = (SPLATS, SHEET, REPORT)

    @property
    def warnings(self) -> Sequence[str]:
        if not self.file.tinted or self.request.tints == "keep":
            return []
        said = "the splats' colours change with the direction (f_rest): that becomes 0, so that the new show"
        return [said]

    def canvas(self, settings: Settings, denoiser: Denoiser) -> SplatsCanvas:
        """Seen by the cameras that the request asks for, in the size and with the controls that the model
        takes. Raises UserError where nothing can be seen."""
        splats, host, request = self.file.splats, self.host, self.request
        require_room(memory.BYTES_AT_ALL + len(splats) * BYTES_A_SPLAT, f"{len(splats):,} splats")
        frame = Frame.around(splats, AXES[request.up], request.front)
        scene = Scene(*frame.placed(splats), splats.opacity)
        cameras = self._cameras(scene, frame)
        notes = memory.check_views(len(cameras), settings.view_size)
        host.note(notes)
        shots = _take(scene, cameras, settings.view_size, host)
        seeing = [shot for shot in shots if shot.mask.any()]
        if not seeing:
            fix = "give {cameras} that look at them, or a file with more opaque ones"
            raise UserError("none of the cameras sees anything of the splats", fix, cameras=None)
        notes += blind(cameras, [shot.camera for shot in seeing], "the splats")
        place = placed(scene.position.astype(np.float32), settings.layout)
        pictures = [controls(scene, shot, denoiser.kinds, host.check, place) for shot in seeing]
        return SplatsCanvas(self, settings, scene, seeing, pictures, denoiser.channels, notes)

    def _cameras(self, scene: Scene, frame: Frame) -> list[Camera]:
        if self.own is not None:
            return [one.placed(frame.centre, frame.scale, frame.front) for one in self.own]
        host = self.host
        return rigs.cameras(
            self.request.views, scene, host.check, lambda i, n: host.progress("plan", i, n, None)
        )


def _take(scene: Scene, cameras: Sequence[Camera], resolution: int, host: Host) -> list[Shot]:
    """What each of ``cameras`` sees. Raises OutOfMemory as soon as it is clear that all can't be kept."""
    shots, kept = [], 0
    for i, shot in enumerate(scene.seen_by(cameras, resolution, host.check)):
        shots.append(shot)
        kept += shot.weights.nnz
        need = memory.BYTES_AT_ALL + kept / (i + 1) * len(cameras) * BYTES_A_WEIGHT
        what = f"{len(cameras)} views of {len(scene.opacity):,} splats in {resolution} x {resolution} pixels"
        require_room(need, what, _FEWER, views=None)
        host.progress("views", i, len(cameras), None)
    return shots


@dataclass(frozen=True)
class SplatsCanvas:
    """The colours of splats. scene: these, in the frame of the cameras. shots: what the cameras see of them;
    pictures: for each the control pictures. channels: what the model paints."""

    job: PreparedSplats
    settings: Settings
    scene: Scene
    shots: list[Shot]
    pictures: list[dict[str, Floats]]
    channels: tuple[Channel, ...]
    warnings: list[str]
    lighter: Sequence[str] = ("views",)

    @property
    def files(self) -> Sequence[str]:
        return self.job.files

    @property
    def cameras(self) -> list[Camera]:
        return [shot.camera for shot in self.shots]

    @property
    def room(self) -> int:
        return room.of_splats(len(self.job.file.data), len(self.shots), self.shots[0].resolution)

    @property
    def order(self) -> Sequence[int]:
        """From the front to the back."""
        return nearest_first(self.cameras)

    @cached_property
    def views(self) -> Sequence[CanvasView]:
        """All with the same prompt, as published."""
        prompts = (Prompt(self.settings.prompt, self.settings.negative),)
        return [
            CanvasView(shot.resolution, shot.resolution, prompts, pictures, shot.mask, others)
            for shot, pictures, others in zip(self.shots, self.pictures, beside(self.cameras), strict=True)
        ]

    def space(self, scale: int, averaging: Averaging, device: torch.device) -> SolvedSpace:
        """Of pictures in fewer pixels where an element is several of them."""
        shots, resolution = self.shots, self.shots[0].resolution // scale
        if scale > 1:
            shots = list(self.scene.seen_by(self.cameras, resolution, self.job.host.check))
        weights = vstack([shot.weights for shot in shots], format="csr")
        confidence = np.concatenate([shot.confidence.reshape(-1) for shot in shots])
        return SolvedSpace.build(weights, confidence, averaging, device, self.order)

    def start(self) -> None:
        return None

    def closer(self, pictures: Floats) -> None:
        return None

    def finish(self, pictures: Floats) -> PaintedSplats:
        """The colours that the views make together."""
        space = self.space(1, Averaging(EXPONENT), torch.device("cpu"))
        shown = by_channel(pictures, self.channels)[main_channel()]
        views: Tensor = torch.from_numpy(np.ascontiguousarray(shown)).permute(0, 3, 1, 2)
        return PaintedSplats.solved(self.job.request, self.job.file, space, self.shots, self.pictures, views)

    def preview(self) -> SplatsPreview:
        return SplatsPreview(self.job.request)

    def report(self, warnings: list[str]) -> dict[str, Any]:
        found = {"count": len(self.scene.opacity), "warnings": warnings}
        views = [asdict(one) for one in self.cameras]
        return {"splats": found, "view_size": self.shots[0].resolution, "views": views}
