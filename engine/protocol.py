"""What Blender and the engine say to each other: the one file that both processes import.

The engine is a child process. Each message is one line of JSON (UTF-8, no line break inside) with a
``kind``; requests arrive on the engine's stdin, events leave on its stdout. Nothing listens on a port.
Arrays and pictures cross as files in a private job folder, whose paths the messages name.

To the engine:   job (id, request) | cancel (id) | heartbeat | quit
From the engine: hello (version, pid) | started (id) | progress (id, stage, i, n, eta_s)
                 | preview (id, preview) | done (id, result) | failed (id, error, fix, code) | cancelled (id)
                 | heartbeat

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
from typing import IO, Any, Self

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

# views.png: a column a view, square cells in rows under a heading: the control picture, the generated view,
# the texture seen again.
SHEET_HEAD = 16
SHEET_ROWS = 3

# The stages that progress tells of, in their order, and how they read.
STAGES = {
    "start": "starting",
    "mesh": "reading the mesh",
    "unwrap": "unwrapping",
    "model": "loading the model",
    "plan": "choosing views",
    "views": "rendering views",
    "denoise": "painting",
    "bake": "baking",
    "measure": "measuring",
    "save": "saving",
}

# Exit statuses of the command line, and `code` of a failed message.
EXIT_DONE = 0
EXIT_BUG = 1
EXIT_BAD_INPUT = 2
EXIT_CANCELLED = 3
EXIT_OUT_OF_MEMORY = 4

METHODS = (
    "synctweedies",
    "case1",
    "case2",
    "case3",
    "case4",
    "case5",
    "syncmvd",
    "syncsde",
    "independent",
)
SYNC_SPACES = ("latent", "rgb")
SYNC_SHARES = ("published", "all", "ramp")
AGGREGATES = ("mean", "best")
ATTENTIONS = ("views", "off")
UNWRAPS = ("auto", "always", "never")
DEVICES = ("auto", "cpu", "cuda", "mps")
RASTERS = ("auto", "embree", "nvdiffrast")
FILLS = ("surface", "uv")
TEXTURE_SETS = ("auto", "one", "object", "material")
TEXTURE_DEPTHS = ("8", "16", "half", "float")
SCENES = ("beside", "packed", "none")


@dataclass(frozen=True)
class Request:
    """One texturing job. ``None`` means "not given": the model's preset decides.

    mesh: path of a mesh file (.obj .glb .gltf .ply .stl) or of an ``.npz`` written by the add-on with
        ``vertices`` (V, 3) float32 in engine axes, ``faces`` (F, 3) int32, optional ``uvs`` (F, 3, 2)
        float32 per triangle corner with the origin at the bottom left, optional ``polygons`` (F,) int32:
        the polygon that each triangle is part of; optional ``materials`` (F,) int32, numbers among
        ``material_names`` (M,) text. other_meshes: more such paths, textured together with it where they lie;
        other_unwraps: ``unwrap`` of each, where it isn't the same for all.
        Or of a .blend, which Blender opens: its ``objects`` and those of its ``collection``, by name, without
        either all that its scene shows; uv_layer: the UV map, "" for the active one; scene: whether textures
        are "packed" into the scene.blend that comes of it, lie "beside" it, or there is "none".
    out: folder that receives texture.png, mesh.glb, views.png, turntable.gif, report.json (and uvs.npy).
    views: "paper", "auto" (as the mesh needs them) or a number of views as text. cameras: path of a JSON file
        of cameras that are the views instead (views/camera_file.py); those that see nothing are left out.
    front: azimuth in degrees of the side that is the object's front: 0 is +Z, 90 is +X.
    sync_share: "published", the noisiest 80 % of the steps are synchronised, "all", or "ramp": all, but what
        views agree on is blended with what each has by itself, more and more.
    aggregate: clean views are averaged ("mean"), or a texel takes the one that it faces ("best").
    fill: what no view painted takes its colours from the surface around it, or from the nearest texel.
    texture_sets: what has UVs, and a texture, of its own: each mesh ("auto"), all of them together ("one"),
        each object or each material in them. Where there are several textures, or UDIM tiles,
        texture.NAME.png, texture.1001.png or texture.NAME.1001.png takes texture.png's place.
    init_texture: path of a picture that fits the mesh's UVs, to start from, with <SET> in place of NAME and
        <UDIM> in place of the number where there are several; strength: how far from it, in
        (0, 1]: the share of the steps that are run. Only with each other.
    texture_depth: bits a channel of texture.png; with "half" or "float", texture.exr is the result, linear
        light in 16 or 32 bits of floating point, and texture.png lies beside it in 8 bits.
    preview: whether to tell of pictures of the texture so far, every few steps. The result is the same.
    """

    mesh: str
    prompt: str
    out: str
    negative: str | None = None
    model: str = "starter"
    method: str = "synctweedies"
    sync_space: str | None = None
    sync_share: str | None = None
    aggregate: str | None = None
    attention: str | None = None
    views: str = "paper"
    cameras: str | None = None
    front: float = 0.0
    steps: int | None = None
    guidance: float | None = None
    seed: int = 0
    texture_size: int = 1024
    unwrap: str = "auto"
    device: str = "auto"
    raster: str = "auto"
    fill: str = "surface"
    init_texture: str | None = None
    strength: float | None = None
    texture_depth: str = "8"
    texture_sets: str = "auto"
    other_meshes: tuple[str, ...] = ()
    other_unwraps: tuple[str, ...] = ()
    preview: bool = False
    objects: tuple[str, ...] = ()
    collection: str | None = None
    uv_layer: str = ""
    scene: str = "beside"

    @property
    def meshes(self) -> tuple[str, ...]:
        return (self.mesh, *self.other_meshes)

    @property
    def unwraps(self) -> tuple[str, ...]:
        """How each of ``meshes`` is unwrapped."""
        return (self.unwrap, *(self.other_unwraps or [self.unwrap] * len(self.other_meshes)))

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """The request in ``data``; raises ValueError that names unknown or missing fields."""
        known = {f.name for f in dataclasses.fields(cls)}
        if unknown := sorted(set(data) - known):
            raise ValueError(f"unknown field in the request: {', '.join(unknown)}")
        try:
            several = ("other_meshes", "other_unwraps", "objects")
            lists = {name: tuple(data.get(name, ())) for name in several}
            return cls(**{**data, **lists})
        except TypeError as error:
            raise ValueError(f"incomplete request: {error}") from error


@dataclass(frozen=True)
class Texture:
    """One of a result's textures. mesh: which of the request's meshes it is for, None for several; part: the
    object's or material's name in it, None for all of it; tile: its UDIM number, None without tiles."""

    path: str
    mesh: int | None = 0
    part: str | None = None
    tile: int | None = None


@dataclass(frozen=True)
class Preview:
    """The texture so far, while the job runs: textures, small .png in 8 bits, as in Result; uvs: as
    ``mesh_uvs`` there. The files change from preview to preview, and are gone when the job has ended."""

    textures: list[Texture]
    uvs: list[str | None]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls([Texture(**one) for one in data["textures"]], list(data["uvs"]))


@dataclass(frozen=True)
class Result:
    """Where a finished job's files lie. ``uvs`` is a .npy (F, 3, 2) float32 of per-corner UVs, in the
    request's triangle order, when the engine unwrapped the mesh; None when it kept the given UVs. other_uvs:
    the same for each of the request's other meshes. textures: all of them; ``texture`` is the first. scene:
    the textured .blend, where the mesh was one."""

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

    @property
    def mesh_uvs(self) -> list[str | None]:
        """``uvs`` of all meshes."""
        return [self.uvs, *self.other_uvs]

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "textures": [Texture(**one) for one in data.get("textures", ())]})


def message(kind: str, **fields: Any) -> dict[str, Any]:
    """A message of ``kind``; fields must be JSON values."""
    return {"kind": kind, **fields}


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
