"""Who rasterises views: Embree, which is everywhere, or nvdiffrast, an optional package for NVIDIA cards."""

from __future__ import annotations

import importlib.util
import threading
from typing import TYPE_CHECKING

import numpy as np

from ..errors import UserError
from .cuda_raster import CudaRaster, Draw
from .raster import EmbreeRaster, Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor

INSTALL = (
    "pip install setuptools wheel ninja && "
    "pip install --no-build-isolation git+https://github.com/NVlabs/nvdiffrast@v0.4.0"
)

OUT_OF_MEMORY = "Cuda error: 2["  # how nvdiffrast reports that CUDA had no memory


def choose(name: str, device: str) -> str:
    """``name``, one of choices.RASTERS, with "auto" settled for a job on the type ``device`` ("cuda", ...):
    nvdiffrast on CUDA where it can be had, else Embree."""
    if name == "auto":
        return "nvdiffrast" if device == "cuda" and obstacle() is None else "embree"
    return name


def obstacle() -> UserError | None:
    """Why nvdiffrast can't be used here, and what to do; None where it can."""
    import torch

    if not torch.cuda.is_available():
        return _unusable("nvdiffrast needs an NVIDIA card, and torch sees no CUDA device")
    if importlib.util.find_spec("nvdiffrast") is None:
        return _unusable("nvdiffrast isn't installed", f"run `{INSTALL}` (it needs nvcc), or ")
    try:
        _try_out(cuda_draw())
    except Exception as error:  # built for another torch or card, no compiler, no driver: all the same
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return _unusable(f"nvdiffrast doesn't work here: {reason}", f"run `{INSTALL}` again, or ")
    return None


def _unusable(what: str, first: str = "") -> UserError:
    return UserError(what, f"{first}use {{raster}}, which gives the same textures", raster="embree")


def _try_out(draw: Draw) -> None:
    """Raise RuntimeError unless ``draw`` fills a picture by one face: a context alone runs nothing."""
    corners = np.array([[-1, -1, 0, 1], [3, -1, 0, 1], [-1, 3, 0, 1]], np.float32)
    picture = draw(corners, np.array([[0, 1, 2]], np.int32), 8)
    if not bool((picture[..., 3] == 1).all()):
        raise RuntimeError("what it draws isn't there")


def cuda_draw() -> Draw:
    """nvdiffrast on the current CUDA device; raises whatever keeps it from working."""
    import nvdiffrast.torch as dr
    import torch

    context = dr.RasterizeCudaContext(device="cuda")

    def draw(positions: Floats, faces: Ints, side: int) -> Tensor:
        where, which = (torch.from_numpy(rows).cuda() for rows in (positions, faces))
        picture, _ = dr.rasterize(context, where[None], which, (side, side), grad_db=False)
        return picture[0]  # type: ignore[no-any-return]

    return guarded(draw)


def guarded(draw: Draw) -> Draw:
    """``draw`` by one thread at a time, since a context holds the state of one picture; where it runs out of
    memory, once more: it allocates beside torch, which keeps what it has freed."""
    import torch

    busy = threading.Lock()

    def again(positions: Floats, faces: Ints, side: int) -> Tensor:
        with busy:
            try:
                return draw(positions, faces, side)
            except RuntimeError as error:
                if OUT_OF_MEMORY not in str(error):
                    raise
            torch.cuda.empty_cache()
            return draw(positions, faces, side)

    return again


def make_raster(name: str, vertices: Floats, faces: Ints, beside: Floats | None = None) -> EmbreeRaster:
    """The rasteriser ``name``, as ``choose`` gives it, of ``vertices`` (V, 3) and ``faces`` (F, 3), which
    what stands ``beside`` hides, see EmbreeRaster."""
    if name == "nvdiffrast":
        return CudaRaster(vertices, faces, cuda_draw(), beside)
    return EmbreeRaster(vertices, faces, beside)
