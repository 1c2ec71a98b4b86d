"""Denoising the views of a scene together: the sampler, its network, its maps, its clock, its fallbacks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from . import memory
from .denoise.model import Denoiser, Text
from .denoise.schedule import Schedule
from .errors import OutOfMemory
from .host import Clock, Host
from .options import Settings
from .scene import Scene
from .sync.operators import mesh_maps
from .sync.sampler import Step, Sync, initial_noise, sample
from .sync.spaces import DecodedRoundtrip, LinearSpace, Space
from .views import prompts

GREY = 0.5  # behind the mesh, for the cases whose views are rendered from the canonical variable


@dataclass(frozen=True)
class Job:
    """What one texture is generated from; ``method`` and ``seed`` as in the request."""

    method: str
    seed: int
    settings: Settings
    scene: Scene
    denoiser: Denoiser
    clock: Clock
    host: Host


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
            raise OutOfMemory(
                "memory ran out, even with one view at a time",
                "use fewer --views, a smaller --texture-size or a smaller model, or close other programs",
            )


def _denoise(job: Job) -> NDArray[np.float32]:
    schedule = job.denoiser.schedule(job.settings.steps)
    coder = _Coder(job.denoiser, job.clock, job.host)
    with job.clock.part("geometry"):
        sync = _sync(job, coder)
    generator = torch.Generator().manual_seed(job.seed)
    pixels = (1, 3, job.scene.resolution, job.scene.resolution)
    behind = coder.encode(torch.full(pixels, GREY))
    behind = behind.expand(len(job.scene.cameras), *behind.shape[1:])
    x = initial_noise(sync.space, behind, generator)
    network = _network(job, schedule)
    start = time.perf_counter()
    job.host.progress("denoise", 0, job.settings.steps, None)
    for step in sample(network, schedule, sync, x, behind, generator):
        x = step.x
        job.host.progress("denoise", step.i + 1, step.n, _time_left(step, start))
    pictures = coder.decode(x).clamp(0, 1).permute(0, 2, 3, 1).cpu().numpy()
    return np.ascontiguousarray(pictures, np.float32)


def _time_left(step: Step, start: float) -> float:
    done = step.i + 1
    return (time.perf_counter() - start) / done * (step.n - done)


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
        t, guidance = self.schedule.timesteps[i], self.job.settings.guidance
        with self.job.clock.part("denoise"):
            state = x.to(self.job.denoiser.device)
            return predict(state, t, self.positive, self.negative, self.control, guidance).to(x.device)


def _network(job: Job, schedule: Schedule) -> _Network:
    settings, cameras = job.settings, job.scene.cameras
    with job.clock.part("denoise"):
        positive = job.denoiser.embed([prompts.positive(settings.prompt, c) for c in cameras])
        negative = job.denoiser.embed([prompts.negative(settings.negative, c) for c in cameras])
    control = torch.from_numpy(job.scene.controls).to(job.denoiser.device)
    return _Network(job, schedule, positive, negative, control)


@dataclass(frozen=True)
class _Coder:
    """The autoencoder, timed; its results lie where the sampler's tensors do."""

    denoiser: Denoiser
    clock: Clock
    host: Host

    @property
    def home(self) -> torch.device:
        return memory.tensor_home(self.denoiser.device)

    def encode(self, images: Tensor) -> Tensor:
        self.host.check()
        with self.clock.part("decode"):
            return self.denoiser.encode(images).to(self.home)

    def decode(self, latents: Tensor) -> Tensor:
        self.host.check()
        with self.clock.part("decode"):
            return self.denoiser.decode(latents.to(self.denoiser.device)).to(self.home)


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


def _sync(job: Job, coder: _Coder) -> Sync:
    """f and g for the latents, and for RGB pictures where that is where x0 is averaged."""
    settings, scene = job.settings, job.scene

    def space(resolution: int, size: int) -> Space:
        job.host.check()
        maps = mesh_maps(scene.raster, scene.cameras, scene.mesh.faces, scene.uvs, resolution, size)
        return _Timed(LinearSpace.build(maps.pixel, maps.element, maps.average, coder.home), job.clock)

    latent = space(scene.resolution // job.denoiser.downscale, settings.latent_size)
    if settings.sync_space == "latent":
        return Sync(job.method, latent, share=settings.share)
    decoded = DecodedRoundtrip(space(scene.resolution, settings.rgb_size), coder.encode, coder.decode)
    return Sync(job.method, latent, decoded, settings.share)
