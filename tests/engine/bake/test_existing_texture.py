"""Textures from before: read whatever they are saved as, seen on the mesh, kept where nothing new is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.bake.bake import Baked
from engine.bake.existing_texture import ExistingTexture
from engine.bake.texels import SurfaceTexels
from engine.errors import UserError
from engine.export.render import render_view
from engine.mesh.sets import Page
from engine.pictures import png
from engine.pictures.pages import texel_centres, texel_of
from engine.views.cameras import Camera, even_rig
from tests.engine import shapes

Floats = NDArray[np.float32]
SHAPE = shapes.box(1)


def smooth(height: int, width: int) -> Floats:
    """(H, W, 3) in [0, 1], some of everything."""
    y, x = np.mgrid[:height, :width] / max(height, width)
    waves = [np.sin(9 * x + 4 * y), np.cos(7 * y - x), np.sin(11 * x * y + 1)]
    return (np.stack(waves, axis=-1) * 0.4 + 0.5).astype(np.float32)


def saved(path: Path, mode: str, picture: Floats) -> Path:
    eight = Image.fromarray((picture * 255 + 0.5).astype(np.uint8))
    if mode == "I;16":
        Image.fromarray((picture[..., 0] * 65535 + 0.5).astype(np.uint16)).save(path)
    elif mode == "RGB;16":
        png.write(picture, path, bits=16)
    else:
        eight.convert(mode).save(path)
    return path


@pytest.mark.parametrize(
    ("mode", "suffix", "tolerance"),
    [
        ("RGB", "png", 0.003),
        ("RGBA", "png", 0.003),
        ("P", "png", 0.25),  # 256 colours
        ("RGB;16", "png", 1e-5),
        ("RGB", "jpg", 0.1),
        ("CMYK", "jpg", 0.1),
        ("RGB", "bmp", 0.003),
        ("RGB", "tga", 0.003),
    ],
)
def test_colours_of_every_kind_of_file(tmp_path: Path, mode: str, suffix: str, tolerance: float) -> None:
    picture = smooth(40, 64)
    found = ExistingTexture.read(saved(tmp_path / f"a.{suffix}", mode, picture)).pages[0]
    assert (found.shape, found.dtype) == ((40, 64, 4), np.float32)
    np.testing.assert_allclose(found[..., :3], picture, atol=tolerance)
    np.testing.assert_allclose(found[..., 3], 1)


@pytest.mark.parametrize(("mode", "tolerance"), [("L", 0.003), ("LA", 0.003), ("I;16", 1e-5)])
def test_grey_files(tmp_path: Path, mode: str, tolerance: float) -> None:
    grey = np.repeat(smooth(40, 64)[..., :1], 3, axis=2)
    found = ExistingTexture.read(saved(tmp_path / "a.png", mode, grey)).pages[0]
    np.testing.assert_allclose(found[..., :3], grey, atol=tolerance)
    np.testing.assert_allclose(found[..., 3], 1)


def test_alpha_in_every_form_it_is_saved_in(tmp_path: Path) -> None:
    colours = np.full((8, 8, 4), (200, 100, 50, 255), np.uint8)
    colours[:, 4:, 3] = 0
    Image.fromarray(colours).save(tmp_path / "rgba.png")
    Image.fromarray(colours[..., :3]).convert("P").save(tmp_path / "p.png", transparency=0)
    keyed = colours[..., :3].copy()
    keyed[:, 4:] = (1, 2, 3)
    Image.fromarray(keyed).save(tmp_path / "key.png", transparency=(1, 2, 3))
    for name in ("rgba", "key"):
        texels = ExistingTexture.read(tmp_path / f"{name}.png").pages[0]
        np.testing.assert_allclose(
            texels[:, :4] * 255, np.broadcast_to((200, 100, 50, 255), (8, 4, 4)), atol=0.1
        )
        assert not texels[:, 4:].any()
    assert ExistingTexture.read(tmp_path / "p.png").pages[0].shape == (8, 8, 4)


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_files_that_are_no_pictures(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.png") as caught:
        ExistingTexture.read(tmp_path / "a.png")
    assert "\n" not in f"{caught.value}{caught.value.fix}"


def test_damaged_and_missing_files_and_folders(tmp_path: Path) -> None:
    for suffix in ("png", "jpg"):
        path = saved(tmp_path / f"a.{suffix}", "RGB", smooth(64, 64))
        path.write_bytes(path.read_bytes()[:-400])
        with pytest.raises(UserError, match="can't be read"):
            ExistingTexture.read(path)
    with pytest.raises(UserError, match="there is no file"):
        ExistingTexture.read(tmp_path / "none.png")
    with pytest.raises(UserError, match="is a folder"):
        ExistingTexture.read(tmp_path)


def test_a_file_that_claims_to_be_enormous(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", "L", smooth(4, 4))
    data = bytearray(path.read_bytes())
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    path.write_bytes(bytes(data))
    with pytest.raises(UserError):
        ExistingTexture.read(path)


@pytest.mark.parametrize("size", [(64, 64), (32, 128), (500, 20)])
def test_views_show_the_texture_where_the_uvs_put_it(size: tuple[int, int]) -> None:
    picture = smooth(*size)
    old = ExistingTexture((np.dstack([picture, np.ones(size, np.float32)]),))
    cameras = even_rig(4)
    seen = SHAPE.surface.seen_by(cameras, 64)
    views = old.seen(SHAPE.surface, seen)
    assert (views.shape, views.dtype) == ((4, 3, 64, 64), np.float32)
    square = np.asarray(  # by Pillow's own resizing
        Image.fromarray((picture * 255 + 0.5).astype(np.uint8)).resize((256, 256), Image.Resampling.BICUBIC)
    )
    for where, view in zip(seen, views, strict=True):
        expected = render_view(square.astype(np.float32) / 255, SHAPE.surface, where)
        assert np.abs(view.transpose(1, 2, 0) - expected).mean() < 0.01
        np.testing.assert_allclose(view[:, 0, 0], 0.5)


def test_detail_finer_than_a_pixel_is_averaged() -> None:
    """A checker of single texels is grey from afar, not a moire of its two colours."""
    shape = shapes.plate(0.0, 0.6, (0.0, 1.0))
    y, x = np.mgrid[:2048, :2048]
    checker = np.repeat(((x + y) % 2)[..., None], 4, axis=2).astype(np.float32)
    checker[..., 3] = 1
    surface = shape.surface
    (view,) = ExistingTexture((checker,)).seen(surface, [surface.seen(Camera(0, 0), 64)])
    middle = view[:, 24:40, 24:40]
    assert np.abs(middle - 0.5).max() < 0.05


def test_what_is_transparent_is_grey_in_the_views() -> None:
    texels = np.zeros((16, 16, 4), np.float32)
    views = ExistingTexture((texels,)).seen(SHAPE.surface, SHAPE.surface.seen_by(even_rig(2), 32))
    np.testing.assert_allclose(views, 0.5)


def test_texels_that_no_view_painted_keep_their_colours_to_the_bit(tmp_path: Path) -> None:
    size = 96
    picture = np.random.default_rng(0).integers(0, 256, (size, size, 3)).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    old = ExistingTexture.read(tmp_path / "a.png")
    own = SurfaceTexels.build(SHAPE.surface, size)
    n = len(own.index)
    trusted, doubtful = np.arange(n) % 3 == 0, np.arange(n) % 3 == 1
    baked = Baked(np.full((n, 3), 0.25, np.float32), trusted, doubtful)
    after = old.under(own, baked, np.zeros(3, np.float32))
    kept = ~(trusted | doubtful)
    np.testing.assert_array_equal(after.trusted, trusted | kept)
    np.testing.assert_array_equal(after.colours[~kept], 0.25)
    eight = (after.colours[kept] * 255 + 0.5).astype(np.uint8)
    np.testing.assert_array_equal(eight, picture.reshape(-1, 3)[own.index[kept]])
    assert not baked.trusted[kept].any()  # what was given isn't written to


def test_transparent_texels_are_left_to_the_fill() -> None:
    texels = np.zeros((64, 64, 4), np.float32)
    texels[:, :32] = (0.2, 0.4, 0.6, 1.0)
    own = SurfaceTexels.build(SHAPE.surface, 64)
    nothing = np.zeros(len(own.index), bool)
    bare = Baked(np.zeros((len(nothing), 3), np.float32), nothing, nothing)
    after = ExistingTexture((texels,)).under(own, bare, np.zeros(3, np.float32))
    np.testing.assert_array_equal(after.trusted, own.index % 64 < 32)


def test_another_objects_part_of_the_texture_stays() -> None:
    """A plate that owns the left half of an atlas: the right half is somebody else's."""
    shape = shapes.plate(0.0, 0.6, (0.0, 0.5))
    old = ExistingTexture((np.dstack([smooth(256, 256), np.ones((256, 256), np.float32)]),))
    own = SurfaceTexels.build(shape.surface, 256)
    image = np.full((256, 256, 3), 0.25, np.float32)
    after = old.around(own, image)
    np.testing.assert_array_equal(after[:, :130], 0.25)  # its own, and a margin for mip-maps
    np.testing.assert_allclose(after[:, 132:], old.pages[0][:, 132:, :3], atol=1e-6)
    np.testing.assert_array_equal(image, 0.25)
    bare = ExistingTexture((np.zeros((8, 8, 4), np.float32),))
    np.testing.assert_array_equal(bare.around(own, image), image)


