"""The private folder of one job: through it meshes, pictures and cameras cross to the engine."""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ...engine.outputs import safe_name

if TYPE_CHECKING:  # without these, no bpy is needed here
    from ...engine import protocol
    from ..read.cameras import Cameras
    from ..read.masks import MaskedArea
    from ..read.settings import Settings
    from .job_object import JobObject

PREFIX = "sync_texture_"
REMOVE_S = 30.0
START = "start"  # of the names of pictures to start from
MASK, REPAINT = "mask", "repaint"  # of those of masks


def make_folder(base: str | None = None) -> Path:
    """A new, empty folder that only this user can enter, inside ``base`` (None: the temporary folder).

    The name is unique, so two Blenders never meet in one. Raises OSError.
    """
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))


def remove_folder(folder: Path) -> None:
    """Remove ``folder`` with what is in it; never raises.

    Somebody may still write there: the thread that saves the job's meshes, or a killed engine about to end,
    which holds files open in Windows. Where that keeps the folder, a thread goes on for up to REMOVE_S.
    """
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        name = "sync_texture remover"
        threading.Thread(target=_go_on_removing, args=(folder,), daemon=True, name=name).start()


def _go_on_removing(folder: Path) -> None:
    end = time.monotonic() + REMOVE_S
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.02)
        shutil.rmtree(folder, ignore_errors=True)


@dataclasses.dataclass(frozen=True)
class JobFiles:
    """What a job on ``objects`` has in ``folder``. cameras: the scene's, where these are wanted. regions:
    areas with prompts of their own. repaint: those that alone are painted."""

    folder: Path
    objects: Sequence[JobObject]
    cameras: Cameras | None
    regions: Sequence[MaskedArea] = ()
    repaint: Sequence[MaskedArea] = ()

    def request(self, settings: Settings, out: Path) -> protocol.Request:
        """The request that names the files; results go into the folder ``out``."""
        unwraps = [one.read.unwrap for one in self.objects]
        cameras = self._camera_file if self.cameras else None
        found = settings.request(self._meshes, out, unwraps, self._start_texture, cameras)
        regions, repaint = (tuple(one.said(self.folder, name) for name, one in own) for own in self._areas)
        return dataclasses.replace(found, region=regions, repaint=repaint)

    def save(self) -> None:
        """Write them. No bpy: any thread may call it. Raises OSError."""
        for one, mesh in zip(self.objects, self._meshes, strict=True):
            one.read.arrays().save(mesh)
            if one.texture and self._several:
                one.texture.save_beside_others(self.folder, f"{START}.{mesh.stem}", self._tiled)
            elif one.texture:
                one.texture.save(self.folder, START)
        for name, area in (one for own in self._areas for one in own):
            if area.mask:
                area.mask.keep(self.folder, name)
        if self.cameras:
            self.cameras.save(self._camera_file)

    @property
    def _areas(self) -> tuple[list[tuple[str, MaskedArea]], ...]:
        """Regions, and what is repainted, each with the name that its mask has in the folder."""
        both = ((MASK, self.regions), (REPAINT, self.repaint))
        return tuple([(f"{name}.{i}", one) for i, one in enumerate(own)] for name, own in both)

    @property
    def _several(self) -> bool:
        return len(self.objects) > 1

    @property
    def _tiled(self) -> bool:
        """Whether any object starts from UDIM tiles."""
        return any(one.texture and one.texture.tiled for one in self.objects)

    @property
    def _meshes(self) -> list[Path]:
        names = file_names([one.name for one in self.objects])  # messages call a mesh by its file
        return [self.folder / f"{name}.npz" for name in names]

    @property
    def _start_texture(self) -> str | None:
        """What the engine starts from, as it names several: by set and tile. None: from nothing."""
        first = self.objects[0].texture
        if first is None:
            return None
        if not self._several:
            return str(first.path(self.folder, START))
        return str(self.folder / (f"{START}.<SET>.<UDIM>.png" if self._tiled else f"{START}.<SET>.png"))

    @property
    def _camera_file(self) -> Path:
        return self.folder / "cameras.json"


def file_names(names: Sequence[str]) -> list[str]:
    """A name for a file for each of the objects' ``names``, all different, also where case doesn't count. The
    engine calls the textures by them."""
    found: list[str] = []
    for name in names:
        stem = safe_name(name, 50, "object")
        number, one = 1, stem
        while one.lower() in (taken.lower() for taken in found):
            number += 1
            one = f"{stem}-{number}"
        found.append(one)
    return found
