"""What Blender and the engine say to each other: the one file that both processes import.

The engine is a child process. Each message is one line of JSON (UTF-8, no line break inside) with a
``kind``; requests arrive on the engine's stdin, events leave on its stdout. Nothing listens on a port.
Arrays and pictures cross as files in a private job folder, whose paths the messages name.

To the engine:   job (id, request) | cancel (id) | heartbeat | quit
From the engine: hello (version, pid) | started (id) | progress (id, stage, i, n, eta_s)
                 | preview (id, preview) | done (id, result) | failed (id, error, fix, code, wording?)
                 | cancelled (id) | heartbeat

A batch tells its jobs in these words too, and besides:
                 batch (jobs, finished, refused, workers) | refused (line, error, fix)
                 | overall (done, failed, left, eta_s) | ended (done, failed, refused, code)

A job ends with exactly one of done, failed or cancelled. End of file without one of them is a failure.
This file uses the standard library only.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Self

from . import json_types
from .errors import EXIT_BAD_INPUT as EXIT_BAD_INPUT
from .errors import EXIT_BUG as EXIT_BUG
from .errors import EXIT_CANCELLED as EXIT_CANCELLED
from .errors import EXIT_DISK as EXIT_DISK
from .errors import EXIT_DONE as EXIT_DONE
from .errors import EXIT_INCOMPLETE as EXIT_INCOMPLETE
from .errors import EXIT_OUT_OF_MEMORY as EXIT_OUT_OF_MEMORY
from .errors import UserError as UserError
from .errors import Wording as Wording
from .errors import flag as flag
from .errors import readable
from .options import channels
from .options.image import ImageRequest as ImageRequest
from .options.request import Request as Request
from .options.splats import SplatsRequest as SplatsRequest

VERSION = "0.1.0"
PROTOCOL = 1

# Kinds of message, spelled here and nowhere else.
HELLO = "hello"
JOB = "job"
STARTED = "started"
PROGRESS = "progress"
PREVIEW = "preview"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
CANCEL = "cancel"
QUIT = "quit"
HEARTBEAT = "heartbeat"
# Of a batch as a whole, told by `batch --json` alone: what it begins with, how far it is, how it ended.
BATCH = "batch"
REFUSED = "refused"
OVERALL = "overall"
ENDED = "ended"
FINAL = frozenset({DONE, FAILED, CANCELLED})

LONGEST_TOLD, MOST_TOLD = 2000, 100  # characters of one text that people are told, and warnings of one job

# views.png: a column a view, square cells in rows under a heading: the control picture (or up to four, two by
# two), the generated view, the texture seen again.
SHEET_HEAD = 16
SHEET_ROWS = 3

# The stages that progress tells of, in their order, and how they read.
STAGES = {
    "start": "starting",
    "mesh": "reading the mesh",
    "splats": "reading the splats",
    "unwrap": "unwrapping",
    "model": "loading the model",
    "plan": "choosing views",
    "views": "rendering views",
    "denoise": "painting",
    "detail": "painting close-ups",
    "estimate": "telling the material",
    "bake": "baking",
    "measure": "measuring",
    "save": "saving",
}


@dataclass(frozen=True)
class Texture:
    """One of a result's textures. mesh: which of the request's meshes it is for, None for several; part: the
    object's or material's name in it, None for all of it; tile: its UDIM number, None without tiles. others:
    files of its other channels, by their names (options/channels.py); ``path`` is that of the first."""

    path: str
    mesh: int | None = 0
    part: str | None = None
    tile: int | None = None
    others: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> dict[str, str]:
        """Those of all channels, by their names."""
        return {channels.main_channel().name: self.path, **self.others}


@dataclass(frozen=True)
class Preview:
    """The texture so far, while the job runs: textures, small .png in 8 bits, as in Result; uvs: as
    ``mesh_uvs`` there. The files change from preview to preview, and are gone when the job has ended."""

    textures: list[Texture]
    uvs: list[str | None]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Raises ValueError for what is none."""
        return json_types.read(cls, data)


