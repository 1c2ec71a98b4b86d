"""Whatever triangles come: views, operators and a short denoising never crash and never give NaN."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.canvas.mesh_maps import MeshMaps, mesh_maps
from engine.canvas.mesh_views import take_views
from engine.denoise import ddim
from engine.errors import UserError
from engine.host import Host
from engine.mesh.mesh import Mesh, load
from engine.sync.sampler import Sync, initial_noise, sample
from engine.sync.spaces import Averaging, LinearSpace
from engine.views.cameras import Camera, even_rig
from engine.views.neighbours import nearest_first, neighbours
from engine.views.surface import Surface
from tests.engine import brute
from tests.engine.schedules import STARTER
from tests.engine.sync import toys

VIEWS, PICTURE, LATENTS, TEXTURE = 5, 24, 12, 40
METHODS = ("synctweedies", "case5", "syncmvd", "syncsde")
SOMETIMES = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def soups(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Random triangles: some degenerate, doubled, turned over, or many on one edge; tiny, huge or far off."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    vertices = rng.normal(size=(draw(st.integers(3, 30)), 3))
    if draw(st.booleans()):
        vertices[:, draw(st.integers(0, 2))] = 0.0  # flat
    if draw(st.booleans()):
        vertices = np.round(vertices)  # points that coincide
    faces = rng.integers(0, len(vertices), (draw(st.integers(1, 40)), 3))
    again = faces[rng.integers(0, len(faces), draw(st.integers(0, 10)))]
    fan = np.column_stack([np.tile(faces[0, :2], (4, 1)), rng.integers(0, len(vertices), 4)])
    faces = np.concatenate([faces, again, again[:, ::-1], fan[: draw(st.integers(0, 4))]])
    scale, offset = draw(st.sampled_from([1e-6, 1.0, 1e6])), draw(st.sampled_from([0.0, 100.0]))
    return ((vertices + offset) * scale).astype(np.float32), faces.astype(np.int32)


def from_file(folder: Path, vertices: np.ndarray, faces: np.ndarray) -> Mesh | None:
    """As the add-on hands a mesh over; None where that is refused with a reason."""
    np.savez(folder / "mesh.npz", vertices=vertices, faces=faces, uvs=brute.own_charts(len(faces)))
    try:
        return load(folder / "mesh.npz")
    except UserError:
        return None


def maps_of(surface: Surface, cameras: list[Camera]) -> MeshMaps:
    return mesh_maps(surface, surface.seen_by(cameras, LATENTS), TEXTURE, Averaging(reweighted=True))


def surface_of(mesh: Mesh) -> Surface:
    assert mesh.uvs is not None
    return Surface.build(mesh.vertices, mesh.faces, mesh.uvs)


def check_views(surface: Surface, cameras: list[Camera], control: str = "depth") -> None:
    for view in take_views(surface, cameras, PICTURE, [control], Host()):
        picture = view.controls[control]
        assert np.isfinite(picture).all()
        assert picture.min() >= 0
        assert picture.max() <= 1
        assert np.isfinite(view.fragments.bary).all()
        assert np.isfinite(view.fragments.depth).all()


def check_maps(maps: MeshMaps, space: LinearSpace) -> None:
    sums = np.asarray(maps.average.sum(axis=1)).reshape(-1)
    assert np.all((np.abs(sums - 1) < 1e-6) | (sums == 0))
    assert (maps.average.data > 0).all()
    w = torch.full((VIEWS, 2, LATENTS, LATENTS), 0.7)
    for exponent in (0.0, 1.0, 6.0):
        after = space.weighted(exponent).roundtrip(w)
        assert torch.isfinite(after).all()
        if maps.seen.all():
            torch.testing.assert_close(after, w)


@SOMETIMES
@given(soup=soups())
def test_soups(soup: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    mesh = from_file(tmp_path, *soup)
    if mesh is None:
        return
    cameras, surface = even_rig(VIEWS), surface_of(mesh)
    for control in ("depth", "position"):
        check_views(surface, cameras, control)
    maps = maps_of(surface, cameras)
    space = LinearSpace.build(maps, order=nearest_first(cameras))
    check_maps(maps, space)
    denoise(space)


def denoise(space: LinearSpace) -> None:
    schedule = ddim.schedule(STARTER, 3)
    behind = torch.zeros(VIEWS, 2, LATENTS, LATENTS)
    for method in METHODS:
        network, generator = toys.ToyNetwork(schedule, "sample"), torch.Generator().manual_seed(0)
        sync = Sync(method, space, share=1.0)
        x = initial_noise(space, behind, generator)
        for step in sample(network, schedule, sync, x, lambda i: behind, generator):
            assert torch.isfinite(step.x).all(), method
            assert torch.isfinite(step.x0).all(), method


BOX = brute.box((-0.5, -0.4, -0.45), (0.5, 0.4, 0.45))
SPECIAL = {
    "one triangle": (BOX.vertices, BOX.faces[:1]),
    "all doubled": (BOX.vertices, np.concatenate([BOX.faces, BOX.faces])),
    "inside out": (BOX.vertices, BOX.faces[:, ::-1]),
    "a line of a plate": (BOX.vertices * np.float32([1, 1, 1e-7]), BOX.faces),
    "three on one edge": (BOX.vertices, np.array([[0, 1, 2], [0, 1, 4], [0, 1, 7]])),
    "points and a triangle": (BOX.vertices, np.array([[0, 0, 0], [1, 1, 3], [0, 1, 2]])),
}


@pytest.mark.parametrize("name", SPECIAL)
def test_special_ones(name: str, tmp_path: Path) -> None:
    vertices, faces = SPECIAL[name]
    mesh = from_file(tmp_path, vertices.astype(np.float32), faces.astype(np.int32))
    assert mesh is not None
    cameras, surface = even_rig(VIEWS), surface_of(mesh)
    check_views(surface, cameras)
    maps = maps_of(surface, cameras)
    space = LinearSpace.build(maps, order=range(VIEWS))
    check_maps(maps, space)
    denoise(space)


def test_a_view_that_sees_nothing() -> None:
    """A plate seen from its edge among others."""
    plate = brute.Made(
        np.float32([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]]) / 2,
        np.int32([[0, 1, 2], [0, 2, 3]]),
        brute.own_charts(2),
    )
    mesh = Mesh(plate.vertices, plate.faces, plate.uvs)
    cameras = [replace(camera, elevation=0.0) for camera in even_rig(VIEWS)[1:4]]
    space = LinearSpace.build(maps_of(surface_of(mesh), cameras))
    w = torch.rand(3, 2, LATENTS, LATENTS)
    assert torch.isfinite(space.weighted(6.0).roundtrip(w)).all()
    assert neighbours(cameras).shape == (3, 3)
