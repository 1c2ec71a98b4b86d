"""OpenEXR textures: linear light by the standard's formula, read back, marked, refused where damaged."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import OpenEXR
import pytest

from engine.bake.existing_texture import ExistingTexture
from engine.errors import UserError
from engine.pictures import exr
from engine.pictures.channels import to_linear, to_srgb
from engine.pictures.read import read

PICTURE = np.random.default_rng(0).random((300, 40, 3)).astype(np.float32)


def light(colours: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1 in double precision."""
    wide = colours.astype(np.float64)
    return np.where(wide <= 0.04045, wide / 12.92, ((wide + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(("depth", "relative"), [("half", 2**-11), ("float", 2e-6)])
def test_files_hold_linear_light(tmp_path: Path, depth: str, relative: float) -> None:
    exr.write(PICTURE, tmp_path / "a.exr", depth)
    with OpenEXR.File(str(tmp_path / "a.exr")) as file:
        pixels = file.channels()["RGB"].pixels
        assert file.header()["colorInteropID"] == "lin_rec709_scene"
    assert pixels.dtype == exr.DEPTHS[depth]
    np.testing.assert_allclose(pixels, light(PICTURE), rtol=relative, atol=1e-6)


@pytest.mark.parametrize(("depth", "tolerance"), [("half", 3e-4), ("float", 1e-6)])
def test_a_texture_can_start_from_what_was_written(tmp_path: Path, depth: str, tolerance: float) -> None:
    exr.write(PICTURE, tmp_path / "a.exr", depth)
    texels = ExistingTexture.read(tmp_path / "a.exr").pages[0]
    np.testing.assert_allclose(texels[..., :3], PICTURE, atol=tolerance)
    assert (texels[..., 3] == 1).all()


def test_the_two_curves_are_each_others_reverse_without_a_step() -> None:
    colours = np.linspace(0, 1, 100_001, dtype=np.float32)
    np.testing.assert_allclose(to_srgb(to_linear(colours)), colours, atol=2e-6)
    assert (np.diff(to_linear(colours)) > 0).all()


def test_values_beyond_black_and_white_are_clamped_as_in_a_png(tmp_path: Path) -> None:
    exr.write(np.array([[[-1, 0.5, 2]]], np.float32), tmp_path / "a.exr", "float")
    np.testing.assert_allclose(read(tmp_path / "a.exr")[0, 0], (0, 0.5, 1, 1), atol=1e-6)


def saved(path: Path, **channels: np.ndarray) -> Path:
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}, channels).write(
        str(path)
    )
    return path


def test_alpha_grey_and_what_is_no_number(tmp_path: Path) -> None:
    alpha = np.linspace(0, 1, 40, dtype=np.float32)[None, :, None].repeat(300, axis=0)
    linear = light(PICTURE).astype(np.float32)
    found = read(saved(tmp_path / "a.exr", RGBA=np.concatenate([linear * alpha, alpha], axis=2)))
    np.testing.assert_allclose(found[:, 1:, :3], PICTURE[:, 1:], atol=1e-4)
    np.testing.assert_allclose(found[..., 3:], alpha)
    assert (found[:, 0] == 0).all()
    grey = read(saved(tmp_path / "y.exr", Y=np.ascontiguousarray(linear[..., 0])))
    np.testing.assert_allclose(grey[..., :3], PICTURE[..., :1].repeat(3, axis=2), atol=1e-5)
    odd = np.array([[[np.nan, np.inf, -np.inf]]], np.float32)
    np.testing.assert_allclose(read(saved(tmp_path / "n.exr", RGB=odd)), [[[0, 1, 0, 1]]], atol=1e-6)


def test_damaged_files_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.exr"
    exr.write(PICTURE, path, "float")
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], whole[:40], exr.MAGIC):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"a\.exr can't be read") as refused:
            ExistingTexture.read(path)
        assert "\n" not in str(refused.value)
    saved(path, Z=PICTURE[..., 0].copy())
    with pytest.raises(UserError, match="no channels R, G and B"):
        ExistingTexture.read(path)


def test_a_full_disk_is_told_as_one() -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space") as told:
        exr.write(PICTURE, full, "float")
    assert told.value.errno == errno.ENOSPC
