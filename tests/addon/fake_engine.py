"""A stand-in for the engine: speaks the protocol, and misbehaves when the prompt says so.

Run as ``python fake_engine.py [-I ENGINE] serve``. The texture is of four colours by UV quadrant (see
QUADRANTS), so a render shows where each UV went. New UVs are made when the mesh has none or for "always":
one known point for each corner of each polygon.

First word of the prompt: die (killed in mid-job) | exit (ends with status 7 and last words on stderr) |
hang (no answer, not even to cancel) | slow (ten seconds, cancellable) | long (likewise, ten minutes) |
garbage (prints on stdout, then works) | chatter (prints for ever) | fail (a failed message) |
oom (failed, out of memory) | hungry (likewise, unless --frugal) | silent (done without a texture) |
rough (tells how rough it is, too) | whole (all channels) | anything else works.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[2]))

from engine import protocol
from engine.options.channels import CHANNELS
from engine.pictures import png

RED, GREEN, BLUE, YELLOW = (200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30)
QUADRANTS = {(0, 0): RED, (1, 0): GREEN, (0, 1): BLUE, (1, 1): YELLOW}  # (u >= 0.5, v >= 0.5) -> sRGB
PLAIN = (RED, GREEN, BLUE, YELLOW)
SIZE = 64
ROUGH = 51  # of 255
RELIEF = 0.25
CELL = 40
"""Width of a view in views.png."""


def texture() -> np.ndarray:
    """(SIZE, SIZE, 3) uint8, first row on top, so v = 1."""
    picture = np.empty((SIZE, SIZE, 3), np.uint8)
    half = SIZE // 2
    for (u, v), colour in QUADRANTS.items():
        rows = slice(0, half) if v else slice(half, SIZE)
        picture[rows, half:] = colour if u else picture[rows, half:]
        if not u:
            picture[rows, :half] = colour
    return picture


def views() -> np.ndarray:
    """(H, W, 3) uint8: two views side by side as the engine puts them; the first shows a GREEN texture."""
    sheet = np.zeros((protocol.SHEET_HEAD + protocol.SHEET_ROWS * CELL, 2 * CELL, 3), np.uint8)
    sheet[-CELL:, :CELL] = GREEN
    sheet[-CELL:, CELL:] = RED
    return sheet


def write_png(path: Path, picture: np.ndarray) -> None:
    """Write ``picture`` (H, W, 3) uint8 to ``path``."""
    png.write(picture / np.float32(255), path)


def new_uvs(faces: np.ndarray, polygons: np.ndarray) -> np.ndarray:
    """(F, 3, 2): a point for each (polygon, vertex) pair, the same whichever triangle asks."""
    return known_uv(polygons[:, None], faces)


def known_uv(polygon: np.ndarray, vertex: np.ndarray) -> np.ndarray:
    """The UV that this engine gives to ``vertex`` in ``polygon``."""
    u, v = np.broadcast_arrays((polygon % 97 + 1) / 100, (vertex % 89 + 1) / 100)
    return np.stack([u, v], axis=-1).astype(np.float32)


class Engine:
    def __init__(self) -> None:
        self.inbox: queue.Queue = queue.Queue()
        self.lock = threading.Lock()
        self.cancelled: set[str] = set()

    def send(self, kind: str, **fields) -> None:
        with self.lock:
            protocol.send(sys.stdout.buffer, protocol.message(kind, **fields))

    def listen(self) -> None:
        for line in sys.stdin.buffer:
            msg = protocol.decode(line)
            if msg["kind"] == protocol.CANCEL:
                self.cancelled.add(msg["id"])
            elif msg["kind"] in (protocol.JOB, protocol.QUIT):
                self.inbox.put(msg)
        os._exit(0)  # the parent is gone

    def serve(self) -> None:
        number = int(os.environ.get("FAKE_PROTOCOL", protocol.PROTOCOL))
        self.send(protocol.HELLO, version=protocol.VERSION, protocol=number, pid=os.getpid())
        threading.Thread(target=self.listen, daemon=True).start()
        while (msg := self.inbox.get())["kind"] == protocol.JOB:
            self.job(msg["id"], protocol.request(msg["request"]))

    def job(self, ident: str, request) -> None:
        self.send(protocol.STARTED, id=ident)
        what = request.prompt.split()[0]
        steps = {"slow": 100, "die": 100, "exit": 100, "long": 6000}.get(what, 3)
        for i in range(steps):
            if ident in self.cancelled and what != "hang":
                return self.send(protocol.CANCELLED, id=ident)
            self.send(
                protocol.PROGRESS, id=ident, stage="denoising", i=i + 1, n=steps, eta_s=(steps - i) / 10
            )
            if i == 2:
                self.misbehave(ident, what)
            if request.preview and i % 10 == 1:
                self.send(protocol.PREVIEW, id=ident, preview=preview(request).as_dict())
            time.sleep(0.1 if steps > 3 else 0.01)
        if what in ("fail", "oom") or (what == "hungry" and "--frugal" not in sys.argv):
            code = protocol.EXIT_BAD_INPUT if what == "fail" else protocol.EXIT_OUT_OF_MEMORY
            return self.send(protocol.FAILED, id=ident, error="It went wrong", fix="Do better.", code=code)
        if isinstance(request, protocol.ImageRequest):
            result = image(request, what)
        else:
            result = through_blender(request, lambda opened: self.result(opened, what))
        self.send(protocol.DONE, id=ident, result=result.as_dict())

    def misbehave(self, ident: str, what: str) -> None:
        if what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "exit":
            print("the sky fell down", file=sys.stderr, flush=True)
            os._exit(7)
        if what == "garbage":
            with self.lock:
                sys.stdout.buffer.write(b"loading weights 100%\n{not json\n[1, 2]\n\xff\xfe\n")
        while what == "chatter":
            with self.lock:
                sys.stdout.buffer.write(b"still here\n")
                sys.stdout.buffer.flush()
            time.sleep(0.01)
        if what == "hang":
            time.sleep(3600)

    def result(self, request, what: str):
        out = Path(request.out)
        out.mkdir(parents=True, exist_ok=True)
        if what != "silent":
            write_png(out / "texture.png", texture())
            write_png(out / "views.png", views())
        mesh = np.load(request.mesh, allow_pickle=False)
        uvs = None
        if request.write_uvs and ("uvs" not in mesh or request.unwrap == "always"):
            uvs = str(out / "uvs.npy")
            np.save(uvs, new_uvs(mesh["faces"], mesh["polygons"]))
        (out / "report.json").write_text(json.dumps({"prompt": request.prompt, "seed": request.seed}))
        (out / "request.json").write_text(json.dumps(request.as_dict()))
        if request.init_texture and Path(request.init_texture).is_file():
            shutil.copyfile(request.init_texture, out / "start.png")
        np.savez(out / "given.npz", **mesh)
        names = {name: str(out / name) for name in ("mesh.glb", "views.png", "turntable.gif")}
        return protocol.Result(
            texture=str(out / "texture.png"),
            mesh=names["mesh.glb"],
            views=names["views.png"],
            turntable=names["turntable.gif"],
            report=str(out / "report.json"),
            uvs=uvs,
            warnings=["fake warning"] if what == "warn" else [],
            textures=more_textures(out, what) or plain_textures(request, out),
            other_uvs=[other_uvs(request, out, i) for i in range(1, len(request.meshes))],
            relief=RELIEF if what == "whole" else 0.0,
        )


def image(request, what: str):
    """The texture as a picture without a mesh, of the size that was asked for; "larger": of another."""
    out = Path(request.out)
    out.mkdir(parents=True, exist_ok=True)
    width, height = request.width or SIZE, request.height or SIZE
    rows, columns = (np.arange(n) * SIZE // n for n in (2 * height if what == "larger" else height, width))
    write_png(out / "image.png", texture()[rows][:, columns])
    (out / "report.json").write_text("{}")
    path, report = str(out / "image.png"), str(out / "report.json")
    warnings = ["fake warning"] if what == "warn" else []
    names = [*CHANNELS][1:] if what == "whole" and "color" not in request.channels else []
    others = {name: str(out / f"{name}.png") for name in names}
    for other in others.values():
        write_png(Path(other), np.full((height, width, 3), ROUGH, np.uint8))
    listed = [protocol.Texture(path, mesh=None, others=others)]
    told = {"warnings": warnings, "textures": listed, "relief": RELIEF if names else 0.0}
    return protocol.Result(path, "", "", "", report, **told)


def preview(request):
    """The result's textures and UVs, told before their time."""
    out = Path(request.out) / "preview"
    out.mkdir(parents=True, exist_ok=True)
    write_png(out / "texture.png", texture())
    whole = protocol.Texture(str(out / "texture.png"), 0 if len(request.meshes) == 1 else None)
    uvs = [other_uvs(request, out, i) for i in range(len(request.meshes))]
    return protocol.Preview(plain_textures(request, out) or [whole], uvs)


