"""The whole story: mesh -> views -> control pictures -> (denoise <-> synchronise) -> texture -> files."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from . import memory, threads
from . import settings as options
from .bake.bake import bake
from .bake.existing_texture import ExistingTexture
from .bake.fill import doubtful_used, fill
from .bake.texel_graph import TexelGraph
from .canvas.scene import Scene, build_scene
from .denoise.denoiser import Denoiser
from .export import render, report, save
from .export.files import result_file, textures, write_textured
from .export.preview import previews
from .generate import Job, generate
from .host import Clock, Host
from .mesh.mesh import Mesh, load
from .mesh.sets import Layout, lay_out
from .mesh.unwrap import ensure_uvs, own_uvs
from .models import vocabulary
from .models.sources import split
from .options.channels import CHANNELS, Channel, main_channel
from .pictures.channels import ByChannel, by_channel, neutral
from .protocol import Request, Result
from .views.backends import choose
from .views.cameras import Camera
from .views.surface import Surface

Floats = NDArray[np.float32]
FILES = ("mesh.glb", "views.png", "turntable.gif", "report.json")  # in Result's order


def texture(request: Request, model: Callable[[str, str], Denoiser], host: Host) -> Result:
    """Do one job; ``model(name, device)`` gives the denoiser. Raises UserError and Cancelled."""
    clock, out = Clock(), Path(request.out)
    clock.seconds["load"] = time.perf_counter() - host.start  # the imports
    options.check(request)
    own = options.own_cameras(request)
    save.writable_folder(out)
    with clock.part("load"):
        host.progress("mesh", 0, 1, None)
        meshes = _load(request, host)
    with clock.part("geometry"):
        host.progress("unwrap", 0, 1, None)
        layout = _laid_out(request, meshes, host)
        memory.check_textures(len(layout.pages), request.texture_size)
    with clock.part("load"):
        old = ExistingTexture.read_pages(request.init_texture, layout.pages) if request.init_texture else None
        host.check()
        host.progress("model", 0, 1, None)
        denoiser = model(request.model, request.device)
    clock.settle = memory.settler(denoiser.device)
    settings = options.resolve(request, denoiser.preset)
    memory.check_numbers(len(layout.pages), max(settings.latent_size, settings.rgb_size))
    warnings = [*layout.warnings, *cut_off(denoiser, settings.prompt), *unknown_words(denoiser, request)]
    with clock.part("geometry"):
        preset, cameras = denoiser.preset, options.placed(request, own, layout.mesh.vertices)
        backend = choose(request.raster, denoiser.device.type)
        mesh = layout.mesh
        surface = Surface.build(mesh.vertices, mesh.faces, layout.uvs, backend, request.front)
        scene = build_scene(surface, cameras, preset.view_size, preset.control, host)
        warnings += blind(cameras, scene)
    with previews(request, layout, host) as preview:
        job = Job(request.method, request.seed, settings, scene, denoiser, clock, host, old, preview)
        pictures = generate(job)
    with clock.part("bake"):
        host.progress("bake", 0, 1, None)
        channels = denoiser.channels
        images = by_channel(baked_texture(scene, request, pictures, old, host, channels), channels)
        image, seen = images[main_channel()], by_channel(pictures, channels)[main_channel()]
    with clock.part("measure"):
        host.progress("measure", 0, 1, None)
        rendered = render.render_views(image, scene.surface, scene.views)
        measured = report.measures(job, layout, images, seen, rendered)
    with save.staged(out) as stage:
        with clock.part("save"):
            host.progress("save", 0, 1, None)
            _write(scene, layout, images, seen, rendered, request.texture_depth, stage, host)
            uvs = _write_uvs(request, layout, stage)
            host.check()
        clock.seconds["total"] = time.perf_counter() - host.start
        values = report.values(request, job, layout, warnings, measured)
        save.report(values, stage / "report.json")
    return _result(request, layout, denoiser.channels, uvs, warnings)


def _load(request: Request, host: Host) -> list[Mesh]:
    by = {"object": "object", "material": "material"}.get(request.texture_sets, "")
    meshes = []
    for path in request.meshes:
        meshes.append(load(path, by))
        host.check()
    return meshes


def _laid_out(request: Request, meshes: list[Mesh], host: Host) -> Layout:
    """The meshes with UVs, each set its own; those that a texture to start from was made for stay."""

    def prepare(mesh: Mesh, number: int | None) -> tuple[Mesh, bool, list[str]]:
        several = "never" if "never" in request.unwraps else request.unwrap
        unwrap = several if number is None else request.unwraps[number]
        if request.init_texture is not None:
            return own_uvs(mesh, unwrap)
        return ensure_uvs(mesh, unwrap, request.texture_size, host.check)

    return lay_out(meshes, request.texture_sets == "one", prepare)


def _write_uvs(request: Request, layout: Layout, stage: Path) -> list[str | None]:
    """Write new UVs where they are wanted; the names of their files, one for each mesh, None without."""
    names: list[str | None] = []
    for i in range(len(request.meshes)):
        uvs = layout.new_uvs(i) if request.write_uvs else None
        names.append(None if uvs is None else f"uvs.{i}.npy" if i else "uvs.npy")
        if uvs is not None:
            save.array(uvs, stage / str(names[-1]))
    return names


def _result(
    request: Request,
    layout: Layout,
    channels: Sequence[Channel],
    uvs: list[str | None],
    warnings: list[str],
) -> Result:
    out, file = Path(request.out), partial(result_file, request.texture_depth)
    made = textures(layout.pages, channels, out, file)
    first, *others = [name and str(out / name) for name in uvs]
    mesh, views, turntable, report = (str(out / name) for name in FILES)
    return Result(made[0].path, mesh, views, turntable, report, first, warnings, made, others)


def cut_off(denoiser: Denoiser, prompt: str) -> list[str]:
    """A warning when the prompt is longer than the model reads."""
    (rest,) = denoiser.embed([prompt]).truncated
    return (
        [f"the model reads no further than its token limit; left out of the prompt: {rest!r}"] if rest else []
    )


def blind(cameras: Sequence[Camera] | None, scene: Scene) -> list[str]:
    """A warning when some of the given ``cameras`` see nothing of the mesh."""
    names = [repr(camera.name) for camera in cameras or () if camera not in scene.cameras]
    return [f"cameras that see nothing of the mesh were left out: {', '.join(names)}"] if names else []


def unknown_words(denoiser: Denoiser, request: Request) -> list[str]:
    """A warning when the prompt has words that the model says it doesn't know."""
    base, _ = split(request.model)
    path = Path(base).expanduser()
    name = path.resolve().name if path.exists() else base
    return vocabulary.note(name, denoiser.vocabulary, request.prompt)


