"""How much room on the disk a job's files take, reckoned before they are made: somewhat more than usual."""

from __future__ import annotations

from ..protocol import AnyRequest, ImageRequest, Request, SplatsRequest
from .render import TURNTABLE_FRAMES, TURNTABLE_SIZE

A_TEXEL = 2.0  # bytes, of a PNG in 8 bits; noise takes 3
MORE_A_TEXEL = {"8": 0.0, "16": 5.0, "half": 4.5, "float": 9.0}  # of the file with more bits beside it
A_VIEW_PIXEL = 3.5  # of the contact sheet: control picture, view, and the texture seen again
A_FRAME_PIXEL = 0.25  # of the turntable, which is half as wide
A_FACE = 40  # of mesh.glb: its numbers, and its share of positions, normals and UVs
UVS_A_FACE = 24  # of uvs.npy
REST = 16 << 10  # the report, heads of files, entries of folders
USUAL_VIEWS, USUAL_SIDE = 4, 128  # where nobody has looked yet


def of_mesh(
    request: Request,
    pages: int = 1,
    channels: int = 1,
    faces: int = 0,
    views: int = USUAL_VIEWS,
    side: int = USUAL_SIDE,
) -> int:
    """Bytes of a textured mesh of ``faces`` triangles: ``pages`` textures of so many channels, and pictures
    of ``views`` of ``side``^2 pixels."""
    copies = 3 if request.scene == "packed" else 2  # texture.png is in mesh.glb too
    a_texel = copies * A_TEXEL + MORE_A_TEXEL[request.texture_depth]
    textures = pages * channels * request.texture_size**2 * a_texel
    pictures = views * side**2 * A_VIEW_PIXEL + TURNTABLE_FRAMES * TURNTABLE_SIZE**2 * A_FRAME_PIXEL
    geometry = faces * (A_FACE + UVS_A_FACE * request.write_uvs)
    return round(textures + pictures + geometry) + REST


def of_image(width: int, height: int, channels: int = 1, depth: str = "8") -> int:
    """Bytes of a picture without a mesh."""
    return round(width * height * channels * (A_TEXEL + MORE_A_TEXEL[depth])) + REST


def of_splats(file: int, views: int = USUAL_VIEWS, side: int = USUAL_SIDE) -> int:
    """Bytes of splats in a file of so many, and pictures of ``views`` of ``side``^2 pixels. Numbers in text
    get longer."""
    return round(1.3 * file + views * side**2 * A_VIEW_PIXEL) + REST


def of_request(request: AnyRequest) -> int:
    """Bytes, as far as ``request`` alone tells: of one texture."""
    if isinstance(request, ImageRequest):
        return of_image(request.width or USUAL_SIDE, request.height or USUAL_SIDE)
    if isinstance(request, SplatsRequest):
        return of_splats(0)
    return of_mesh(request)
