"""Denoising the views of a scene together: the sampler, its network, its maps, its clock, its fallbacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import memory
from .bake.existing_texture import ExistingTexture
from .canvas.mesh_maps import MeshMaps, mesh_maps
from .canvas.scene import Scene
from .denoise.attention import Links
from .denoise.denoiser import Denoiser, Text
from .denoise.levels import Schedule
from .errors import OutOfMemory
from .export.preview import Preview
from .host import Clock, Host
from .settings import Settings
from .sync import backgrounds
from .sync.cases import Map
from .sync.methods import AGGREGATES, METHODS
from .sync.sampler import Step, Sync, initial_noise, sample
from .sync.spaces import Agreement, DecodedRoundtrip, EarlierViews, LinearSpace, Space
from .views import prompts
from .views.neighbours import nearest_first, neighbours, reference
from .views.surface import masks


@dataclass(frozen=True)
class Job:
    """What one texture is generated from; ``method`` and ``seed`` as in the request. old: the texture to
    start from, None without. preview: shows the steps, None where nobody looks."""

    method: str
    seed: int
    settings: Settings
    scene: Scene
    denoiser: Denoiser
    clock: Clock
    host: Host
    old: ExistingTexture | None = None
    preview: Preview | None = None


def generate(job: Job) -> NDArray[np.float32]:
    """The synchronised views, (N, R, R, 3) float32 in [0, 1].

    When memory runs out the job starts again with half as many views in the network at once, down to one;
    then it raises OutOfMemory.
    """
    while True:
        try:
            return _denoise(job)
        except (MemoryError, RuntimeError) as error:
            if not memory.ran_out(error):
                raise
        if not job.denoiser.halve_batch():
            fix = "use fewer {views}, a smaller {texture_size} or a smaller model, or close other programs"
            what = "memory ran out, even with one view at a time"
            raise OutOfMemory(what, fix, views=None, texture_size=None)


def _denoise(job: Job) -> NDArray[np.float32]:
    schedule = job.denoiser.schedule(job.settings.steps).started(job.settings.strength)
    coder = _Coder(job.denoiser, job.clock, job.host)
    with job.clock.part("geometry"):
        sync = _sync(job, coder)
    clean = _clean(job, coder)
    generator = torch.Generator().manual_seed(job.seed)
    behind = _backgrounds(job, schedule, coder, generator)
    x = initial_noise(sync.space, behind(0), generator)
    network = _network(job, schedule)
    ended = [time.perf_counter()]
    job.host.progress("denoise", 0, job.settings.steps_run, None)
    with _attention(job):
        for step in sample(network, schedule, sync, x, behind, generator, clean):
            x = step.x
            ended.append(time.perf_counter())
            job.host.progress("denoise", step.i + 1, step.n, _time_left(step, ended))
            if job.preview:
                job.preview.show(step, job.scene, job.denoiser, job.clock)
    pictures = coder.decode(x).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
    return np.ascontiguousarray(pictures, np.float32)


def _clean(job: Job, coder: _Coder) -> Tensor | None:
    """The latents (N, C, h, w) of the texture to start from, seen by every view; None without one."""
    if job.old is None:
        return None
    scene = job.scene
    with job.clock.part("geometry"):
        seen = job.old.seen(scene.surface, scene.views, job.host.check)
    return coder.encode(torch.from_numpy(seen))


def _backgrounds(
    job: Job, schedule: Schedule, coder: _Coder, generator: torch.Generator
) -> Callable[[int], Tensor]:
    """The clean latents (N, C, h, w) behind the mesh at a step; methods that denoise views have their own."""
    if not METHODS[job.method].canonical:
        size = job.scene.resolution // job.denoiser.downscale
        nothing = torch.zeros(len(job.scene.cameras), job.denoiser.latent_channels, size, size)
        return lambda i: nothing.to(coder.home)
    colourful = job.denoiser.preset.background == "colours"
    colours = coder.encode(backgrounds.pictures(job.scene.resolution, colourful))
    chosen = backgrounds.choices(schedule, len(job.scene.cameras), colourful, generator).to(coder.home)
    return lambda i: colours[chosen[i]]


def _attention(job: Job) -> AbstractContextManager[None]:
    """Inside, views attend to those beside them where the settings say so."""
    if job.settings.attention == "off":
        return nullcontext()
    return job.denoiser.attending(links(job.scene, job.denoiser.downscale))


def links(scene: Scene, downscale: int) -> Links:
    """Which views of ``scene`` attend to which, and what of them shows the mesh: a latent is ``downscale``^2
    pixels."""
    inside, size = masks(scene.views), scene.resolution // downscale
    shown = inside.reshape(-1, size, downscale, size, downscale).mean(axis=(2, 4), dtype=np.float32)
    return Links(neighbours(scene.cameras), reference(scene.cameras), shown)


def _time_left(step: Step, ended: Sequence[float]) -> float:
    """Of painting, after the steps that ``ended`` then; before them, when they began. The first step, which
    sets things up and which may be shown at leisure, counts only while there is no other."""
    start = min(1, len(ended) - 2)
    mean = (ended[-1] - ended[start]) / (len(ended) - 1 - start)
    return mean * (step.n - step.i - 1)


@dataclass(frozen=True)
class _Network:
    """The denoiser with everything but the state fixed: what the sampler calls the network."""

    job: Job
    schedule: Schedule
    positive: Text
    negative: Text
    control: Tensor

    def eps(self, x: Tensor, i: int) -> Tensor:
        return self._run(self.job.denoiser.predict, x, i)

    def x0(self, x: Tensor, i: int) -> Tensor:
        return self._run(self.job.denoiser.predict_x0, x, i)

    def _run(self, predict: Callable[..., Tensor], x: Tensor, i: int) -> Tensor:
        self.job.host.check()
        level, guidance = self.schedule.levels[i], self.job.settings.guidance
        with self.job.clock.part("denoise"):
            state = x.to(self.job.denoiser.device)
            return predict(state, level, self.positive, self.negative, self.control, guidance).to(x.device)


def _network(job: Job, schedule: Schedule) -> _Network:
    settings, cameras = job.settings, job.scene.cameras
    with job.clock.part("denoise"):
        positive = job.denoiser.embed([prompts.positive(settings.prompt, c) for c in cameras])
        negative = job.denoiser.embed([prompts.negative(settings.negative, c) for c in cameras])
    control = torch.from_numpy(job.scene.controls).to(job.denoiser.device)
    return _Network(job, schedule, positive, negative, control)


@dataclass(frozen=True)
class _Coder:
    """The autoencoder, timed; its results lie where the sampler's tensors do. quick: the small one, where the
    model has one."""

    denoiser: Denoiser
    clock: Clock
    host: Host
    quick: bool = False

    @property
    def home(self) -> torch.device:
        return memory.tensor_home(self.denoiser.device)

    def encode(self, images: Tensor) -> Tensor:
        self.host.check()
        with self.clock.part("decode"):
            return self.denoiser.encode(images, self.quick).to(self.home)

    def difference(self, images: Tensor, others: Tensor) -> Tensor:
        self.host.check()
        with self.clock.part("decode"):
            return self.denoiser.encode_difference(images, others, self.quick).to(self.home)

    def decode(self, latents: Tensor) -> Tensor:
        self.host.check()
        with self.clock.part("decode"):
            return self.denoiser.decode(latents.to(self.denoiser.device), self.quick).to(self.home)


@dataclass(frozen=True)
class _Timed:
    """A space whose maps are timed."""

    space: Space
    clock: Clock

    @property
    def size(self) -> int:
        return self.space.size

    def project(self, z: Tensor, background: Tensor) -> Tensor:
        with self.clock.part("sync"):
            return self.space.project(z, background)

    def unproject(self, w: Tensor) -> Tensor:
        with self.clock.part("sync"):
            return self.space.unproject(w)

    def roundtrip(self, w: Tensor) -> Tensor:
        with self.clock.part("sync"):
            return self.space.roundtrip(w)

    def weighted(self, exponent: float) -> Space:
        with self.clock.part("sync"):
            return _Timed(self.space.weighted(exponent), self.clock)


def _sync(job: Job, coder: _Coder) -> Sync:
    """f and g for the latents, and for RGB pictures where that is where x0 is averaged."""
    settings, method = job.settings, METHODS[job.method]
    maps = _maps(job, job.scene.resolution // job.denoiser.downscale, settings.latent_size)
    latent, earlier = _space(job, maps, coder), None
    if method.inverse_lambda:
        order = nearest_first(job.scene.cameras)
        built = EarlierViews.build(maps.pixel, maps.element, maps.average, maps.seen, order, coder.home)
        earlier = _timed(built, job.clock)
    if settings.sync_space == "latent":
        return _agreeing(job, latent, earlier=earlier)
    rgb = _space(job, _maps(job, job.scene.resolution, settings.rgb_size), coder)
    quick = replace(coder, quick=True)
    return _agreeing(job, latent, fg0=DecodedRoundtrip(rgb, quick.difference, quick.decode))


def _agreeing(job: Job, latent: Space, fg0: Agreement | None = None, earlier: Map | None = None) -> Sync:
    settings = job.settings
    steady = settings.aggregate != "mean"
    return Sync(job.method, latent, fg0, settings.share, settings.fading, earlier, steady=steady)


def _maps(job: Job, resolution: int, size: int) -> MeshMaps:
    job.host.check()
    scene, aggregate = job.scene, job.settings.aggregate
    ramped = METHODS[job.method].ramped and aggregate == "mean"
    views = scene.views
    if resolution != scene.resolution:
        views = scene.surface.seen_by(scene.cameras, resolution)
    return mesh_maps(scene.surface, views, size, AGGREGATES[aggregate], cosines=ramped)


def _space(job: Job, maps: MeshMaps, coder: _Coder) -> Space:
    space = LinearSpace.build(maps.pixel, maps.element, maps.average, coder.home, maps.cosine)
    return _Timed(space, job.clock)


def _timed(work: Callable[[Tensor], Tensor], clock: Clock) -> Callable[[Tensor], Tensor]:
    def timed(w: Tensor) -> Tensor:
        with clock.part("sync"):
            return work(w)

    return timed
