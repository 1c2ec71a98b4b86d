"""One job for a picture without a mesh: asked for, checked when it comes, and put to use.

Until then nothing in the .blend is touched, so a job that fails or is cancelled leaves no trace.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...engine import protocol
from ...engine.options.channels import CHANNELS, Channel
from ...engine.options.image import ImageRequest
from .. import engine_files
from ..engine_files import foreign
from ..read import image_settings
from . import engine
from .job import Job, own_out
from .received import relief, unknown_channel

LARGEST = int(ImageRequest.table()["width"].limits[1])  # pixels of a side that any request may have

Ask = Callable[[Path], ImageRequest]


@dataclass(frozen=True)
class Picture:
    """What was made for ``request``. files: of each channel, the one that people look at first; all of
    ``width`` x ``height`` pixels, and looked at. warnings: the engine's. relief: as of a Result."""

    request: ImageRequest
    files: Mapping[Channel, Path]
    width: int
    height: int
    warnings: tuple[str, ...] = ()
    relief: float = 0.0


@dataclass(frozen=True)
class Finished:
    """What became of a job. said: in words. warnings: what is odd about it. objects: names of those that show
    what was made."""

    said: str
    warnings: tuple[str, ...] = ()
    objects: tuple[str, ...] = ()


Use = Callable[[Picture], Finished]


class ImageJob(Job):
    """A running job."""

    def __init__(
        self,
        ask: Ask,
        doing: str,
        use: Use,
        blocked: Callable[[], str] = lambda: "",
        save: Callable[[Path], None] = lambda _folder: None,
    ) -> None:
        """Start the engine on the request that ``ask`` gives for the job's private folder, into which it may
        write what only the main thread can; returns at once.

        doing: as of Job. use: puts the finished picture into the .blend, on the main thread; raises Problem.
        blocked: why that has to wait, "" when it needn't. save: writes into the folder what else the request
        names, in another thread; no bpy. Raises Problem.
        """
        command = engine.command()
        super().__init__(doing)
        self._use, self._blocked = use, blocked
        try:
            asked = ask(self.folder)
            self.request = dataclasses.replace(asked, out=str(own_out(self.folder)))
            image_settings.check(self.request)
            self.begin(command, self.request, lambda: save(self.folder))
        except BaseException:
            self.close()
            raise

    @property
    def blocked(self) -> str:
        return self._blocked()

    def look_at(self, result: protocol.Result) -> Picture:
        return receive(result, self.request)

    def finish(self) -> Finished:
        """Use the picture, once the job has ended. Raises Problem: what it ended with otherwise, or why the
        picture can't be used."""
        picture: Picture = self.found()
        return self._use(picture)


def receive(result: protocol.Result, request: ImageRequest) -> Picture:
    """What ``result`` holds for ``request``. Raises Problem where it isn't one picture of the size that was
    asked for, in files of the request's own folder."""
    texture = (result.textures or [protocol.Texture(result.texture)])[0]
    if what := unknown_channel(texture):
        raise foreign(f"The engine returned a picture for {what}")
    files = {
        CHANNELS[name]: engine_files.own_file(path, Path(request.out)) for name, path in texture.files.items()
    }
    sizes = {engine_files.picture_size(path) for path in files.values()}
    width, height = max(sizes)
    asked = (request.width or width, request.height or height)
    if sizes != {asked} or max(asked) > LARGEST:
        raise foreign(f"The engine returned a picture of {width} x {height}, which wasn't asked for")
    return Picture(request, files, width, height, tuple(result.warnings), relief(result))
