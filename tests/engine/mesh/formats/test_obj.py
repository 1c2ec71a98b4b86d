"""OBJ files written here by hand: what the grammar allows, and what is refused by its line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import Cancelled, UserError
from engine.mesh.mesh import Mesh, load
from engine.mesh.read import read
from tests.effort import seconds

SQUARE = "v 0 0 0\nv 2 0 0\nv 2 1 0\nv 0 1 0\nvt 0.1 0.2\nvt 0.9 0.2\nvt 0.9 0.7\nvt 0.1 0.7\n"


def written(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "thing.obj"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loaded(tmp_path: Path, text: str | bytes) -> Mesh:
    return load(written(tmp_path, text))


def area(mesh: Mesh) -> float:
    a, b, c = (mesh.vertices[mesh.faces[:, k]].astype(np.float64) for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def require_square(mesh: Mesh) -> None:
    assert area(mesh) == pytest.approx(2)
    assert mesh.uvs is not None
    corner = np.isclose(mesh.vertices[mesh.faces], (2, 1, 0)).all(axis=-1)
    np.testing.assert_allclose(mesh.uvs[corner], [[0.9, 0.7]] * int(corner.sum()), atol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        SQUARE + "f 1/1 2/2 3/3 4/4\n",
        SQUARE + "f -4/-4 -3/-3 -2/-2 -1/-1",
        "\ufeff" + SQUARE + "f 1/1 2/2 3/3 4/4\n",
        SQUARE.replace("v", "  v") + "\t f 1/1\t2/2  3/3 \t4/4 \n",
        SQUARE.replace("\n", " # why\n") + "f 1/1 2/2 3/3 4/4 # a face\n",
        SQUARE.replace("\n", "\r\n") + "f 1/1 2/2 3/3 4/4\r\n",
        SQUARE.replace("\n", "\r") + "f 1/1 2/2 3/3 4/4\r",
        SQUARE + "f 1/1 2/2 \\\n3/3 4/4\n",
        SQUARE + "f 1/1 2/2 3/3 \\\r\n 4/4\r\n",
        SQUARE + "f 1/1\\\n 2/2 \\\n 3/3 4/4\n",
        SQUARE + "fo 1/1 2/2 3/3 4/4\n",
        SQUARE + "vn 0 0 1\nf 1/1/1 2/2/1 3/3/1 4/4/1\n",
        SQUARE + "f 1/1/ 2/2/ 3/3/ 4/4/\n",
        SQUARE.replace("vt 0.9 0.7", "vt +9.0E-1 .7 0").replace("v 2 1 0", "v 2. 1e0 -0 1.0")
        + "f 1/1 2/2 3/3 4/4",
        SQUARE.replace("v 2 1 0", "v 2 1 0 0.5 0.5 0.5") + "f 1/1 2/2 3/3 4/4\n",
        SQUARE + "s 1\nl 1 2\np 1\nmtllib gone.mtl\nusemtl it\ng\nf 1/1 2/2 3/3 4/4\n",
        "v 0 0 0\nv 2 0 0\nvt 0.1 0.2\nvt 0.9 0.2\nf 1/1 2/2 3/3 4/4\n"
        + "v 2 1 0\nv 0 1 0\nvt 0.9 0.7\nvt 0.1 0.7",
    ],
)
def test_one_square_in_many_ways(text: str, tmp_path: Path) -> None:
    require_square(loaded(tmp_path, text))


def test_relative_numbers_count_from_where_they_stand(tmp_path: Path) -> None:
    box = "v {0} 0 0\nv {1} 0 0\nv {1} 1 0\nf -3 -2 -1\n"
    mesh = loaded(tmp_path, "".join(box.format(3 * i, 3 * i + 1) for i in range(3)))
    np.testing.assert_allclose(mesh.vertices[mesh.faces][:, 0, 0], [0, 3, 6])


@pytest.mark.parametrize("turn", range(8))
def test_a_concave_polygon_keeps_its_notch(turn: int, tmp_path: Path) -> None:
    outline = [(0, 0), (4, 0), (4, 4), (3, 4), (3, 1), (1, 1), (1, 4), (0, 4)]
    text = "".join(f"v {x} {y} 0\n" for x, y in outline)
    mesh = loaded(tmp_path, text + "f " + " ".join(str(1 + (i + turn) % 8) for i in range(8)))
    assert len(mesh.faces) == 6
    assert area(mesh) == pytest.approx(10)


def test_a_dented_quad_is_cut_the_other_way(tmp_path: Path) -> None:
    for turn in range(4):
        corners = " ".join(str(1 + (i + turn) % 4) for i in range(4))
        mesh = loaded(tmp_path, "v 0 0 0\nv 2 0 0\nv 0.5 0.5 0\nv 0 2 0\nf " + corners)
        assert area(mesh) == pytest.approx(1)


def test_a_polygon_with_a_hole(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 4 0 0\nv 4 4 0\nv 0 4 0\nv 1 1 0\nv 1 3 0\nv 3 3 0\nv 3 1 0\n"
    assert area(loaded(tmp_path, text + "f 1 2 3 4 1 5 6 7 8 5\n")) == pytest.approx(12)


def test_faces_without_uvs_among_others(tmp_path: Path) -> None:
    mesh = loaded(tmp_path, SQUARE + "f 1/1 2/2 3/3\nf 1 3 4\n")
    assert mesh.uvs is not None
    assert mesh.bare is not None
    assert mesh.bare.tolist() == [False, True]
    assert (mesh.uvs[1] == 0).all()
    np.testing.assert_allclose(mesh.uvs[0, 1], (0.9, 0.2), atol=1e-6)


def test_uvs_that_are_not_there_are_said(tmp_path: Path) -> None:
    mesh = loaded(tmp_path, SQUARE + "f 1/1 2/2 3/3\nf 1/1 3/3 4/99\n")
    assert "1 corners name UVs that the file doesn't have" in mesh.warnings[0]
    assert mesh.bare is not None
    assert mesh.bare.tolist() == [False, True]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("v 0 0 0\nv 1.#IND 0 0\nf 1 1 1\n", "line 2, 'v 1.#IND 0 0': '1.#IND' is not a number"),
        ("v 0 0 0\nv 1 0 0\n\nv -1.#QNAN 0 0\n", "line 4"),
        ("v 0 0 0\nv 1,5 0 0\n", "line 2, 'v 1,5 0 0': '1,5' is not a number"),
        ("v 0 0\n", "line 1, 'v 0 0': it has 2 numbers where 3 numbers should be"),
        ("v\n", "it has no number"),
        (SQUARE + "f 1 2 900\n", "line 9, 'f 1 2 900': it names vertex 900, and the file has 4"),
        (SQUARE + "f 0 1 2\n", "line 9, 'f 0 1 2': vertices are counted from 1"),
        (SQUARE + "f 1 2 -5\n", "it counts back to before the first vertex"),
        (SQUARE + "f 1 2 3.0\n", "line 9, 'f 1 2 3.0': it is not a list of vertices"),
        (SQUARE + "f 1 2 three\n", "it is not a list of vertices"),
        (SQUARE + "f 1/1/1/1 2 3\n", "it is not a list of vertices"),
        (SQUARE + "f 1 2 3-4\n", "it is not a list of vertices"),
        (SQUARE + "f 1 2 99999999999999999999999\n", "line 9"),
        ("# one\n\\\nv 0 0 0\nv 1 0 x\n", "line 4"),
        (SQUARE.encode("utf-16"), "UTF-16"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text: str | bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        loaded(tmp_path, text)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_curves_are_left_out_and_said(tmp_path: Path) -> None:
    mesh = loaded(tmp_path, SQUARE + "f 1/1 2/2 3/3 4/4\ncstype bezier\ncurv 0 1 1 2\nend\n")
    assert mesh.warnings == ("its free-form curves and surfaces were left out",)


def parts(tmp_path: Path, text: str, by: str) -> list[str]:
    raw = read(written(tmp_path, text), by)
    return [raw.parts[i] for i in raw.part.tolist()] if raw.part is not None else []


def test_parts_by_name(tmp_path: Path) -> None:
    faces = "f 1 2 3\n"
    text = SQUARE + f"o a b\nusemtl x\n{faces}usemtl y # z\n{faces}o c\n{faces}usemtl x\n{faces}"
    assert parts(tmp_path, text, "material") == ["y # z", "y # z", "x", "x"]
    assert parts(tmp_path, text, "object") == ["c", "c", "a b", "a b"]
    assert parts(tmp_path, text.replace("o ", "g "), "object") == ["c", "c", "a b", "a b"]
    assert parts(tmp_path, SQUARE + f"g one\no two\n{faces}g three\n{faces}", "object") == []


def test_materials_cost_no_more_than_lines(tmp_path: Path) -> None:
    """Many names about as much as three; a reader that isn't ours takes some hundred times as long."""

    def taken(names: int) -> float:
        faces = "".join(f"usemtl m{i % names}\nf 1/1 2/2 3/3\n" for i in range(30_000))
        path = written(tmp_path, SQUARE + faces)
        raw = read(path, "material")
        assert len(raw.faces) == 30_000
        assert len(raw.parts) == names
        return seconds(lambda: read(path, "material"))

    assert taken(20_000) < 10 * taken(3)


def test_a_long_file_can_be_cancelled(tmp_path: Path) -> None:
    looks = []
    path = written(tmp_path, SQUARE + "f 1 2 3\n" * 1_000_000)
    assert len(read(path, "", lambda: looks.append(1)).faces) == 1_000_000
    assert len(looks) > 5

    def cancel() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        read(path, "", cancel)
