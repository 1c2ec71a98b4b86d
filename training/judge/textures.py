"""Whole textures by the engine's own pipeline, with the model loaded once, and pictures of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.export.render import render_view
from engine.host import Host
from engine.mesh.mesh import load
from engine.pipeline import texture
from engine.protocol import Request
from engine.views.cameras import Camera
from engine.views.surface import Surface
from training.shapes import Mesh

Floats = NDArray[np.float32]
AMBIENT = 0.6  # of the light in a lit picture; the rest comes from the camera


def load_model(model: str, device: str) -> Denoiser:
    """The denoiser, for any number of textures and views."""
    return load_denoiser(model, device, lambda: None)


@dataclass(frozen=True)
class Textured:
    """A textured mesh: ``image`` (T, T, 3) in [0, 1]."""

    surface: Surface
    image: Floats

    def picture(self, camera: Camera, resolution: int, lit: bool = False) -> Floats:
        """(R, R, 3) in [0, 1] over grey, smoothed by four rays a pixel; unlit, or lit from the camera."""
        view = self.surface.seen(camera, 2 * resolution)
        found = render_view(self.image, self.surface, view).reshape(-1, 3)
        if lit:
            found[view.fragments.pixel] *= (AMBIENT + (1 - AMBIENT) * view.fragments.cosine)[:, None]
        smooth: Floats = found.reshape(resolution, 2, resolution, 2, 3).mean((1, 3))
        return smooth


def make(
    denoiser: Denoiser,
    mesh: Path,
    prompt: str,
    out: Path,
    steps: int | None = None,
    guidance: float | None = None,
    seed: int = 0,
) -> Textured:
    """Texture the file ``mesh`` into the folder ``out``, in this process. Raises UserError."""
    request = Request(
        str(mesh),
        prompt,
        str(out),
        views="paper",  # as all that was judged before
        steps=steps,
        guidance=guidance,
        seed=seed,
        channels=("color",),
    )
    result = texture(request, lambda *_: denoiser, Host())
    return read(Path(result.mesh), Path(result.texture))


def read(mesh_file: Path, image_file: Path) -> Textured:
    """A mesh and its texture as the engine wrote them."""
    mesh = load(mesh_file)
    assert mesh.uvs is not None
    with Image.open(image_file) as image:
        pixels = np.asarray(image.convert("RGB"), np.float32) / 255
    return Textured(Surface.build(mesh.vertices, mesh.faces, mesh.uvs), pixels)


def write_mesh(mesh: Mesh, path: Path) -> Path:
    """``mesh`` as the .npz that the engine reads."""
    vertices, faces = mesh
    np.savez(path, vertices=vertices, faces=faces)
    return path
