"""The whole story: mesh -> views -> control pictures -> (denoise <-> synchronise) -> texture -> files."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import memory, options, report
from .denoise import vocabulary
from .denoise.model import Denoiser
from .denoise.sources import split
from .generate import Job, generate
from .host import Clock, Host
from .mesh.mesh import load
from .mesh.unwrap import ensure_uvs, own_uvs
from .protocol import Request, Result
from .scene import Scene, build_scene
from .texture import exr, png16, render, save
from .texture.bake import Atlas, bake
from .texture.existing import Existing
from .texture.fill import fill
from .texture.glb import export_glb
from .views.backends import choose

Floats = NDArray[np.float32]
FILES = ("texture.png", "mesh.glb", "views.png", "turntable.gif", "report.json")  # in Result's order


def texture(request: Request, model: Callable[[str, str], Denoiser], host: Host) -> Result:
    """Do one job; ``model(name, device)`` gives the denoiser. Raises UserError and Cancelled."""
    clock, out = Clock(), Path(request.out)
    clock.seconds["load"] = time.perf_counter() - host.start  # the imports
    options.check(request)
    save.writable_folder(out)
    with clock.part("load"):
        host.progress("mesh", 0, 1, None)
        mesh = load(request.mesh)
        old = Existing.read(request.init_texture) if request.init_texture is not None else None
        host.check()
    with clock.part("geometry"):
        host.progress("unwrap", 0, 1, None)
        if old:
            mesh, unwrapped, said = own_uvs(mesh, request.unwrap)
        else:
            mesh, unwrapped, said = ensure_uvs(mesh, request.unwrap, request.texture_size, host.check)
    with clock.part("load"):
        host.progress("model", 0, 1, None)
        denoiser = model(request.model, request.device)
    clock.settle = memory.settler(denoiser.device)
    settings = options.resolve(request, denoiser.preset)
    warnings = [*mesh.warnings, *said, *cut_off(denoiser, settings.prompt), *unknown_words(denoiser, request)]
    with clock.part("geometry"):
        preset, cameras = denoiser.preset, options.cameras(request.views)
        backend = choose(request.raster, denoiser.device.type)
        scene = build_scene(mesh, cameras, preset.view_size, preset.control, host, backend)
    job = Job(request.method, request.seed, settings, scene, denoiser, clock, host, old)
    pictures = generate(job)
    with clock.part("bake"):
        host.progress("bake", 0, 1, None)
        image = _bake(scene, request, pictures, old, host)
    with clock.part("measure"):
        host.progress("measure", 0, 1, None)
        measured = report.measures(job, image, pictures)
    with save.staged(out) as stage:
        with clock.part("save"):
            host.progress("save", 0, 1, None)
            _write(scene, image, pictures, request.texture_depth, stage, host)
            if keeps_uvs := unwrapped and Path(request.mesh).suffix.lower() == ".npz":
                save.array(scene.uvs, stage / "uvs.npy")
            host.check()
        clock.seconds["total"] = time.perf_counter() - host.start
        values = report.values(request, job, unwrapped, warnings, measured)
        save.report(values, stage / "report.json")
    uvs = str(out / "uvs.npy") if keeps_uvs else None
    return _result(out, request.texture_depth, uvs, warnings)


def _result(out: Path, depth: str, uvs: str | None, warnings: list[str]) -> Result:
    texture, mesh, views, turntable, report = (str(out / name) for name in FILES)
    if depth in exr.DEPTHS:
        texture = str(out / "texture.exr")
    return Result(texture, mesh, views, turntable, report, uvs, warnings)


def cut_off(denoiser: Denoiser, prompt: str) -> list[str]:
    """A warning when the prompt is longer than the model reads."""
    (rest,) = denoiser.embed([prompt]).truncated
    return (
        [f"the model reads no further than its token limit; left out of the prompt: {rest!r}"] if rest else []
    )


def unknown_words(denoiser: Denoiser, request: Request) -> list[str]:
    """A warning when the prompt has words that the model says it doesn't know."""
    base, _ = split(request.model)
    path = Path(base).expanduser()
    name = path.resolve().name if path.exists() else base
    return vocabulary.note(name, denoiser.vocabulary, request.prompt)


def _bake(scene: Scene, request: Request, pictures: Floats, old: Existing | None, host: Host) -> Floats:
    """(T, T, 3) float32 in [0, 1]: the pictures baked, over the old texture where there is one, filled and
    padded."""
    atlas = Atlas.build(scene.raster, scene.uvs, request.texture_size)
    baked = bake(scene.raster, atlas, scene.cameras, scene.fragments, pictures, host.check)
    if old is None:
        return fill(request.fill, scene.raster, scene.uvs, atlas, baked)
    old = old.fitted(request.texture_size)
    image = fill(request.fill, scene.raster, scene.uvs, atlas, old.under(atlas, baked))
    return old.around(atlas, image)


def _write(scene: Scene, image: Floats, pictures: Floats, depth: str, stage: Path, host: Host) -> None:
    """All files but the report; the texture in ``depth``, see protocol.Request."""
    rendered = [render.render_view(image, scene.uvs, view, scene.resolution) for view in scene.fragments]
    labels = [f"{camera.azimuth:.0f}, {camera.elevation:.0f}" for camera in scene.cameras]
    save.png(render.to_image(image), stage / "texture.png")
    sheet = render.contact_sheet(scene.controls, pictures, np.stack(rendered), labels)
    save.png(sheet, stage / "views.png")
    host.check()
    save.gif(render.turntable(scene.raster, image, scene.uvs, host.check), stage / "turntable.gif")
    host.check()
    export_glb(scene.mesh, stage / "texture.png", stage / "mesh.glb")
    host.check()
    if depth == "16":
        png16.write(image, stage / "texture.png")  # the .glb keeps its 8 bits
    elif depth in exr.DEPTHS:
        exr.write(image, stage / "texture.exr", depth)
