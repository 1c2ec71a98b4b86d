"""Splats with new colours: how good these are, and their files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial import cKDTree
from torch import Tensor

from .. import protocol
from ..export import render, save
from ..measure.held_out import held_out_psnr
from ..measure.quality import decibels
from ..measure.sharpness import sharpness
from ..outputs import REPORT
from ..pictures import png
from ..pictures.channels import BACKGROUND
from ..protocol import Result, SplatsRequest
from ..splats.files import SplatFile
from ..splats.shots import Shot
from ..sync.solved import LEAST, SolvedSpace
from ..sync.spaces import pixels_of

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]

SPLATS, SHEET = "splats.ply", "views.png"
PREVIEW = f"preview.{SHEET}"
MOST_SHOWN = 8  # views in a preview


@dataclass(frozen=True)
class PaintedSplats:
    """The splats of a ``file`` with ``colours`` (S, 3) in [0, 1], and the views (N, 3, R, R) that these are
    from: of ``shots``, each with its control pictures. painted: (S,), which of them any view shows; the
    others have the colour of the nearest of these."""

    request: SplatsRequest
    file: SplatFile
    space: SolvedSpace
    shots: Sequence[Shot]
    controls: Sequence[Mapping[str, Floats]]
    views: Tensor
    colours: Floats
    painted: Bools
    warnings: Sequence[str] = ()

    @classmethod
    def solved(
        cls,
        request: SplatsRequest,
        file: SplatFile,
        space: SolvedSpace,
        shots: Sequence[Shot],
        controls: Sequence[Mapping[str, Floats]],
        views: Tensor,
    ) -> PaintedSplats:
        """With the colours that ``space`` finds for ``views``."""
        colours = space.unproject(views).clamp(0, 1).numpy()
        painted = (space.total[:, 0] > LEAST).numpy()
        _fill(colours, painted, file.splats.position)
        return cls(request, file, space, shots, controls, views, colours, painted)

    @cached_property
    def rendered(self) -> Floats:
        """(N, R, R, 3): the splats as the views show them, on grey."""
        behind = torch.full_like(self.views, BACKGROUND)
        shown = self.space.project(torch.from_numpy(self.colours), behind)
        return np.ascontiguousarray(shown.permute(0, 2, 3, 1).numpy(), np.float32)

    @cached_property
    def _masks(self) -> Bools:
        return np.stack([shot.mask for shot in self.shots])

    @property
    def _pictures(self) -> Floats:
        return np.ascontiguousarray(self.views.permute(0, 2, 3, 1).numpy())

    def measure(self) -> dict[str, Any]:
        """view_psnr: of the pixels that show the object, what the splats make of them next to the views;
        held_out_psnr: the same of splats that were made from other views."""
        counted = torch.from_numpy(self._masks.reshape(-1))
        space, pixels = self.space, pixels_of(self.views)[self.space.pixel]
        shown = space.matrix @ torch.from_numpy(self.colours) / space.coverage
        error = ((shown - pixels)[counted[space.pixel]] ** 2).mean()
        kept = sharpness(self.rendered, self._pictures, self._masks)
        return {
            "painted": float(self.painted.mean()),
            "view_psnr": decibels(float(error)),
            "held_out_psnr": held_out_psnr(space, self.views, counted),
            "detail_kept": kept if np.isfinite(kept) else None,
        }

    def write(self, stage: Path) -> Result:
        (stage / SPLATS).write_bytes(self.file.painted(self.colours, self.request.tints == "keep"))
        save.png(self._contact_sheet(), stage / SHEET)
        out = Path(self.request.out)
        return Result("", str(out / SPLATS), str(out / SHEET), "", str(out / REPORT))

    def _contact_sheet(self) -> Image.Image:
        cameras = [shot.camera for shot in self.shots]
        labels = [f"{camera.azimuth:.0f}, {camera.elevation:.0f}" for camera in cameras]
        shown = [np.stack([one[kind] for one in self.controls]) for kind in self.controls[0]]
        return render.contact_sheet(shown, self._pictures, self.rendered, labels)


def _fill(colours: Floats, painted: Bools, position: NDArray[np.float64]) -> None:
    """Give ``colours`` (S, 3) of splats that aren't ``painted`` (S,) those of the nearest that are."""
    if painted.any() and not painted.all():
        _, nearest = cKDTree(position[painted]).query(position[~painted])
        colours[~painted] = colours[painted][nearest]


@dataclass(frozen=True)
class SplatsPreview:
    """The first views side by side, small, in the request's folder."""

    request: SplatsRequest
    files: Sequence[str] = (PREVIEW,)

    def show(self, pictures: Floats) -> protocol.Preview:
        """Of views (N, h, h, K) whose first three numbers are colours; raises OSError."""
        path = Path(self.request.out) / PREVIEW
        png.write(np.concatenate(list(pictures[:MOST_SHOWN, ..., :3]), axis=1), path, level=png.QUICK)
        return protocol.Preview([protocol.Texture(str(path), mesh=None)], [])

    def remove(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(Path(self.request.out) / PREVIEW)
