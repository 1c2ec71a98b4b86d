"""f and g of a mesh: against loops over texels and views, and against what any f and g must do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from engine.mesh.islands import island_of_face
from engine.views.cameras import Camera, paper_rig
from engine.views.raster import interpolate
from engine.views.visibility import edge_trust
from tests.engine import brute
from tests.engine.canvas.maps import (
    BOX,
    CAMERAS,
    PAIR,
    TORUS,
    maps_of,
    paper_maps,
    row_of,
    space_of,
)
from tests.engine.shapes import surface_of


class Judge:
    """g by loops: scatter, the nearest pixel of the chart in reach, visibility x cosine^e, normalise, fill.

    Pixels come from the rasteriser and their trust from edge_trust, which have judges of their own.
    """

    def __init__(
        self, made: brute.Made, cameras: list[Camera], resolution: int, size: int, exponent: float
    ) -> None:
        surface = surface_of(made)
        raster = surface.raster
        charts = island_of_face(made.faces, made.uvs)
        self.texel_of_pixel: dict[int, int] = {}  # pixel of all views -> flat texel
        self.trust: dict[int, float] = {}
        self.hits: list[dict[int, list[int]]] = []  # for each view: texel -> the pixels that hit it
        self.chart: dict[int, int] = {}
        self.place: dict[int, NDArray[np.float64]] = {}  # of each pixel, on the surface
        spot: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        for i, camera in enumerate(cameras):
            seen, hits = surface.seen(camera, resolution), {}
            view = seen.fragments
            points = interpolate(raster.corners, view.face, view.bary).astype(np.float64)
            uv = interpolate(made.uvs, view.face, view.bary).astype(np.float64)
            for n, trust in enumerate(edge_trust(seen)):
                texel = int((1 - uv[n, 1]) * size) * size + int(uv[n, 0] * size)
                pixel = i * resolution**2 + int(view.pixel[n])
                self.texel_of_pixel[pixel], self.trust[pixel] = texel, float(trust)
                hits.setdefault(texel, []).append(pixel)
                self.place[pixel] = points[n]
                spot.setdefault(texel, (points[n], raster.normals[view.face[n]].astype(np.float64)))
                self.chart.setdefault(texel, int(charts[view.face[n]]))
            self.hits.append(hits)
        self.texels, self.size, self.spot = sorted(spot), size, spot
        self.side = [self._sides(camera, resolution) for camera in cameras]
        self.weight = [self._weights(made, camera, spot, exponent) for camera in cameras]

    def _weights(self, made: brute.Made, camera: Camera, spot: dict, exponent: float) -> NDArray[np.float64]:
        point = np.array([spot[t][0] for t in self.texels])
        normal = np.array([spot[t][1] for t in self.texels])
        to = camera.position - point
        distance = np.linalg.norm(to, axis=1)
        facing = (normal * to).sum(1) / distance
        start = point + 1e-4 * np.sign(facing)[:, None] * normal
        _, nearest, _ = brute.cast(made.vertices[made.faces].astype(float), start, to / distance[:, None])
        return np.where(nearest > distance, np.abs(facing) ** exponent, 0)

    def distance(self, a: int, b: int) -> float:
        (ra, ca), (rb, cb) = divmod(a, self.size), divmod(b, self.size)
        return (ra - rb) ** 2 + (ca - cb) ** 2

    def nearest(self, texel: int, among: list[int]) -> list[int]:
        """All texels of ``among`` that are nearest: ties are anybody's choice."""
        distances = [self.distance(texel, other) for other in among]
        return [o for o, d in zip(among, distances, strict=True) if d == min(distances)]

    def _sides(self, camera: Camera, resolution: int) -> dict[int, float]:
        """Of a pixel of the view, as far off as each texel is."""
        towards = -camera.position / np.linalg.norm(camera.position)
        one = 2 * np.tan(np.pi / 6) / resolution
        return {t: one * float((self.spot[t][0] - camera.position) @ towards) for t in self.texels}

    def row(self, k: int, ours: dict[int, float]) -> dict[int, float]:
        """Texel k's weights of pixels; where pixels are equally near, the choice that ``ours`` made."""
        texel, total, beyond = self.texels[k], {}, {}
        for i, hits in enumerate(self.hits):
            own = [p for t in hits if self.chart[t] == self.chart[texel] for p in hits[t]]
            if not self.weight[i][k] > 0 or not own:
                continue
            far = {p: float(np.linalg.norm(self.place[p] - self.spot[texel][0])) for p in own}
            least = min(far.values())
            nearest = [p for p in own if far[p] < least + 1e-6]
            chosen = hits.get(texel) or [next((p for p in nearest if p in ours), nearest[0])]
            if texel not in hits and least > 1.5 * self.side[i][texel]:
                beyond[least] = chosen[0]
                continue
            for pixel in chosen:
                share = self.weight[i][k] / len(chosen) * self.trust[pixel]
                total[pixel] = total.get(pixel, 0) + share
        if not total and beyond:
            return {beyond[min(beyond)]: 1.0}
        return {pixel: value / sum(total.values()) for pixel, value in total.items()}


