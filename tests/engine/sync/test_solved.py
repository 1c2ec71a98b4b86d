"""g of blends against a dense solver, and what every space promises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from engine.sync import solved
from engine.sync.sampler import initial_noise
from engine.sync.solved import DAMPING, SolvedSpace
from engine.sync.spaces import Averaging, pixels_of

Floats = NDArray[np.float32]
COUNT, SIDE, ELEMENTS = 3, 6, 40
PIXELS = COUNT * SIDE * SIDE


def blends(seed: int = 0) -> csr_matrix:
    """Weights of pixels that show a few of the elements each, and some nothing; rows sum to at most 1."""
    chance = np.random.default_rng(seed)
    weights = chance.uniform(0, 1, (PIXELS, ELEMENTS)) * (chance.uniform(0, 1, (PIXELS, ELEMENTS)) < 0.1)
    weights *= chance.uniform(0.3, 1, (PIXELS, 1)) / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    weights[::7] = 0
    return csr_matrix(weights.astype(np.float32))


@pytest.fixture
def confidence() -> Floats:
    return np.random.default_rng(1).uniform(0.3, 1, PIXELS).astype(np.float32)


def views(seed: int = 0, channels: int = 4) -> torch.Tensor:
    return torch.rand((COUNT, channels, SIDE, SIDE), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("exponent", [0.0, 1.0, 6.0])
def test_g_is_the_least_squares_solution(
    confidence: Floats, exponent: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, shown = blends(), views()
    space = SolvedSpace.build(weights, confidence, Averaging(exponent))
    matrix, w = weights.toarray().astype(np.float64), pixels_of(shown).numpy().astype(np.float64)
    cover, trust = matrix.sum(axis=1), confidence.astype(np.float64) ** exponent
    total = matrix.T @ (trust * cover)
    mean = matrix.T @ ((trust * cover)[:, None] * w) / total[:, None]
    rows = np.concatenate([np.sqrt(trust)[:, None] * matrix, np.diag(np.sqrt(DAMPING * total))])
    sides = [np.sqrt(trust)[:, None] * cover[:, None] * w, np.sqrt(DAMPING * total)[:, None] * mean]
    expected = np.linalg.lstsq(rows, np.concatenate(sides), rcond=None)[0]
    few = np.abs(space.unproject(shown).numpy() - expected)
    assert few.max() < 0.05 * np.abs(expected - mean).max()  # the average alone is another thing
    monkeypatch.setattr(solved, "STEPS", 60)
    np.testing.assert_allclose(space.unproject(shown).numpy(), expected, atol=1e-4)


def test_one_colour_stays_and_what_views_agree_on_nearly(confidence: Floats) -> None:
    space = SolvedSpace.build(blends(), confidence, Averaging())
    same = torch.full((COUNT, 4, SIDE, SIDE), 0.7)
    torch.testing.assert_close(space.unproject(same), torch.full((ELEMENTS, 4), 0.7), atol=1e-5, rtol=0)
    torch.testing.assert_close(space.roundtrip(same), same, atol=1e-5, rtol=0)
    z = torch.rand(ELEMENTS, 4, generator=torch.Generator().manual_seed(3))
    agreed = space.project(z, views())
    own = space.project(z, agreed)  # f over f: the same behind
    lost, change = space.roundtrip(own) - own, own - own.mean()
    assert lost.abs().mean() < 0.25 * change.abs().mean()


def test_f_blends_over_the_background(confidence: Floats) -> None:
    weights, behind, z = blends(), views(), torch.rand(ELEMENTS, 4)
    found = pixels_of(SolvedSpace.build(weights, confidence, Averaging()).project(z, behind))
    cover = torch.from_numpy(np.asarray(weights.sum(axis=1), np.float32))
    expected = torch.from_numpy(weights.toarray()) @ z + (1 - cover) * pixels_of(behind)
    torch.testing.assert_close(found, expected)


def test_noise_keeps_its_variance() -> None:
    """Where an average of noise loses it, and views share what they both show."""
    weights = csr_matrix(np.tile(blends().toarray()[1:2], (1200, 1)))
    space = SolvedSpace.build(weights, np.ones(1200, np.float32), Averaging())
    drawn = [
        initial_noise(space, torch.zeros(3, 4, 20, 20), torch.Generator().manual_seed(seed))
        for seed in range(30)
    ]
    assert torch.stack(drawn).var(dim=0).mean() == pytest.approx(1, abs=0.1)
    one, other = torch.stack(drawn)[:, 0].flatten(), torch.stack(drawn)[:, 1].flatten()
    assert torch.corrcoef(torch.stack([one, other]))[0, 1] > 0.2


def test_earlier_views_are_averages_of_those_before(confidence: Floats) -> None:
    weights, shown, order = blends(), views(), (1, 2, 0)
    space = SolvedSpace.build(weights, confidence, Averaging(earlier=True), order=order)
    assert space.earlier is not None
    found, matrix = pixels_of(space.earlier(shown)).numpy(), weights.toarray()
    pixels, cover, part = pixels_of(shown).numpy(), weights.toarray().sum(axis=1), SIDE * SIDE
    expected = pixels.copy()
    for place, view in enumerate(order):
        rows = [i for one in order[:place] for i in range(one * part, (one + 1) * part)]
        trust = (confidence * cover)[rows]
        total = matrix[rows].T @ trust
        mean = matrix[rows].T @ (trust[:, None] * pixels[rows]) / np.maximum(total, 1e-9)[:, None]
        mine = slice(view * part, (view + 1) * part)
        left = 1 - matrix[mine] @ (total > 0)
        expected[mine] = matrix[mine] @ mean + left[:, None] * pixels[mine]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert SolvedSpace.build(weights, confidence, Averaging(), order=order).earlier is None
