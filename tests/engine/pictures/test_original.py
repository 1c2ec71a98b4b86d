"""Pictures that are painted over in places: what is painted, and all the rest to the bit, in every depth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.pictures.original import Original
from tests.engine.pictures.test_png import decoded

SIZE = 24, 40
KINDS = {
    "8": (np.uint8, 3),
    "8 alpha": (np.uint8, 4),
    "16": (np.uint16, 3),
    "16 alpha": (np.uint16, 4),
    "half": (np.float16, 3),
    "half alpha": (np.float16, 4),
    "float": (np.float32, 3),
    "float alpha": (np.float32, 4),
}


def noise(kind: str) -> NDArray[Any]:
    """(24, 40, 3 or 4): of floats also what is no colour."""
    dtype, count = KINDS[kind]
    rng = np.random.default_rng(1)
    if np.issubdtype(dtype, np.integer):
        return rng.integers(0, np.iinfo(dtype).max, (*SIZE, count), endpoint=True).astype(dtype)
    pixels = rng.uniform(-0.5, 3, (*SIZE, count)).astype(dtype)
    pixels[2, 3], pixels[4, 5] = np.nan, np.inf
    return pixels


def pixels_of(path: Path, depth: str) -> NDArray[Any]:
    """By other readers than ours."""
    if depth in ("half", "float"):
        (pixels,) = (one.pixels for one in OpenEXR.File(str(path)).channels().values())
        return np.asarray(pixels)
    if depth == "16":
        return np.asarray(decoded(path)).astype(np.uint16)
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.mark.parametrize("kind", KINDS)
def test_all_but_what_is_painted_stays_to_the_bit(tmp_path: Path, kind: str) -> None:
    depth, pixels = kind.split()[0], noise(kind)
    Original(pixels).write(old := tmp_path / ("old.exr" if depth in ("half", "float") else "old.png"))
    original = Original.read(old)
    assert (original.depth, original.size) == (depth, SIZE)
    np.testing.assert_array_equal(pixels_of(old, depth), pixels)
    weight = np.zeros(SIZE, np.float32)
    weight[8:16, 10:30], weight[16, 10:30] = 1, 0.25
    colours = np.full((*SIZE, 3), (0.2, 0.5, 0.9), np.float32)
    original.painted(colours, weight).write(new := old.with_stem("new"))
    result = pixels_of(new, depth)
    outside = weight == 0
    as_bits = {1: np.uint8, 2: np.uint16, 4: np.uint32}[pixels.itemsize]
    np.testing.assert_array_equal(result.view(as_bits)[outside], pixels.view(as_bits)[outside])
    linear = ((np.array([0.2, 0.5, 0.9]) + 0.055) / 1.055) ** 2.4
    goal = linear if depth in ("half", "float") else np.array([0.2, 0.5, 0.9]) * np.iinfo(pixels.dtype).max
    inside = result[weight == 1].astype(np.float64)
    np.testing.assert_allclose(inside[:, :3] - goal, 0, atol=2e-3 if depth == "half" else max(goal) * 1e-2)
    if pixels.shape[2] == 4:
        np.testing.assert_array_equal(result[weight == 1][:, 3], pixels.dtype.type(_one(pixels.dtype)))
    assert (result[weight == 0.25] != pixels[weight == 0.25]).any(axis=1).all()


def _one(dtype: np.dtype[Any]) -> float:
    return 1.0 if dtype.kind == "f" else float(np.iinfo(dtype).max)


def test_a_share_is_a_blend(tmp_path: Path) -> None:
    """Of straight alpha as of colours times alpha: what Pillow composites."""
    pixels, share = noise("8 alpha"), np.full(SIZE, 0.25, np.float32)
    over = Image.new("RGBA", SIZE[::-1], (51, 128, 230, 64))
    goal = np.asarray(Image.alpha_composite(Image.fromarray(pixels), over)).astype(int)
    colours = np.full((*SIZE, 3), np.array([51, 128, 230]) / 255, np.float32)
    result = Original(pixels).painted(colours, share).pixels.astype(int)
    assert np.abs(result - goal).max() <= 3


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGB", "RGBA"])
def test_other_modes_count_as_the_colours_that_they_show(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(noise("8" if mode == "P" else "8 alpha")).convert(mode)
    picture.save(path := tmp_path / "any.png")
    shown = "RGBA" if mode in ("LA", "RGBA") else "RGB"
    np.testing.assert_array_equal(Original.read(path).pixels, np.asarray(picture.convert(shown)))


def test_deeper_ones_hold_the_same_numbers() -> None:
    eight = Original(noise("8"))
    np.testing.assert_array_equal(eight.at_depth("16").pixels / 65535, eight.pixels / 255)
    half = Original(noise("half"))
    np.testing.assert_array_equal(half.at_depth("float").pixels, half.pixels.astype(np.float32))
    assert eight.at_depth("8") is eight
    np.testing.assert_array_equal(eight.at_depth("16").eight_bits(), eight.pixels)
