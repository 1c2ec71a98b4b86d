"""Whatever file comes: a whole job gives a texture without NaN, or says in one line why it can't."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from engine import protocol
from engine.bake.bake import bake
from engine.bake.fill import fill
from engine.bake.texel_graph import TexelGraph
from engine.errors import UserError
from engine.host import Host
from engine.mesh.mesh import load
from engine.options import choices
from engine.pictures import exr
from engine.protocol import Request, Result
from engine.views.cameras import even_rig
from engine.views.surface import Surface
from engine.worker import Failure, Worker
from tests.engine import brute
from tests.engine.test_any_mesh import soups

Make = Callable[..., Request]
Floats = NDArray[np.float64]
BOX = brute.box((-0.5, -0.4, -0.45), (0.5, 0.4, 0.45))
ODD = (np.nan, np.inf, -np.inf, 1e30, -3e38, 1e-40)
FEW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SOME = settings(FEW, max_examples=20)


@pytest.fixture
def quick(request_for: Make) -> Make:
    """The least that a job can do; texture.exr, since an 8-bit file can't show a NaN."""

    def make(**fields: object) -> Request:
        return request_for(
            **{"steps": 1, "views": "1", "texture_size": 64, "texture_depth": "float", **fields}
        )

    return make


def check(outcome: Result | Failure | None) -> None:
    """A texture of numbers, or one clear line; never a bug."""
    assert outcome is not None
    if isinstance(outcome, Failure):
        assert outcome.code == protocol.EXIT_BAD_INPUT, outcome
        for line in (outcome.error, outcome.fix):
            assert line
            assert "\n" not in line
        return
    with_nan = exr.OpenEXR.File(outcome.texture).channels()["RGB"].pixels
    assert np.isfinite(with_nan).all()
    assert with_nan.min() >= 0
    assert with_nan.max() <= 1
    json.loads(Path(outcome.report).read_text("utf-8"), parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise AssertionError(f"{name} in the report")


@st.composite
def files(draw: st.DrawFn) -> tuple[Floats, NDArray[np.int64], Floats | None]:
    """vertices, faces and UVs as a careless program writes them."""
    vertices, faces = draw(soups())
    vertices, faces = vertices.astype(np.float64), faces.astype(np.int64)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    for _ in range(draw(st.integers(0, 2))):
        vertices[rng.integers(len(vertices)), rng.integers(3)] = draw(st.sampled_from(ODD))
    if draw(st.integers(0, 5)) == 0:
        faces[rng.integers(len(faces)), rng.integers(3)] = draw(st.sampled_from([-1, len(vertices), 10**6]))
    return vertices, faces, draw(uvs(len(faces)))


@st.composite
def uvs(draw: st.DrawFn, count: int) -> Floats | None:
    """(count, 3, 2), None without: charts of their own, moved, piled up, all in one place, or no numbers."""
    kind = draw(st.sampled_from(["none", "charts", "moved", "piled", "zero", "odd"]))
    found = brute.own_charts(count).astype(np.float64)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if kind == "none":
        return None
    if kind == "moved":
        return found * draw(st.sampled_from([1, 3, 1e4])) + draw(st.sampled_from([-0.5, 7, -1e6]))
    if kind == "piled":
        return rng.random(found.shape)
    if kind == "zero":
        return found * 0
    if kind == "odd":
        found[rng.integers(count), rng.integers(3)] = draw(st.sampled_from(ODD))
    return found


def as_npz(path: Path, vertices: Floats, faces: NDArray[np.int64], charts: Floats | None) -> Path:
    more = {} if charts is None else {"uvs": charts.astype(np.float32)}
    with np.errstate(over="ignore"):
        np.savez(path, vertices=vertices.astype(np.float32), faces=faces.astype(np.int32), **more)
    return path


def as_obj(path: Path, vertices: Floats, faces: NDArray[np.int64], charts: Floats | None) -> Path:
    lines = [f"v {x} {y} {z}" for x, y, z in vertices]
    if charts is not None:
        lines += [f"vt {u} {v}" for u, v in charts.reshape(-1, 2)]
    for number, face in enumerate(faces):
        names = [
            str(i + 1) if charts is None else f"{i + 1}/{3 * number + k + 1}" for k, i in enumerate(face)
        ]
        lines.append("f " + " ".join(names))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


WRITERS = {"mesh.npz": as_npz, "mesh.obj": as_obj}
NO_FACES = (BOX.vertices.astype(np.float64), np.zeros((0, 3), np.int64), None)
NO_VERTICES = (np.zeros((0, 3)), np.zeros((0, 3), np.int64), None)
HUGE = (BOX.vertices.astype(np.float64) * 1e38, BOX.faces.astype(np.int64), None)
TINY = (BOX.vertices.astype(np.float64) * 1e-38, BOX.faces.astype(np.int64), None)


@FEW
@given(
    given_=files(), name=st.sampled_from(sorted(WRITERS)), unwrap=st.sampled_from(["auto", "always", "never"])
)
@example(given_=NO_FACES, name="mesh.npz", unwrap="auto")
@example(given_=NO_FACES, name="mesh.obj", unwrap="auto")
@example(given_=NO_VERTICES, name="mesh.npz", unwrap="auto")
@example(given_=HUGE, name="mesh.npz", unwrap="auto")
@example(given_=TINY, name="mesh.npz", unwrap="auto")
@example(given_=HUGE, name="mesh.obj", unwrap="always")
def test_whole_jobs(
    given_: tuple[Floats, NDArray[np.int64], Floats | None],
    name: str,
    unwrap: str,
    worker: Worker,
    quick: Make,
    tmp_path: Path,
) -> None:
    path = WRITERS[name](tmp_path / name, *given_)
    check(worker.run(quick(mesh=str(path), unwrap=unwrap), Host()))


CHARTS = brute.own_charts(len(BOX.faces)).astype(np.float64)
UVS = {
    "beyond 0..1": CHARTS * 3 - 1,
    "far off": CHARTS + 1e6,
    "all zero": CHARTS * 0,
    "one point each": np.repeat(CHARTS[:, :1], 3, axis=1),
    "no numbers": CHARTS * np.nan,
    "some no numbers": np.where(CHARTS > 0.8, np.nan, CHARTS),
    "infinite": np.where(CHARTS > 0.8, np.inf, CHARTS),
    "on a line": CHARTS * [1, 0],
    "turned over": CHARTS[:, ::-1],
    "all in one place": np.repeat(CHARTS[:1], len(CHARTS), axis=0),
}


@pytest.mark.parametrize(
    ("name", "unwrap"),
    [*((name, "never") for name in UVS), ("some no numbers", "auto"), ("on a line", "auto")],
)
def test_strange_uvs(name: str, unwrap: str, worker: Worker, quick: Make, tmp_path: Path) -> None:
    path = as_npz(tmp_path / "box.npz", BOX.vertices.astype(np.float64), BOX.faces, UVS[name])
    outcome = worker.run(quick(mesh=str(path), unwrap=unwrap), Host())
    check(outcome)
    assert isinstance(outcome, Result) or unwrap == "never"  # a box can always be unwrapped


@SOME
@given(soup=soups(), charts=st.data(), how=st.sampled_from(list(choices.FILLS)))
def test_textures_of_any_uvs_are_whole(
    soup: tuple[np.ndarray, np.ndarray], charts: st.DataObject, how: str, tmp_path: Path
) -> None:
    """Piled up, flat or beside the texture, as ``--unwrap never`` may let them through."""
    try:
        mesh = load(as_npz(tmp_path / "mesh.npz", *soup, None))
    except UserError:
        return
    found = charts.draw(uvs(len(mesh.faces)).filter(lambda given_: given_ is not None))
    flat = np.clip(np.nan_to_num(found), -2, 2).astype(np.float32)
    surface = Surface.build(mesh.vertices, mesh.faces, flat)
    graph = TexelGraph.build(surface, 32)
    pictures = np.random.default_rng(0).random((3, 24, 24, 3)).astype(np.float32)
    baked = bake(surface, graph.texels, surface.seen_by(even_rig(3), 24), pictures)
    image = fill(how, graph, baked)
    assert np.isfinite(image).all()
    assert image.min() >= 0
    assert image.max() <= 1 + 1e-6
