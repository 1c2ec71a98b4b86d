"""f and g of a mesh: against loops over texels and views, and against what any f and g must do."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from torch import Tensor

from engine.mesh.islands import island_of_face
from engine.sync.methods import AGGREGATES
from engine.sync.operators import MeshMaps, mesh_maps
from engine.sync.spaces import EarlierViews, LinearSpace
from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.raster import EmbreeRaster, interpolate
from engine.views.visibility import edge_trust
from tests.engine import brute

BOX = brute.box((-0.5, -0.4, -0.45), (0.5, 0.4, 0.45))
TORUS = brute.torus(rings=12, around=18)
PAIR = brute.join(
    brute.box((-0.6, -0.5, -0.1), (0.1, 0.5, 0.1)), brute.box((-0.1, -0.3, 0.3), (0.5, 0.3, 0.4))
)
CAMERAS = [Camera(13, 7), Camera(101, -20), Camera(222, 35), Camera(310, 61)]


def raster_of(made: brute.Made) -> EmbreeRaster:
    return EmbreeRaster(made.vertices, made.faces)


def maps_of(
    made: brute.Made, cameras: list[Camera], resolution: int, size: int, exponent: float = 1
) -> MeshMaps:
    return mesh_maps(raster_of(made), cameras, made.faces, made.uvs, resolution, size, exponent)


def space_of(maps: MeshMaps) -> LinearSpace:
    return LinearSpace.build(maps.pixel, maps.element, maps.average)


class Judge:
    """g by loops: scatter, Voronoi inside the chart, visibility x cosine^e, normalise, fill.

    Pixels come from the rasteriser and their trust from edge_trust, which have judges of their own.
    """

    def __init__(
        self, made: brute.Made, cameras: list[Camera], resolution: int, size: int, exponent: float
    ) -> None:
        raster = raster_of(made)
        charts = island_of_face(made.faces, made.uvs)
        self.texel_of_pixel: dict[int, int] = {}  # pixel of all views -> flat texel
        self.trust: dict[int, float] = {}
        self.hits: list[dict[int, list[int]]] = []  # for each view: texel -> the pixels that hit it
        self.chart: dict[int, int] = {}
        spot: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
        for i, camera in enumerate(cameras):
            view, hits = raster.rasterise(camera, resolution), {}
            points = interpolate(raster.corners, view.face, view.bary).astype(np.float64)
            uv = interpolate(made.uvs, view.face, view.bary).astype(np.float64)
            for n, trust in enumerate(edge_trust(camera, view, resolution)):
                texel = int((1 - uv[n, 1]) * size) * size + int(uv[n, 0] * size)
                pixel = i * resolution**2 + int(view.pixel[n])
                self.texel_of_pixel[pixel], self.trust[pixel] = texel, float(trust)
                hits.setdefault(texel, []).append(pixel)
                spot.setdefault(texel, (points[n], raster.normals[view.face[n]].astype(np.float64)))
                self.chart.setdefault(texel, int(charts[view.face[n]]))
            self.hits.append(hits)
        self.texels, self.size = sorted(spot), size
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

    def row(self, k: int, ours: dict[int, float]) -> dict[int, float]:
        """Texel k's weights of pixels; where seeds tie, the choice that ``ours`` made."""
        texel, total = self.texels[k], {}
        for i, hits in enumerate(self.hits):
            own = [t for t in hits if self.chart[t] == self.chart[texel]]
            if self.weight[i][k] > 0 and own:
                tied = self.nearest(texel, own)
                chosen = next((t for t in tied if hits[t][0] in ours), tied[0])
                for pixel in hits[chosen]:
                    share = self.weight[i][k] / len(hits[chosen]) * self.trust[pixel]
                    total[pixel] = total.get(pixel, 0) + share
        return {pixel: value / sum(total.values()) for pixel, value in total.items()}


def row_of(maps: MeshMaps, k: int) -> dict[int, float]:
    row = maps.average[k].tocoo()
    return dict(zip(row.col.tolist(), row.data.tolist(), strict=True))


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