def more_textures(out: Path, what: str) -> list:
    """The texture with more channels, each of them ROUGH throughout; none for most prompts."""
    names = {"rough": ["roughness"], "whole": [*CHANNELS][1:]}.get(what, [])
    others = {name: str(out / f"{name}.png") for name in names}
    for path in others.values():
        write_png(Path(path), np.full((SIZE, SIZE, 3), ROUGH, np.uint8))
    return [protocol.Texture(str(out / "texture.png"), others=others)] if names else []


def plain_textures(request, out: Path) -> list:
    """One of a single colour, in the order of PLAIN, for each mesh, each of its materials if that is wanted,
    and each of their UDIM tiles; none where that makes but one."""
    found = []
    for i, path in enumerate(request.meshes):
        mesh = np.load(path, allow_pickle=False)
        names, number = [""], np.zeros(len(mesh["faces"]), int)
        if request.texture_sets == "material":
            names, number = mesh["material_names"].tolist(), mesh["materials"]
        corner = (
            np.floor(mesh["uvs"].mean(axis=1)).astype(int)
            if "uvs" in mesh
            else np.zeros((len(number), 2), int)
        )
        tile = 1001 + corner[:, 0] + 10 * corner[:, 1]
        for k in np.unique(number):
            part = names[k] if len(np.unique(number)) > 1 else None
            tiles = np.unique(tile[number == k]) if tile.max() > 1001 else [None]
            found += [(i, part, None if one is None else int(one)) for one in tiles]
    if len(found) == 1:
        return []
    made = []
    for number, (mesh, part, tile) in enumerate(found):
        path = out / f"texture.{mesh}.{part}.{tile}.png"
        write_png(path, np.full((SIZE, SIZE, 3), PLAIN[number % len(PLAIN)], np.uint8))
        made.append(protocol.Texture(str(path), mesh, part, tile))
    return made