def same(a: dict[int, float], b: dict[int, float]) -> bool:
    return all(abs(a.get(p, 0) - b.get(p, 0)) < 1e-3 for p in {*a, *b})


@pytest.mark.parametrize(
    ("made", "resolution", "size", "exponent"),
    [(BOX, 18, 64, 1), (BOX, 18, 24, 6), (TORUS, 20, 256, 1), (PAIR, 18, 96, 1), (TORUS, 16, 20, 2)],
    ids=["box", "box-coarse", "torus", "pair", "torus-coarse"],
)
def test_maps_are_those_of_loops(made: brute.Made, resolution: int, size: int, exponent: float) -> None:
    maps = maps_of(made, CAMERAS, resolution, size, exponent)
    judge = Judge(made, CAMERAS, resolution, size, exponent)
    assert maps.texel.tolist() == judge.texels
    assert (
        dict(zip(maps.pixel.tolist(), maps.texel[maps.element].tolist(), strict=True)) == judge.texel_of_pixel
    )
    wrong, empty, judged = 0, [], {}
    for k in range(len(maps.texel)):
        ours = row_of(maps, k)
        judged[k] = judge.row(k, ours)
        if judged[k]:
            wrong += not same(ours, judged[k])
        else:
            empty.append(k)
    assert wrong <= 0.01 * len(maps.texel)  # a ray that just touches an edge
    filled = [t for k, t in enumerate(judge.texels) if judged[k]]
    for k in empty:
        own = [t for t in filled if judge.chart[t] == judge.chart[judge.texels[k]]]
        if own:
            sources = [judge.texels.index(t) for t in judge.nearest(judge.texels[k], own)]
            assert any(same(row_of(maps, k), row_of(maps, s)) for s in sources)


@pytest.mark.parametrize("name", ["sphere", "torus", "pair"])
def test_partition_of_unity(name: str) -> None:
    maps = paper_maps(name)
    np.testing.assert_allclose(maps.average.sum(axis=1), 1, atol=1e-9)
    assert maps.average.data.min() > 0
    w = torch.full((10, 4, 48, 48), 0.7)
    torch.testing.assert_close(space_of(maps).roundtrip(w), w)


@pytest.mark.parametrize("name", ["sphere", "torus", "pair"])
def test_shapes_and_types(name: str) -> None:
    maps = paper_maps(name)
    assert maps.average.shape == (len(maps.texel), 10 * 48**2)
    assert maps.pixel.shape == maps.element.shape
    assert len(np.unique(maps.pixel)) == len(maps.pixel)
    assert len(np.unique(maps.texel)) == len(maps.texel)
    np.testing.assert_array_equal(np.unique(maps.element), np.arange(len(maps.texel)))