@cache
def paper_maps(name: str) -> MeshMaps:
    made = {"sphere": brute.sphere(48, 96), "torus": brute.torus(), "pair": PAIR}[name]
    return maps_of(made, paper_rig(), 48, 384)


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


@pytest.mark.parametrize("exponent", [0.0, 0.4, 2.0, 6.0])
def test_weights_changed_afterwards_are_those_built_in(exponent: float) -> None:
    maps = mesh_maps(raster_of(PAIR), CAMERAS, PAIR.faces, PAIR.uvs, 24, 96, cosines=True)
    space = LinearSpace.build(maps.pixel, maps.element, maps.average, cosine=maps.cosine)
    changed = space.weighted(exponent)
    built = maps_of(PAIR, CAMERAS, 24, 96, exponent)
    np.testing.assert_array_equal(built.seen, maps.seen)
    ours, theirs = changed.average.to_dense()[maps.seen], built.average.toarray()[maps.seen]
    np.testing.assert_allclose(ours, theirs, atol=2e-3)
    np.testing.assert_allclose(ours.sum(dim=1), 1, atol=1e-5)
    torch.testing.assert_close(changed.folded.to_dense(), changed.average.to_dense()[maps.element])
    torch.testing.assert_close(space.weighted(1.0).average.to_dense(), space.average.to_dense())


def test_weights_can_be_changed_on_filled_texels_too(monkeypatch: pytest.MonkeyPatch) -> None:
    made = brute.lathe([0.0, *([0.3, 0.7] * 6), 0.0], list(np.linspace(-0.6, 0.6, 14)), 40)
    monkeypatch.setattr("engine.views.raster.OFFSET", 0.05)
    maps = mesh_maps(raster_of(made), paper_rig(), made.faces, made.uvs, 40, 256, cosines=True)
    assert not maps.seen.all()
    space = LinearSpace.build(maps.pixel, maps.element, maps.average, cosine=maps.cosine)
    w = torch.full((10, 1, 40, 40), 0.7)
    torch.testing.assert_close(space.weighted(6.0).roundtrip(w), w)


@pytest.mark.parametrize("name", ["sphere", "torus", "pair"])
def test_the_best_view_alone(name: str) -> None:
    """By its exponent: weights still sum to one, and nearly all of them are the view's that faces the texel,
    or of those that do so equally well."""
    made = {"sphere": brute.sphere(24, 48), "torus": brute.torus(), "pair": PAIR}[name]
    mean = mesh_maps(raster_of(made), CAMERAS, made.faces, made.uvs, 32, 128, cosines=True)
    best = maps_of(made, CAMERAS, 32, 128, AGGREGATES["best"])
    np.testing.assert_allclose(best.average.sum(axis=1), 1, atol=1e-9)
    assert best.average.data.min() >= 0
    w = torch.full((4, 3, 32, 32), 0.7)
    torch.testing.assert_close(space_of(best).roundtrip(w), w)
    cosine = csr_matrix((mean.cosine, mean.average.indices, mean.average.indptr), mean.average.shape)
    trusted = mean.average.data > 1e-6
    for k in np.flatnonzero(mean.seen)[::7]:
        own = slice(*mean.average.indptr[k : k + 2])
        if not trusted[own].any():
            continue
        good = cosine[k].data[trusted[own]].max()
        far = best.average[k].tocoo()
        weight = sum(v for p, v in zip(far.col, far.data, strict=True) if cosine[k, p] < 0.75 * good)
        assert weight < 0.01