def baked_texture(
    scene: Scene,
    request: Request,
    pictures: Floats,
    old: ExistingTexture | None,
    host: Host,
    channels: Collection[Channel] = CHANNELS.values(),
) -> Floats:
    """(T, T, K) float32 in [0, 1], or of pages: the ``pictures`` (N, R, R, K) of ``channels`` baked, over the
    old texture where there is one, filled and padded."""
    graph = TexelGraph.build(scene.surface, request.texture_size)
    given = scene.surface, graph.texels, scene.views, pictures, host.check
    if old is None:
        baked = bake(*given, partial(doubtful_used, request.fill, graph))
        return fill(request.fill, graph, baked, channels)
    baked = bake(*given)
    old = old.fitted(request.texture_size)
    image = fill(request.fill, graph, old.under(graph.texels, baked, neutral(channels)), channels)
    return old.around(graph.texels, image)


def _write(
    scene: Scene,
    layout: Layout,
    images: ByChannel,
    pictures: Floats,
    rendered: Floats,
    depth: str,
    stage: Path,
    host: Host,
) -> None:
    """All files but the report; the textures in ``depth``, see protocol.Request."""

    def sheet() -> None:
        labels = [f"{camera.azimuth:.0f}, {camera.elevation:.0f}" for camera in scene.cameras]
        save.png(render.contact_sheet(scene.controls, pictures, rendered, labels), stage / "views.png")

    def turntable() -> None:
        save.gif(render.turntable(images[main_channel()], scene.surface, host.check), stage / "turntable.gif")

    def textured() -> None:
        write_textured(layout, images, depth, stage, host.check)

    threads.each(lambda write: write(), (textured, turntable, sheet))