@dataclass(frozen=True)
class Result:
    """Where a finished job's files lie. mesh: mesh.glb, or splats.ply. ``uvs`` is a .npy (F, 3, 2) float32 of
    per-corner UVs, in the request's triangle order, when the engine unwrapped the mesh; None when it kept the
    given UVs. other_uvs: the same for each of the request's other meshes. textures: all of them; ``texture``
    is the first, "" where there are none. scene: the textured .blend, where the mesh was one. left_out: names
    of its objects that couldn't be textured. relief: how far height 1 lies above height 0, in the
    mesh's units, of a picture in its widths; 0 without heights."""

    texture: str
    mesh: str
    views: str
    turntable: str
    report: str
    uvs: str | None = None
    warnings: list[str] = field(default_factory=list)
    textures: list[Texture] = field(default_factory=list)
    other_uvs: list[str | None] = field(default_factory=list)
    scene: str | None = None
    left_out: list[str] = field(default_factory=list)
    relief: float = 0.0

    @property
    def exit_status(self) -> int:
        """Of a command that made it."""
        return EXIT_INCOMPLETE if self.left_out else EXIT_DONE

    @property
    def mesh_uvs(self) -> list[str | None]:
        """``uvs`` of all meshes."""
        return [self.uvs, *self.other_uvs]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: object) -> Self:
        """Raises ValueError for what is none. Its warnings can be shown, and are few: see MOST_TOLD."""
        found = json_types.read(cls, data)
        warnings = [shown(one) for one in found.warnings[:MOST_TOLD]]
        if left := len(found.warnings) - MOST_TOLD:
            warnings += [f"{left} further warnings were left out"] if left > 0 else []
        return dataclasses.replace(found, warnings=warnings)


@dataclass(frozen=True)
class Progress:
    """What a progress message says. i of n: of the stage, n = 0 when unknown; eta_s: seconds that the stage
    will take yet."""

    stage: str
    i: int = 0
    n: int = 0
    eta_s: float | None = None

    @classmethod
    def of(cls, msg: object) -> Self:
        """Raises ValueError for what is none."""
        found = json_types.read(cls, msg, others=True)
        return dataclasses.replace(found, stage=shown(found.stage))


@dataclass(frozen=True)
class Failure:
    """What a failed message says; ``wording`` where it names options."""

    error: str
    fix: str = ""
    code: int = EXIT_BUG
    wording: Wording | None = None

    @classmethod
    def of(cls, msg: object) -> Self:
        """Its texts are fit to be shown, its code is an exit status of failures. Raises ValueError for what
        is none."""
        found = json_types.read(cls, msg, others=True)
        said = found.wording or Wording(found.error, found.fix)
        options = {name: value and shown(value) for name, value in said.options.items()}
        said = Wording(shown(said.error), shown(said.fix), options)
        code = found.code if 0 < found.code < 256 else EXIT_BUG
        return dataclasses.replace(found, wording=said, code=code)

    @property
    def words(self) -> Wording:
        """``wording``, of error and fix where there is none."""
        return self.wording or Wording(self.error, self.fix)


def moved(value: Any, source: Path, target: Path) -> Any:
    """``value``, whatever JSON it is, with paths of files in ``source`` turned into paths in ``target``."""
    if isinstance(value, dict):
        return {name: moved(one, source, target) for name, one in value.items()}
    if isinstance(value, list):
        return [moved(one, source, target) for one in value]
    if isinstance(value, str) and Path(value).parent == source:
        return str(target / Path(value).name)
    return value


AnyRequest = Request | ImageRequest | SplatsRequest


def request(data: Any) -> AnyRequest:
    """The request in ``data``: one with a kind is for a picture, one with splats for these. Raises ValueError
    as Request.from_dict."""
    if isinstance(data, dict) and "kind" in data:
        return ImageRequest.from_dict(data)
    if isinstance(data, dict) and "splats" in data:
        return SplatsRequest.from_dict(data)
    return Request.from_dict(data)


def message(kind: str, **fields: Any) -> dict[str, Any]:
    """A message of ``kind``; fields must be JSON values."""
    return {"kind": kind, **fields}


def failed(wording: Wording, code: int, **fields: Any) -> dict[str, Any]:
    """A failed message with further ``fields``. ``error`` and ``fix`` call options as the command line does;
    where they name some, ``wording`` (error, fix, options) lets others call them in their way."""
    error, fix = wording.by(flag)
    named = {"wording": dataclasses.asdict(wording)} if wording.options else {}
    return message(FAILED, error=error, fix=fix, code=code, **named, **fields)


def shown(text: str) -> str:
    """``text`` as a part of one line: as a terminal can show it, and cut after LONGEST_TOLD."""
    line = readable(text[: LONGEST_TOLD + 1]).replace("\n", " ")
    return line if len(line) <= LONGEST_TOLD else f"{line[:LONGEST_TOLD]}..."


def encode(msg: dict[str, Any]) -> bytes:
    """One line of UTF-8 JSON, line feed included. Paths that are no text cross, too: decode takes them."""
    text = json.dumps(msg, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def decode(line: bytes | str) -> dict[str, Any]:
    """The message in ``line``; raises ValueError for anything that isn't a JSON object with a kind."""
    try:
        msg = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not a protocol message: {line[:80]!r}") from error
    if not isinstance(msg, dict) or not isinstance(msg.get("kind"), str):
        raise ValueError(f"not a protocol message: {line[:80]!r}")
    return msg


def send(stream: IO[bytes], msg: dict[str, Any]) -> None:
    """Write ``msg`` and flush."""
    stream.write(encode(msg))
    stream.flush()