def test_earlier_views_show_what_they_painted() -> None:
    """By a loop over pixels: the average of the views before, renormalised; its own where they show none."""
    maps, order = maps_of(PAIR, CAMERAS, 18, 96), [2, 0, 3, 1]
    h = EarlierViews.build(maps.pixel, maps.element, maps.average, maps.seen, order)
    w = torch.rand(4, 2, 18, 18, generator=torch.Generator().manual_seed(0))
    pixels = w.permute(0, 2, 3, 1).reshape(-1, 2).numpy()
    expected = pixels.astype(np.float64)
    for pixel, element in zip(maps.pixel, maps.element, strict=True):
        before = order[: order.index(pixel // 18**2)]
        row = {p: v for p, v in row_of(maps, element).items() if p // 18**2 in before}
        if row and maps.seen[element]:
            expected[pixel] = sum(v * pixels[p].astype(float) for p, v in row.items()) / sum(row.values())
    np.testing.assert_allclose(h(w).permute(0, 2, 3, 1).reshape(-1, 2), expected, atol=1e-5)
    assert torch.equal(h(w)[2], w[2])
    assert len(h.pixel) > 20


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


def pictures(made: brute.Made, cameras: list[Camera], resolution: int) -> Tensor:
    """(N, 3, R, R) of a smooth colour in space: what all views see of one texture."""
    raster, result = raster_of(made), np.zeros((len(cameras), resolution**2, 3), np.float32)
    for i, camera in enumerate(cameras):
        view = raster.rasterise(camera, resolution)
        points = interpolate(raster.corners, view.face, view.bary)
        result[i, view.pixel] = 0.5 + 0.4 * np.sin(2 * points + [0, 1, 2])
    return torch.from_numpy(result.reshape(len(cameras), resolution, resolution, 3)).permute(0, 3, 1, 2)


def psnr(a: Tensor, b: Tensor) -> float:
    return float(-10 * torch.log10(((a - b) ** 2).mean()))


@pytest.mark.parametrize("name", ["sphere", "torus"])
def test_smooth_texture_survives_the_round_trip(name: str) -> None:
    made = {"sphere": brute.sphere(48, 96), "torus": brute.torus()}[name]
    maps = maps_of(made, paper_rig(), 96, 768)
    w = pictures(made, paper_rig(), 96)
    after = space_of(maps).roundtrip(w)
    seen = torch.from_numpy(maps.pixel)
    shown = w.permute(0, 2, 3, 1).reshape(-1, 3)[seen], after.permute(0, 2, 3, 1).reshape(-1, 3)[seen]
    assert psnr(*shown) > 35


@pytest.mark.parametrize("name", ["sphere", "torus", "pair"])
def test_views_that_disagree_are_made_to_agree(name: str) -> None:
    """Ten views in ten greys: afterwards pixels of one texel are equal, and between the extremes."""
    maps = paper_maps(name)
    w = torch.linspace(0, 1, 10)[:, None, None, None].expand(10, 1, 48, 48).contiguous()
    values = space_of(maps).roundtrip(w).reshape(-1)[torch.from_numpy(maps.pixel)].numpy()
    order = np.argsort(maps.element, kind="stable")
    same_texel = np.diff(maps.element[order]) == 0
    assert not np.any(np.diff(values[order])[same_texel])
    assert values.min() >= -1e-6
    assert values.max() <= 1 + 1e-6
    assert 0.1 < np.median(values) < 0.9


def test_texels_never_mix_across_charts() -> None:
    """Each chart in a colour of its own: every texel reads that colour only, however small the charts."""
    for size in (64, 256):
        maps = maps_of(PAIR, even_rig(8), 32, size)
        raster, charts = raster_of(PAIR), island_of_face(PAIR.faces, PAIR.uvs)
        w = np.zeros(8 * 32**2, np.float32)
        for i, camera in enumerate(even_rig(8)):
            view = raster.rasterise(camera, 32)
            w[i * 32**2 + view.pixel] = charts[view.face] + 1
        source = np.repeat(
            w[maps.pixel[np.unique(maps.element, return_index=True)[1]]], np.diff(maps.average.indptr)
        )
        np.testing.assert_array_equal(w[maps.average.indices], source)


def test_hidden_surfaces_are_not_painted_from_the_front() -> None:
    """A wall behind a block: what the front camera sees of the block must not colour the wall behind it."""
    wall, block = (
        brute.box((-0.7, -0.7, -0.2), (0.7, 0.7, -0.1)),
        brute.box((-0.3, -0.3, 0.3), (0.3, 0.3, 0.4)),
    )
    made = brute.join(wall, block)
    front, side = Camera(0, 0), Camera(50, 0)
    maps = maps_of(made, [front, side], 48, 512)
    raster = raster_of(made)
    view = raster.rasterise(side, 48)
    points = interpolate(raster.corners, view.face, view.bary)
    hidden = (np.abs(points[:, :2]) < 0.25).all(axis=1) & (np.abs(points[:, 2] + 0.1) < 1e-3)
    assert hidden.sum() > 5
    element = dict(zip(maps.pixel.tolist(), maps.element.tolist(), strict=True))
    for pixel in view.pixel[hidden]:
        row = row_of(maps, element[48**2 + int(pixel)])
        assert all(source >= 48**2 for source in row)


def test_silhouette_pixels_give_way_to_other_views() -> None:
    """Background that bled into one view's rim is gone after the round trip, where others see the surface."""
    made, cameras = brute.sphere(48, 96), even_rig(20)
    maps = maps_of(made, cameras, 48, 384)
    raster = raster_of(made)
    w, rims = np.zeros((20, 48**2), np.float32), []
    for i, camera in enumerate(cameras):
        view = raster.rasterise(camera, 48)
        rim = edge_trust(camera, view, 48) < 1
        w[i, view.pixel[rim]] = 1
        rims.append(rim.mean())
    assert min(rims) > 0.03
    after = space_of(maps).roundtrip(torch.from_numpy(w.reshape(20, 1, 48, 48))).reshape(-1)
    assert float(after[torch.from_numpy(maps.pixel)].max()) < 0.05


def test_weights_favour_the_view_that_looks_straight() -> None:
    plate = brute.box((-0.6, -0.6, -0.05), (0.6, 0.6, 0.05))
    straight, slanted = Camera(0, 0), Camera(60, 0)
    for exponent in (1, 6):
        maps = maps_of(plate, [straight, slanted], 32, 128, exponent)
        # The front's middle: cosines 1 and about 1/2.
        k = dict(zip(maps.pixel.tolist(), maps.element.tolist(), strict=True))[16 * 32 + 16]
        row = row_of(maps, k)
        share = sum(value for pixel, value in row.items() if pixel >= 32**2)
        assert share == pytest.approx(0.5**exponent / (1 + 0.5**exponent), rel=0.15)


def test_views_that_see_nothing_or_see_a_sheet_edge_on() -> None:
    sheet = np.array([[0, -0.5, -0.5], [0, 0.5, -0.5], [0, 0.5, 0.5], [0, -0.5, 0.5]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    uvs = (sheet[faces][..., 1:] * 0.9 + 0.5).astype(np.float32)
    made = brute.Made(sheet, faces, uvs)
    maps = maps_of(made, [Camera(0, 0), Camera(90, 0), Camera(180, 0)], 24, 64)  # the first and last edge-on
    np.testing.assert_allclose(maps.average.sum(axis=1), 1)
    away = brute.box((0.5, 0.5, 0.5), (0.57, 0.57, 0.57))
    maps = maps_of(away, [Camera(0, 0, 2, 5), Camera(0, 0)], 24, 64)
    np.testing.assert_allclose(maps.average.sum(axis=1), 1)
    nothing = maps_of(away, [Camera(0, 0, 2, 5)], 24, 64)
    space = space_of(nothing)
    w = torch.rand(1, 3, 24, 24, generator=torch.Generator().manual_seed(0))
    assert torch.equal(space.roundtrip(w), w)
    assert torch.equal(space.project(space.unproject(w), w), w)


def test_same_input_same_bytes() -> None:
    one, two = maps_of(TORUS, CAMERAS, 20, 128), maps_of(TORUS, CAMERAS, 20, 128)
    assert one.average.data.tobytes() == two.average.data.tobytes()
    assert one.average.indices.tobytes() == two.average.indices.tobytes()
    assert one.element.tobytes() == two.element.tobytes()
