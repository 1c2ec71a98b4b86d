"""Plain files give the arrays that trimesh gives, number for number: textures depend on their order."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import trimesh
from numpy.typing import NDArray

from engine.mesh import read
from tests.engine.mesh.corpus import compare, obj_files, solids
from tests.engine.mesh.corpus.solids import Case, Polygon, Random

Doubles = NDArray[np.float64]


def trimeshs(path: Path) -> tuple[Doubles, NDArray[np.int64], Doubles | None]:
    """vertices, faces and UVs (F, 3, 2) of all geometries behind one another."""
    options = {"process": False, "file_type": path.suffix[1:], "skip_materials": True}
    scene = trimesh.load_scene(io.BytesIO(path.read_bytes()), **options)
    vertices, faces, uvs, end = [], [], [], 0
    for node in scene.graph.nodes_geometry:
        one = scene.geometry[scene.graph[node][1]]
        vertices.append(np.asarray(one.vertices))
        faces.append(np.asarray(one.faces) + end)
        end += len(one.vertices)
        uv = getattr(one.visual, "uv", None)
        uvs.append(np.zeros((len(one.faces), 3, 2)) if uv is None else np.asarray(uv)[one.faces])
    return (
        np.concatenate(vertices),
        np.concatenate(faces),
        np.concatenate(uvs) if any(u.any() for u in uvs) else None,
    )


def require_same(path: Path) -> None:
    vertices, faces, uvs = trimeshs(path)
    raw = read.read(path)
    np.testing.assert_array_equal(raw.faces, faces)
    np.testing.assert_array_equal(raw.vertices.astype(np.float32), vertices.astype(np.float32))
    if uvs is None:
        assert raw.uvs is None
    else:
        assert raw.uvs is not None
        np.testing.assert_array_equal(raw.uvs.astype(np.float32), uvs.astype(np.float32))


def convex(rng: Random, triangles: bool = False) -> list[Polygon]:
    """Polygons that fans are right for: triangles, quads or both, or prisms' caps."""
    kind = int(rng.integers(3))
    if kind == 0:
        found = solids.ball(rng, int(rng.integers(3, 12)), int(rng.integers(4, 20)))
    else:
        found = solids.prism(rng, solids.star(rng, int(rng.integers(3, 9)), dented=False))
    return [piece for one in found for piece in (solids._fan(one) if triangles or kind == 2 else [one])]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files as trimesh reads them right."""
    monkeypatch.setattr(solids, "any_solid", convex)
    whole = obj_files._Writer.__init__

    def made(self: obj_files._Writer, rng: Random) -> None:
        whole(self, rng)
        self.relative = self.comments = self.continued = False
        self.indent, self.blank, self.number = "", " ", "%.6f"

    monkeypatch.setattr(obj_files._Writer, "__init__", made)


def cases(kind: str, count: int) -> list[Case]:
    """Without a mark and without faces that lack UVs among others."""
    found = [compare.made(kind, seed) for seed in range(count)]
    return [
        case
        for case in found
        if not case.files[case.name].startswith(obj_files.MARK)
        and len({one.uvs is None for one in case.shown}) == 1
        and b"tristrips" not in case.files[case.name][:400]
    ]


@pytest.mark.usefixtures("plain")
@pytest.mark.parametrize(("kind", "count", "least"), [("obj", 40, 20), ("ply", 60, 20), ("stl", 20, 10)])
def test_plain_files(kind: str, count: int, least: int, tmp_path: Path) -> None:
    same = 0
    for number, case in enumerate(cases(kind, count)):
        path = compare.written(case, tmp_path / str(number))
        if (
            kind == "stl"
            and path.read_bytes()[:80].count(b"\n")
            and path.read_bytes().lower().count(b"endsolid") > 1
        ):
            continue  # trimesh welds where there are several solids, and only there
        try:
            trimeshs(path)
        except ValueError:
            continue  # binary PLY with polygons of several sizes
        require_same(path)
        same += 1
    assert same >= least


def test_more_vertices_than_a_packed_key_holds(tmp_path: Path) -> None:
    """Past a million, trimesh sorts by other keys."""
    rng = np.random.default_rng(0)
    names = rng.integers(1_040_000, 1_050_000, (3000, 3))
    lines = ["v 0 0 0\n" * 1_040_000]
    lines += [f"v {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in rng.random((10_001, 3))]
    lines += ["vt 0.5 0.5\n" * 1_050_001, "vn 0 0 1\n" * 3]
    lines += [
        "f "
        + " ".join(f"{a + 1}/{b + 1}/{c}" for a, b, c in zip(row, row[::-1], (1, 2, 3), strict=True))
        + "\n"
        for row in names
    ]
    path = tmp_path / "large.obj"
    path.write_text("".join(lines), encoding="utf-8")
    require_same(path)
