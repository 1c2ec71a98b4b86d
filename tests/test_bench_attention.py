"""build.py bench attention: what it measures is the engine's own, and how it reckons."""

from __future__ import annotations

import gc

import numpy as np
import pytest
import torch

from engine.denoise.attention import Links
from tests.bench import attention
from tests.bench.cases import attention as case
from tests.bench.cases.attention import Found, Layer, TimedNetworks

CPU = torch.device("cpu")
SMALL = Layer(tokens=16, width=64, heads=4)


def of_stable_diffusion() -> TimedNetworks:
    from diffusers import UNet2DConditionModel

    with torch.device("meta"):
        return TimedNetworks(UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8), None)


def test_layers_of_stable_diffusion() -> None:
    """Its paper's: eight heads of 40, 80 and 160; at 96 x 96 latents 9,216 tokens at most."""
    found = case.self_attention(of_stable_diffusion(), 96)
    assert [(k.tokens, k.width) for k in found] == [(9216, 320), (2304, 640), (576, 1280), (144, 1280)]
    assert str(found[0]) == "9,216 tokens, 8 x 40"


def ring(pictures: int) -> Links:
    return case.fullest(Links(np.zeros((0, 3)), 0, np.ones((pictures, 4, 4), np.float32)), pictures)


def test_the_published_views_have_two_neighbours_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a torus that lies: the same from all sides, wider than high, the same right and left."""
    monkeypatch.delenv("SYNC_TEXTURE_MESHES", raising=False)
    links = case.paper_links(32)
    assert links.beside.shape == (10, 3)
    assert (links.beside >= 0).all()
    assert links.shown is not None
    assert links.shown.shape == (10, 32, 32)
    around, inside = links.shown[:8], links.shown[0] > 0
    assert np.abs(around - around[0]).mean() < 0.01
    assert np.abs(around - around[:, :, ::-1]).mean() < 0.01
    assert inside.any(axis=0).sum() > 2 * inside.any(axis=1).sum()


def test_the_fullest_views_are_a_ring() -> None:
    assert ring(4).beside.tolist() == [[0, 1, 3], [1, 2, 0], [2, 3, 1], [3, 0, 2]]
    shares = np.array([0.2, 0.7, 0.1, 0.5], np.float32)[:, None, None] * np.ones((4, 2, 2), np.float32)
    chosen = case.fullest(Links(np.zeros((4, 3)), 0, shares), 2)
    assert chosen.shown is not None
    assert chosen.shown[:, 0, 0].tolist() == pytest.approx([0.7, 0.5])
    assert chosen.beside.tolist() == [[0, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize("way", range(case.WAYS))
def test_a_picture_three_times_is_that_picture(way: int) -> None:
    """A single picture's neighbours and reference are itself: more work, the same result."""
    torch.manual_seed(0)
    call = case.layer(SMALL, ring(1), CPU)
    torch.testing.assert_close(call(way), call(0), rtol=1e-4, atol=1e-5)


def test_ways_differ_where_pictures_do() -> None:
    links = Links(ring(4).beside, reference=2)
    torch.manual_seed(0)
    with torch.no_grad():
        plain, beside, both = (case.layer(SMALL, links, CPU)(way) for way in range(case.WAYS))
    assert not torch.allclose(plain, beside, atol=1e-3)
    assert not torch.allclose(beside, both, atol=1e-3)


def test_ways_are_taken_in_turns() -> None:
    calls: list[int] = []
    found = case.in_turns(calls.append, CPU, seconds=1e9)
    assert calls == list(range(case.WAYS)) * case.ROUNDS
    assert found.seconds.shape == (case.ROUNDS, case.WAYS)
    assert len(found.peak_mb) == case.WAYS
    calls.clear()
    assert len(case.in_turns(calls.append, CPU, seconds=0).seconds) == 1


def test_memory_is_that_of_each_way() -> None:
    if not case.FORGET.exists():
        pytest.skip("this system doesn't say what a process needed at most")
    for _ in range(2):  # first what other tests left is given back
        gc.collect()
        found = case.in_turns(lambda way: torch.ones(way * 128, 2**18), CPU, seconds=0)  # in MiB
    assert np.diff(found.peak_mb) == pytest.approx([128, 128], abs=16)


def test_a_run_has_a_reference_in_five_of_thirty_steps() -> None:
    found = Found(np.array([[2.0, 3.0, 6.0], [1.0, 1.0, 1.0]]), [1.0, 2.0, 3.0])
    assert attention.run(found) == pytest.approx([(25 * 1.5 + 5 * 3) / 30, 1])
    row = attention.shown({"name": found}, memory=True).splitlines()[-1]
    assert row.startswith("| name | 1.5 |")
    assert row.endswith("| 1 | 2 | 3 |")
    assert row.startswith(attention.shown({"name": found}).splitlines()[-1])