def other_uvs(request, out: Path, number: int) -> str | None:
    mesh = np.load(request.meshes[number], allow_pickle=False)
    np.savez(out / f"given.{number}.npz", **mesh)
    if "uvs" in mesh and request.unwraps[number] != "always":
        return None
    np.save(out / f"uvs.{number}.npy", new_uvs(mesh["faces"], mesh["polygons"]))
    return str(out / f"uvs.{number}.npy")


def through_blender(request, texture):
    """``texture(request)``; of a .blend, as the engine does it."""
    if not request.mesh.endswith(".blend"):
        return texture(request)
    out = Path(request.out)
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from engine import blend
    from engine.host import Host

    return blend.through_blender(request, Host(), lambda opened, finish: finish(texture(opened), out))


def batch(words: list) -> int:
    """The engine's own batch, with engines like this one."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from engine import cli
    from engine.batch import engines

    engines.command = lambda frugal: [sys.executable, __file__, "serve", *(["--frugal"] if frugal else [])]
    return cli.main(words)


def install(folder: Path, python: str = sys.executable) -> Path:
    """An executable in ``folder`` that stands for the engine's Python and runs this file instead."""
    script = folder / "fake_python"
    script.write_text(f'#!/bin/sh\nexec "{python}" "{Path(__file__).resolve()}" "$@"\n')
    script.chmod(0o755)
    return script


if __name__ == "__main__":
    if "serve" in sys.argv:
        Engine().serve()
    elif "batch" in sys.argv:
        sys.exit(batch(sys.argv[sys.argv.index("batch") :]))
    else:
        print("fake engine:", *sys.argv[1:])
        sys.exit(5)
