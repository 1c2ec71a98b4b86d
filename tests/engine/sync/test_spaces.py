"""f and g as sparse maps, against loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.sync.spaces import DecodedRoundtrip
from tests.engine.sync import toys


@pytest.mark.parametrize("seed", range(4))
def test_maps_are_what_loops_make_of_them(seed: int) -> None:
    toy = toys.many_to_one(seed)
    space = toy.space
    w, background = toys.unit_noise((2, 3, 4, 1, 6), seed + 10).unbind()
    z = toys.unit_noise((space.size, 4), seed + 20)
    f, g = toy.f(z.double().numpy(), background.double().numpy()), toy.g(w.double().numpy())
    np.testing.assert_allclose(space.project(z, background), f, atol=1e-6)
    np.testing.assert_allclose(space.unproject(w), g, atol=1e-6)
    np.testing.assert_allclose(space.roundtrip(w), toy.f(g, w.double().numpy()), atol=1e-6)
    assert space.size == 5


def test_folded_round_trip_is_f_of_g() -> None:
    space = toys.many_to_one().space
    w = toys.unit_noise((3, 4, 1, 6), 1)
    torch.testing.assert_close(space.roundtrip(w), space.project(space.unproject(w), w))


def test_background_is_untouched_to_the_bit_and_arguments_too() -> None:
    toy = toys.many_to_one()
    w = toys.unit_noise((3, 4, 1, 6), 1)
    before = w.clone()
    after = toy.space.roundtrip(w)
    behind = torch.from_numpy(toy.element < 0)[:, None, None].expand_as(w)
    assert torch.equal(after[behind], before[behind])
    assert not torch.equal(after[~behind], before[~behind])
    assert torch.equal(w, before)


def test_identity_maps_are_the_identity() -> None:
    space = toys.identity(2, 7).space
    w = toys.unit_noise((2, 4, 1, 7), 0)
    assert torch.equal(space.roundtrip(w), w)
    assert torch.equal(space.project(space.unproject(w), torch.zeros_like(w)), w)


def test_two_dimensional_views_keep_row_and_column_order() -> None:
    """Element k of a (2, 3, 5)-pixel space is pixel k in (view, row, column) order."""
    from scipy.sparse import identity

    from engine.sync.spaces import LinearMaps, LinearSpace

    order = np.arange(30)
    space = LinearSpace.build(LinearMaps(order, order, identity(30, format="csr"), np.ones(30, bool)))
    z = torch.arange(30.0)[:, None] + torch.tensor([0.0, 100.0])
    w = space.project(z, torch.zeros(2, 2, 3, 5))
    assert w[1, 1, 2, 4] == 129
    assert w[0, 0, 1, 0] == 5
    assert torch.equal(space.unproject(w), z)


def decode(latents: Tensor) -> Tensor:
    """A linear autoencoder that loses something: 4 channels to 3, one pixel to two."""
    mix = torch.tensor([[1.0, 0.2, 0, 0.1], [0, 1, -0.3, 0], [0.1, 0, 1, 0.5]])
    return torch.einsum("oc,nchw->nohw", mix, latents).repeat_interleave(2, dim=3)


def encode(pictures: Tensor) -> Tensor:
    mix = torch.tensor([[0.9, 0, 0.1], [0.1, 0.8, 0], [0, 0.2, 1], [0.3, 0, -0.2]])
    halves = pictures.unflatten(3, (-1, 2)).mean(dim=4)
    return torch.einsum("oc,nchw->nohw", mix, halves)


def difference(pictures: Tensor, others: Tensor) -> Tensor:
    return encode(pictures) - encode(others)


def test_decoded_round_trip_adds_the_encoded_difference() -> None:
    toy = toys.many_to_one(width=12, size=7)
    x0 = toys.unit_noise((3, 4, 1, 6), 3)
    picture = decode(x0).double().numpy()
    changed = toy.f(toy.g(picture), picture) - picture
    expected = x0 + encode(torch.from_numpy(changed).float())  # E is linear: E(a) - E(b) = E(a - b)
    found = DecodedRoundtrip(toy.space, difference, decode)(x0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_views_that_agree_keep_their_latents() -> None:
    """Although the autoencoder is far from the identity."""
    roundtrip = DecodedRoundtrip(toys.identity(3, 12).space, difference, decode)
    x0 = toys.unit_noise((3, 4, 1, 6), 3)
    assert not torch.allclose(encode(decode(x0)), x0, atol=0.1)
    torch.testing.assert_close(roundtrip(x0), x0)