def test_shrinking_does_not_alias_and_never_enlarges() -> None:
    picture = np.dstack([smooth(300, 200), np.ones((300, 200), np.float32)])
    small = ExistingTexture((picture,)).fitted(100)
    assert small.pages[0].shape == (100, 100, 4)
    expected = Image.fromarray((picture[..., :3] * 255).astype(np.uint8)).resize(
        (100, 100), Image.Resampling.BOX
    )
    assert np.abs(small.pages[0][..., :3] * 255 - np.asarray(expected)).mean() < 2
    assert ExistingTexture((picture,)).fitted(400).pages[0] is picture
    assert ExistingTexture((picture,)).fitted(250).pages[0].shape == (250, 200, 4)


def test_pages_keep_their_own_sizes(tmp_path: Path) -> None:
    """Each is read by its own UVs and shrunk by itself; the judge is Pillow, page by page."""
    sizes = ((200, 200), (32, 128), (8, 8))
    tiles = (1001, 1002, 1011)
    for tile, size in zip(tiles, sizes, strict=True):
        saved(tmp_path / f"old.{tile}.png", "RGB", smooth(*size) * tile / 1011)
    pages = [Page(str(tile), "", 0, None, tile) for tile in tiles]
    old = ExistingTexture.read_pages(str(tmp_path / "old.<UDIM>.png"), pages)
    assert [page.shape[:2] for page in old.pages] == list(sizes)
    assert [page.shape[:2] for page in old.fitted(100).pages] == [(100, 100), (32, 100), (8, 8)]
    rng = np.random.default_rng(0)
    number = rng.integers(0, 3, 300)
    texel = [rng.integers(0, [sizes[page][1], sizes[page][0]]) for page in number]
    uv = [
        ((column + 0.5) / sizes[page][1], 1 - (row + 0.5) / sizes[page][0], page)
        for page, (column, row) in zip(number, texel, strict=True)
    ]
    colours, alpha = old.at(np.array(uv, np.float32))
    for page, tile in enumerate(tiles):
        with Image.open(tmp_path / f"old.{tile}.png") as image:
            expected = [
                image.getpixel((int(c), int(r))) for n, (c, r) in zip(number, texel, strict=True) if n == page
            ]
        np.testing.assert_allclose(colours[number == page] * 255, expected, atol=0.1)
    np.testing.assert_allclose(alpha, 1)


def test_texel_centres_are_in_their_texels() -> None:
    index = np.arange(49)
    np.testing.assert_array_equal(texel_of(texel_centres(index, 7), 7), index)