def test_texels_that_no_view_weighs_take_a_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rays that start far above the surface end in the other wall of a crease: none reaches its bottom."""
    made = brute.lathe([0.0, *([0.3, 0.7] * 6), 0.0], list(np.linspace(-0.6, 0.6, 14)), 40)
    monkeypatch.setattr("engine.views.raster.OFFSET", 0.05)
    maps = maps_of(made, paper_rig(), 40, 256)
    np.testing.assert_allclose(maps.average.sum(axis=1), 1, atol=1e-9)
    w = torch.full((10, 1, 40, 40), 0.7)
    torch.testing.assert_close(space_of(maps).roundtrip(w), w)


@pytest.mark.parametrize("name", ["sphere", "torus", "pair"])
def test_adjoints(name: str) -> None:
    """<f z, w> = <z, f* w> with f* a scatter, and <g w, z> = <w, g* z> with g* the transposed average: the
    adjoints as numpy has them, and as torch's own differentiation does."""
    maps = paper_maps(name)
    space, generator = space_of(maps), torch.Generator().manual_seed(0)
    w = torch.rand(10, 2, 48, 48, generator=generator, requires_grad=True)
    z = torch.rand(len(maps.texel), 2, generator=generator, requires_grad=True)
    pixels = w.detach().permute(0, 2, 3, 1).reshape(-1, 2).numpy()
    scattered = np.zeros((len(maps.texel), 2))
    np.add.at(scattered, maps.element, pixels[maps.pixel])
    f = (space.project(z, torch.zeros_like(w)) * w.detach()).sum()
    np.testing.assert_allclose(torch.autograd.grad(f, z)[0], scattered, atol=1e-4)
    np.testing.assert_allclose(float(f.detach()), (z.detach().numpy() * scattered).sum(), rtol=1e-5)
    g = (space.unproject(w) * z.detach()).sum()
    spread = (maps.average.T @ z.detach().double().numpy()).reshape(10, 48, 48, 2).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(torch.autograd.grad(g, w)[0], spread, atol=1e-5)
    np.testing.assert_allclose(float(g.detach()), (w.detach().double().numpy() * spread).sum(), rtol=1e-5)


def test_background_is_untouched() -> None:
    maps = paper_maps("torus")
    w = torch.rand(10, 4, 48, 48, generator=torch.Generator().manual_seed(0))
    after = space_of(maps).roundtrip(w)
    behind = np.ones(10 * 48**2, bool)
    behind[maps.pixel] = False
    behind = torch.from_numpy(behind.reshape(10, 1, 48, 48)).expand_as(w)
    assert behind.any()
    assert torch.equal(after[behind], w[behind])
    assert not maps.average[:, ~np.isin(np.arange(10 * 48**2), maps.pixel)].nnz  # nor read


def test_one_texel_a_pixel_is_the_identity() -> None:
    """A wall that fills the frame, its texture as fine as the picture: f and g just hand pixels over."""
    half = 2 * np.tan(np.pi / 6)
    wall = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs = (wall[faces][..., :2] / (2 * half) + 0.5).astype(np.float32)
    maps = maps_of(brute.Made(wall, faces, uvs), [Camera(0, 0)], 16, 16)
    np.testing.assert_array_equal(maps.texel, np.arange(256))  # row 0 of the texture on row 0 of the picture
    np.testing.assert_array_equal(maps.element[np.argsort(maps.pixel)], np.arange(256))
    np.testing.assert_allclose(maps.average.toarray(), np.eye(256), atol=1e-7)
    w = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(space_of(maps).roundtrip(w), w)


def test_same_input_same_bytes() -> None:
    one, two = maps_of(TORUS, CAMERAS, 20, 128), maps_of(TORUS, CAMERAS, 20, 128)
    assert one.average.data.tobytes() == two.average.data.tobytes()
    assert one.average.indices.tobytes() == two.average.indices.tobytes()
    assert one.element.tobytes() == two.element.tobytes()
