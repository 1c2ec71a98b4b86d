"""How much each view weighs in g: by its cosine and any power of it, by edges, and from where it sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from engine.sync.methods import AGGREGATES
from engine.views.cameras import Camera, even_rig, paper_rig
from engine.views.visibility import edge_trust
from tests.engine import brute
from tests.engine.canvas.maps import CAMERAS, PAIR, maps_of, row_of, space_of
from tests.engine.shapes import surface_of


@pytest.mark.parametrize("exponent", [0.0, 0.4, 2.0, 6.0])
def test_weights_changed_afterwards_are_those_built_in(exponent: float) -> None:
    maps = maps_of(PAIR, CAMERAS, 24, 96, reweighted=True)
    space = space_of(maps)
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
    maps = maps_of(made, paper_rig(), 40, 256, reweighted=True)
    assert not maps.seen.all()
    space = space_of(maps)
    w = torch.full((10, 1, 40, 40), 0.7)
    torch.testing.assert_close(space.weighted(6.0).roundtrip(w), w)


@pytest.mark.parametrize("name", ["sphere", "torus", "pair"])
def test_the_best_view_alone(name: str) -> None:
    """By its exponent: weights still sum to one, and nearly all of them are the view's that faces the texel,
    or of those that do so equally well."""
    made = {"sphere": brute.sphere(24, 48), "torus": brute.torus(), "pair": PAIR}[name]
    mean = maps_of(made, CAMERAS, 32, 128, reweighted=True)
    best = maps_of(made, CAMERAS, 32, 128, AGGREGATES["best"])
    np.testing.assert_allclose(best.average.sum(axis=1), 1, atol=1e-9)
    assert best.average.data.min() >= 0
    w = torch.full((4, 3, 32, 32), 0.7)
    torch.testing.assert_close(space_of(best).roundtrip(w), w)
    cosine = csr_matrix((mean.confidence, mean.average.indices, mean.average.indptr), mean.average.shape)
    trusted = mean.average.data > 1e-6
    for k in np.flatnonzero(mean.seen)[::7]:
        own = slice(*mean.average.indptr[k : k + 2])
        if not trusted[own].any():
            continue
        good = cosine[k].data[trusted[own]].max()
        far = best.average[k].tocoo()
        weight = sum(v for p, v in zip(far.col, far.data, strict=True) if cosine[k, p] < 0.75 * good)
        assert weight < 0.01


def test_silhouette_pixels_give_way_to_other_views() -> None:
    """Background that bled into one view's rim is gone after the round trip, where others see the surface."""
    made, cameras = brute.sphere(48, 96), even_rig(20)
    maps = maps_of(made, cameras, 48, 384)
    w, rims = np.zeros((20, 48**2), np.float32), []
    for i, view in enumerate(surface_of(made).seen_by(cameras, 48)):
        rim = edge_trust(view) < 1
        w[i, view.fragments.pixel[rim]] = 1
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
