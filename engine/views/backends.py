"""Who rasterises views: Embree, which is everywhere, or nvdiffrast, an optional package for NVIDIA cards."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from ..errors import UserError
from .cuda_raster import CudaRaster, Draw
from .raster import EmbreeRaster, Floats, Ints

if TYPE_CHECKING:
    from torch import Tensor

INSTALL = (
    "pip install setuptools wheel ninja && "
    "pip install --no-build-isolation git+https://github.com/NVlabs/nvdiffrast@v0.4.0"
)


def choose(name: str, device: str) -> str:
    """``name``, one of protocol.RASTERS, with "auto" settled for a job on the type ``device`` ("cuda", ...):
    nvdiffrast on CUDA where it can be had, else Embree."""
    if name == "auto":
        return "nvdiffrast" if device == "cuda" and obstacle() is None else "embree"
    return name


def obstacle() -> UserError | None:
    """Why nvdiffrast can't be used here, and what to do; None where it can."""
    import torch

    embree = "use --raster embree, which gives the same textures"
    if not torch.cuda.is_available():
        what = "nvdiffrast needs an NVIDIA card, and torch sees no CUDA device"
        return UserError(what, embree)
    if importlib.util.find_spec("nvdiffrast") is None:
        return UserError("nvdiffrast isn't installed", f"run `{INSTALL}` (it needs nvcc), or {embree}")
    try:
        cuda_draw()
    except Exception as error:  # built for another torch, no compiler, no driver: all the same to a job
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        return UserError(f"nvdiffrast doesn't work here: {reason}", f"run `{INSTALL}` again, or {embree}")
    return None


def cuda_draw() -> Draw:
    """nvdiffrast on the current CUDA device; raises whatever keeps it from working."""
    import nvdiffrast.torch as dr
    import torch

    context = dr.RasterizeCudaContext(device="cuda")

    def draw(positions: Floats, faces: Ints, side: int) -> Tensor:
        where, which = (torch.from_numpy(rows).cuda() for rows in (positions, faces))
        picture, _ = dr.rasterize(context, where[None], which, (side, side), grad_db=False)
        return picture[0]  # type: ignore[no-any-return]

    return draw


def make_raster(name: str, vertices: Floats, faces: Ints) -> EmbreeRaster:
    """The rasteriser ``name``, as ``choose`` gives it, of ``vertices`` (V, 3) and ``faces`` (F, 3)."""
    if name == "nvdiffrast":
        return CudaRaster(vertices, faces, cuda_draw())
    return EmbreeRaster(vertices, faces)
