"""What may be written, and over what: names that every system can hold, and only over what an earlier run
wrote into the same folder, and says so there.

Whatever a run leaves in a folder, its report.json names. A file that no report names is the user's own, and
so is every file that the run reads, whatever a report says of it. Standard library only: Blender's Python
reads this file, too.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .errors import UserError, Wording
from .inputs import read_json
from .options import areas
from .options.image import ImageRequest
from .options.request import Request
from .options.splats import SplatsRequest
from .options.values import LONGEST_NAME, short
from .options.weighted import REFERENCE

REPORT = "report.json"
MESH_FILES = ("mesh.glb", "views.png", "turntable.gif", REPORT)  # of every textured mesh, in Result's order
SCENE = "scene.blend"
BATCH_STATE = ".sync_texture-batch"  # in a batch's folder: what it needs for itself
PREVIEWS = ".sync_texture-preview.json"  # names the previews of a run while it lasts; a killed one leaves it
# Windows keeps these for its devices, whatever comes after a dot; others stand for drives, patterns, pipes.
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_SPECIAL = re.compile(r'[\0-\x1f\x7f-\x9f<>:"/\\|?*]')
_SAFE_BYTES = 200  # of a name that gets more after it
_OURS = ("version", "prompt", "seconds")  # what every report.json of ours has besides its files


@dataclass(frozen=True)
class Outputs:
    """The files that a run leaves in ``folder``, which needn't be there yet.

    inputs: paths of files that the run reads. overwrite: whoever asked means to lose what is in the way.
    known: names of files there that something else than a report.json says to be ours. option: the one that
    chose the folder.
    """

    folder: Path
    inputs: tuple[str, ...] = ()
    overwrite: bool = False
    known: frozenset[str] = field(default=frozenset())
    option: str = "out"

    @classmethod
    def of(cls, request: Request | ImageRequest | SplatsRequest) -> Outputs:
        """Those of a job."""
        return cls(Path(request.out), tuple(inputs_of(request)), request.overwrite)

    def check(self, names: Iterable[str]) -> None:
        """Raise UserError where a file called as one of ``names`` may not be written."""
        if found := self.obstacle(names):
            raise UserError(found.error, found.fix, **found.options)

    def obstacle(self, names: Iterable[str]) -> Wording | None:
        """Why one of ``names`` may not be written, None where all may."""
        names = list(names)
        for name in (*_new_folders(self.folder), *names):
            if flaw := unportable(name):
                return Wording(flaw, f"give another {{{self.option}}}", {self.option: None})
        there = [name for name in dict.fromkeys(names) if os.path.lexists(self.folder / name)]
        for name in there:
            if os.path.isdir(self.folder / name):
                what = f"a file {self._said(name)} is to be written, and there is a folder of that name"
                return Wording(what, f"move it away, or give another {{{self.option}}}", {self.option: None})
        if self.overwrite or not there:
            return None
        for name in there:
            if any(_same(self.folder / name, path) for path in self.inputs):
                return self._refused(f"{self._said(name)} is read by this job, which would write over it")
        earlier = self.earlier
        if strange := [name for name in there if name not in earlier]:
            return self._refused(f"{self._said(*strange)} would be written over, and no earlier run made it")
        return None

    @property
    def earlier(self) -> frozenset[str]:
        """The names of files that earlier runs left in the folder."""
        return self.known | named(self.folder)

    def left(self, names: Iterable[str]) -> list[str]:
        """What earlier runs left in the folder, and a run that writes ``names`` doesn't replace."""
        others = self.earlier - set(names)
        return sorted(name for name in others if os.path.lexists(self.folder / name))

    def _said(self, name: str, *others: str) -> str:
        return f"'{self.folder / name}'" + f" (and {len(others)} more)" * bool(others)

    def _refused(self, what: str) -> Wording:
        fix = f"give another {{{self.option}}}, or say {{overwrite}} to lose it"
        return Wording(what, fix, {self.option: None, "overwrite": None})


def unportable(name: str) -> str | None:
    """Why not every system can hold a file or a folder called ``name``, None where all can: what one person
    makes, another copies to Windows."""
    if _DEVICE.match(name):
        return f"{short(name)} is a name that Windows keeps for itself"
    if found := _SPECIAL.search(name):
        return f"the name {short(name)} has the character {found[0]!r}, which Windows can't hold"
    if name.endswith((".", " ")):
        return f"the name {short(name)} ends with {name[-1]!r}, which Windows drops"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return f"the name {short(name)} isn't text"
    return f"the name {short(name)} is too long" if size > LONGEST_NAME else None


def safe_name(name: str, most: int, instead: str) -> str:
    """``name``, of at most ``most`` characters, with only what every system takes in a file's name, and no
    dot; ``instead`` where nothing is left. Two may become one."""
    found = re.sub(r"[^\w-]+", "_", name).strip("_")[:most].rstrip("_")
    found = found.encode("utf-8", "replace")[:_SAFE_BYTES].decode("utf-8", "ignore") or instead
    return f"{found}_" if _DEVICE.match(found) else found


def _new_folders(folder: Path) -> Iterator[str]:
    """The names in ``folder``'s path that aren't there yet: what is there has been somebody's own choice."""
    while folder.name and not os.path.lexists(folder):
        if folder.name != "..":
            yield folder.name
        folder = folder.parent


def named(folder: Path) -> frozenset[str]:
    """The names of files in ``folder`` that its report.json says to be results, none where that is damaged or
    not ours, and of the previews of a run that was killed."""
    return _results(folder) | _previews(folder)


def _results(folder: Path) -> frozenset[str]:
    found = _report(folder / REPORT)
    names = [*_names(found.get("files")), *_names(found.get("earlier_files"))]
    is_ours = REPORT in names and all(key in found for key in _OURS)
    return frozenset(names if is_ours else ())


def _previews(folder: Path) -> frozenset[str]:
    names = frozenset(_names(_report(folder / PREVIEWS).get("files")))
    return names if PREVIEWS in names else frozenset()


def _report(path: Path) -> dict[str, Any]:
    """What stands in ``path``; {} for anything that can't be read."""
    try:
        found = read_json(path)
    except UserError:
        return {}
    return found if isinstance(found, dict) else {}


def _names(listed: Any) -> Iterator[str]:
    """Those in ``listed``, from JSON, that name a file in the same folder."""
    for name in listed if isinstance(listed, list) else ():
        if isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\\0"):
            yield name


def inputs_of(request: Request | ImageRequest | SplatsRequest) -> Iterator[str]:
    """The paths of the files that ``request`` names, as far as they are there."""
    yield from (os.path.expanduser(REFERENCE.file(text)) for text in request.reference)
    if isinstance(request, ImageRequest):
        yield from filter(None, (request.init_image, request.mask, request.depth))
        return
    yield from [request.splats] if isinstance(request, SplatsRequest) else request.meshes
    if request.cameras:
        yield request.cameras
    if isinstance(request, Request):
        masks = areas.masks(request.region, request.repaint)
        for picture in filter(None, (request.init_texture, *masks)):
            yield from pictures_of(picture)


def pictures_of(path: str) -> list[str]:
    """All files that ``path``, with <SET> and <UDIM> in it or without, stands for."""
    if not re.search("<SET>|<UDIM>", path):
        return [path]
    return sorted(glob.glob(re.sub("<SET>|<UDIM>", "*", glob.escape(path))))


def _same(path: Path, other: str) -> bool:
    """Whether both are one file, links followed."""
    try:
        return os.path.samefile(path, other)
    except (OSError, ValueError):
        return False
