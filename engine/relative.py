"""What people share says no absolute path: where somebody's files lie, and whose they are, is their own.

report.json, summary.csv and index.html go through here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

from .errors import UserError
from .models import sources
from .options import controls
from .options.weighted import LORA
from .outputs import inputs_of
from .protocol import AnyRequest, ImageRequest, Request


class Folders:
    """Leaves out, wherever a text names something in them, the paths of ``folders`` and of those in which
    ``files`` lie, and says "~" for the home folder. files: may be folders, too."""

    def __init__(self, folders: Iterable[str | Path] = (), files: Iterable[str | Path] = ()) -> None:
        given = [*map(_path, folders), *(_path(one).parent for one in files)]
        found = {spelled: "" for one in given for spelled in _spellings(one)}
        found |= dict.fromkeys(_spellings(_path("~")), f"~{os.sep}")
        # Of folders in folders the inner one says least of where it is.
        self._left_out = sorted(found.items(), key=lambda item: len(item[0]), reverse=True)

    @classmethod
    def of(cls, request: AnyRequest, folders: Iterable[str | Path], files: Iterable[str | Path]) -> Self:
        """These, and those in which lies what ``request`` reads."""
        return cls(folders, [*files, *_places(request)])

    def without(self, said: Any) -> Any:
        """``said``, of the kinds that JSON has, with none of the folders in its texts."""
        if isinstance(said, str):
            return self._relative(said)
        if isinstance(said, Mapping):
            return {key: self.without(value) for key, value in said.items()}
        return [self.without(one) for one in said] if isinstance(said, list | tuple) else said

    def _relative(self, text: str) -> str:
        for folder, instead in self._left_out:
            text = text.replace(folder, instead)
        return text


def _places(request: AnyRequest) -> Iterator[str]:
    """The files and folders that ``request`` reads."""
    yield from inputs_of(request)
    with contextlib.suppress(UserError):  # the job's own error: what can't be read lies nowhere
        yield from filter(None, sources.split(request.model))
        yield from map(LORA.file, request.lora)
        yield from filter(None, [request.ip_adapter])
        yield from request.estimator if isinstance(request, Request) else ()
        asked = () if isinstance(request, ImageRequest) else controls.read_all(request.controls)
        yield from (one.source for one in asked if one.source)


def _path(said: str | Path) -> Path:
    """With the home folder in place of "~"; of nobody's it stays as it is."""
    return Path(os.path.expanduser(said))


@lru_cache(maxsize=256)  # jobs of a batch lie in the same few folders
def _spellings(folder: Path) -> frozenset[str]:
    """``folder``, as texts have it before what lies in it; none where that is the top of a disk."""
    absolute = (folder.absolute(), Path(os.path.abspath(folder)), Path(os.path.realpath(folder)))
    return frozenset(f"{one}{os.sep}" for one in absolute if one != Path(one.anchor))
