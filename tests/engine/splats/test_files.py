"""Splats in files: read in every format, written with other colours and nothing else, refused in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.errors import LONGEST, UserError
from engine.options.splats import DC
from engine.splats.files import SplatFile
from tests.engine.splats import made

KINDS = ("binary_little_endian", "binary_big_endian", "ascii")
SPLATS = made.scattered(30)
ROWS = made.rows_of(SPLATS, tint=0.3)


@pytest.mark.parametrize("kind", KINDS)
def test_splats_are_read(tmp_path: Path, kind: str) -> None:
    file = SplatFile.read(str(made.write(tmp_path / "a.ply", ROWS, kind)))
    for name in ("position", "scale", "opacity", "colour"):
        np.testing.assert_allclose(getattr(file.splats, name), getattr(SPLATS, name), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(file.splats.covariance, SPLATS.covariance, rtol=1e-4, atol=1e-6)
    assert file.tinted
    assert not SplatFile.read(str(made.write(tmp_path / "a.ply", made.rows_of(SPLATS), kind))).tinted


@pytest.mark.parametrize("tints", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_only_colours_are_written(tmp_path: Path, kind: str, tints: bool) -> None:
    """The same bytes as of a file that was written with these colours in the first place."""
    path = made.write(tmp_path / "a.ply", ROWS, kind)
    colours = np.random.default_rng(3).uniform(0, 1, (len(ROWS), 3)).astype(np.float32)
    expected = ROWS.copy()
    expected[:, 6:9] = (colours - 0.5) / DC
    if not tints:
        expected[:, 9:18] = 0
    found = SplatFile.read(str(path)).painted(colours, tints)
    assert found == made.write(tmp_path / "b.ply", expected, kind).read_bytes()
    assert path.read_bytes() != found


@pytest.mark.parametrize("kind", KINDS)
def test_other_elements_stay(tmp_path: Path, kind: str) -> None:
    """Before the splats and after them, and properties that nobody knows."""
    data = made.write(tmp_path / "a.ply", ROWS, kind).read_bytes()
    head, body = data.split(b"end_header\n")
    two = b"1.5 7\n-2.5 8\n" if kind == "ascii" else bytes(range(10))
    before = b"element before 2\nproperty float odd\nproperty uchar number\nelement vertex"
    after = b"element after 1\nproperty float odd\nproperty uchar number\nend_header\n"
    whole = head.replace(b"element vertex", before) + after + two + body + two[: len(two) // 2]
    (tmp_path / "c.ply").write_bytes(whole.replace(b"property float nx", b"property float strange"))
    file = SplatFile.read(str(tmp_path / "c.ply"))
    assert file.painted(file.splats.colour, tints=True)[: len(head)] == file.data[: len(head)]
    again = SplatFile(file.name, file.painted(file.splats.colour * 0), file.splats, False)
    (tmp_path / "d.ply").write_bytes(again.data)
    assert not SplatFile.read(str(tmp_path / "d.ply")).splats.colour.round(5).any()
    back = again.painted(file.splats.colour)
    assert back.endswith(two[: len(two) // 2])
    assert two in back


def changed(column: str, value: float) -> NDArray[np.float32]:
    rows = ROWS.copy()
    rows[4, made.NAMES.index(column)] = value
    return rows


def without(*names: str) -> Callable[[Path], Path]:
    kept = tuple(name for name in made.NAMES if not name.startswith(names))
    columns = [made.NAMES.index(name) for name in kept]
    return lambda path: made.write(path, ROWS[:, columns], names=kept)


def mesh(path: Path) -> Path:
    trimesh.creation.box().export(path)
    return path


def bytes_of(change: Callable[[bytes], bytes]) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(change(made.write(path, ROWS).read_bytes()))
        return path

    return write


BAD: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a mesh": (mesh, "has no splats: its points have no f_dc_0"),
    "lists": (bytes_of(lambda data: data.replace(b"float nx", b"list uchar float nx")), "can't be read"),
    "no colours": (without("f_dc"), "has no splats: its points have no f_dc_0, f_dc_1, f_dc_2"),
    "no sizes": (without("scale"), "the splats in 'a.ply' have no scale_0, scale_1, scale_2"),
    "whole numbers": (
        bytes_of(lambda data: data.replace(b"float opacity", b"int opacity")),
        "opacity of the splats in 'a.ply' are whole numbers",
    ),
    "packed": (
        lambda path: made.write(path, ROWS[:, :1], names=("packed_position",)),
        "the splats in 'a.ply' are compressed",
    ),
    "none": (lambda path: made.write(path, ROWS[:0]), "'a.ply' has no splats in it: it lists 0"),
    "cut off": (bytes_of(lambda data: data[:-9]), "ends in the middle of 'vertex'"),
    "too long": (bytes_of(lambda data: data + b"more"), "more than its header says"),
    "gigantic": (
        bytes_of(lambda data: data.replace(b"vertex 30", b"vertex 99999999999")),
        "promises 99,999,999,999 of 'vertex'",
    ),
    "no vertex": (bytes_of(lambda data: data.replace(b"element vertex", b"element point")), "no 'vertex'"),
    "text": (bytes_of(lambda data: b"no splats"), "doesn't begin with a PLY header"),
    "empty": (bytes_of(lambda data: b""), "is empty"),
    "no number": (lambda path: made.write(path, changed("x", np.nan)), "1 of 30 splats in 'a.ply' have"),
    "endless": (lambda path: made.write(path, changed("scale_1", np.inf)), "1 of 30 splats in 'a.ply' have"),
    "no opacity": (
        lambda path: made.write(path, changed("opacity", np.nan), "ascii"),
        "1 of 30 splats in 'a.ply' have",
    ),
    "another kind": (bytes_of(lambda data: b"PK\x03\x04" + data), "doesn't begin with a PLY header"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_splats_is_refused_in_a_line(tmp_path: Path, name: str) -> None:
    write, said = BAD[name]
    with pytest.raises(UserError) as found:
        SplatFile.read(str(write(tmp_path / "a.ply")))
    assert said in str(found.value)
    for line in (str(found.value), found.value.fix):
        assert line
        assert "\n" not in line
        assert len(line) <= LONGEST


def test_rotations_may_be_of_any_length_but_none(tmp_path: Path) -> None:
    rows = ROWS.copy()
    rows[4, -4:] = 0
    with pytest.raises(UserError, match="1 of 30 splats"):
        SplatFile.read(str(made.write(tmp_path / "a.ply", rows)))
    odd = changed("opacity", np.inf)  # opaque
    odd[3, made.NAMES.index("scale_0")] = -np.float32(1e30)
    splats = SplatFile.read(str(made.write(tmp_path / "a.ply", odd))).splats
    assert splats.opacity[4] == 1
    assert np.isfinite(splats.covariance).all()
