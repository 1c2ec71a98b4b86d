"""Attention across rows: against a loop over samples, plain attention, and itself in other passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from engine.denoise.attention import AcrossRows, Links, _offered, across_rows
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.errors import UserError
from tests.engine.denoise.loaded import level, network

PICTURES = 5
RING = Links(np.array([[0, 1, 4], [1, 2, 0], [2, 3, 1], [3, 4, 2], [4, 0, 3]]), reference=2)
UNEVEN = Links(np.array([[0, -1, 3], [1, 0, 2], [-1, -1, 2], [3, 4, -1], [1, 2, 4]]), reference=3)
ALONE = Links(np.arange(PICTURES)[:, None], reference=0)


def shown() -> NDArray[np.float32]:
    """(PICTURES, 8, 8): a half, all, a quarter, nothing and the other half of a picture show the mesh."""
    places = np.zeros((PICTURES, 8, 8), np.float32)
    places[0, :, :4] = places[1] = places[4, :, 4:] = 1
    places[2, :4, :4] = 0.3
    return places


MESH = Links(RING.beside, RING.reference, shown())
UNEVEN_MESH = Links(UNEVEN.beside, UNEVEN.reference, shown())


class Loop:
    """The published formula sample by sample, softmax written out, all rows in one batch."""

    def __init__(self, links: Links, r: float) -> None:
        self.links, self.r = links, r

    def __call__(self, attn: Any, hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        q, k, v = attn.to_q(hidden), attn.to_k(hidden), attn.to_v(hidden)
        result = torch.zeros_like(q)
        for row in range(len(hidden)):
            picture, start = row % PICTURES, row - row % PICTURES
            seen = [
                (start + int(j), self.offered(int(j), j == picture, q.shape[1]))
                for j in self.links.beside[picture]
                if j >= 0
            ]
            keys, values = (torch.cat([t[j][chosen] for j, chosen in seen]) for t in (k, v))
            own = self.one(q[row], keys, values, attn.heads)
            first = start + self.links.reference
            result[row] = (own + self.r * self.one(q[row], k[first], v[first], attn.heads)) / (1 + self.r)
        return attn.to_out[0](result)

    def offered(self, picture: int, itself: bool, tokens: int) -> Tensor:
        """(tokens,) bool: what may be attended to. A token shows the mesh where any latent under it does."""
        if itself or self.links.shown is None:
            return torch.ones(tokens, dtype=torch.bool)
        side = round(tokens**0.5)
        cell = 8 // side
        places = torch.from_numpy(self.links.shown[picture] > 0)
        return places.reshape(side, cell, side, cell).any(dim=3).any(dim=1).flatten()

    def one(self, q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
        width = q.shape[1] // heads
        parts = []
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            weight = torch.softmax(q[:, part] @ k[:, part].T / width**0.5, dim=1)
            parts.append(weight @ v[:, part])
        return torch.cat(parts, dim=1)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Denoiser:
    from tests.engine.pipelines import make_pipeline
    from tests.engine.schedules import ZERO_SNR

    folder = make_pipeline(tmp_path_factory.mktemp("models") / "v", ZERO_SNR, seed=1)
    return load_denoiser(str(folder), "cpu", lambda: None)


@pytest.fixture
def denoiser(loaded: Denoiser) -> Any:
    batch = loaded.batch
    yield loaded
    loaded.household.batch = batch


def pictures(seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(PICTURES, 4, 8, 8, generator=generator)
    return x, torch.rand(PICTURES, 1, 64, 64, generator=generator)


def predict(denoiser: Denoiser, t: int = 500, guidance: float = 4.0) -> Tensor:
    x, control = pictures()
    positive = denoiser.embed(["red bricks", "gold", "old wood", "front view", "old gold"])
    return denoiser.predict(x, level(denoiser, t), positive, denoiser.embed(["old"]), control, guidance)


def by_loop(denoiser: Denoiser, links: Links, r: float) -> Tensor:
    unet = network(denoiser, "unet")
    before = dict(unet.attn_processors)
    unet.set_attn_processor({n: Loop(links, r) if "attn1" in n else p for n, p in before.items()})
    try:
        return predict(denoiser, 900 if r else 500)
    finally:
        unet.set_attn_processor(before)


@pytest.mark.parametrize("r", [0.0, 1.0])
@pytest.mark.parametrize(
    "links", [RING, UNEVEN, MESH, UNEVEN_MESH], ids=["ring", "uneven", "mesh", "uneven mesh"]
)
def test_it_is_what_a_loop_over_samples_makes(denoiser: Denoiser, links: Links, r: float) -> None:
    expected = by_loop(denoiser, links, r)
    with denoiser.attending(links):
        mine = predict(denoiser, 900 if r else 500)
    torch.testing.assert_close(mine, expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(mine, predict(denoiser, 900 if r else 500), atol=1e-3)


def test_who_sees_only_itself_attends_as_ever(denoiser: Denoiser) -> None:
    plain = predict(denoiser)
    with denoiser.attending(ALONE):
        torch.testing.assert_close(predict(denoiser), plain, rtol=1e-5, atol=1e-5)


def test_of_others_only_what_shows_the_mesh_counts(denoiser: Denoiser) -> None:
    """Whatever the background behind the others' meshes is, a layer makes the same of the first picture."""
    layer = network(denoiser, "unet").down_blocks[0].attentions[0].transformer_blocks[0].attn1
    processor = AcrossRows(MESH)
    processor.begin(torch.arange(PICTURES), False, torch.device("cpu"))
    hidden = torch.randn(PICTURES, 64, layer.to_q.in_features, generator=torch.Generator().manual_seed(0))
    behind = hidden.clone()
    behind[4, torch.from_numpy(shown()[4].reshape(-1) == 0)] = 3.0
    with torch.no_grad():
        before, after = processor(layer, hidden), processor(layer, behind)
        assert torch.equal(before[0], after[0])
        behind[4] = 3.0
        assert not torch.allclose(before[0], processor(layer, behind)[0], atol=1e-3)


def test_pictures_offer_eighths_of_their_tokens() -> None:
    """All that shows the mesh, and as little else as makes it an eighth, or more of them."""
    places = np.zeros((PICTURES, 8, 8), np.float32)
    places[1:, 2, :5] = places[2:, 5, 5:] = 0.5
    places[3, 0, 0] = 1.0
    for count, offered in zip((0, 8, 8, 16, 8), _offered(Links(RING.beside, 0, places), 64), strict=True):
        assert len(offered) == len(set(offered)) == count
    kept = _offered(Links(RING.beside, 0, places), 64)
    for place, offered in zip(places, kept, strict=True):
        assert set(np.flatnonzero(place)) <= set(offered)


def test_afterwards_everything_is_as_before(denoiser: Denoiser) -> None:
    unet = network(denoiser, "unet")
    plain, processors = predict(denoiser), dict(unet.attn_processors)
    with denoiser.attending(RING):
        predict(denoiser)
    assert unet.attn_processors == processors
    with pytest.raises(TypeError), denoiser.attending(RING):
        denoiser.predict(None, 0, None, None, None, 1.0)  # type: ignore[arg-type]
    assert unet.attn_processors == processors
    assert torch.equal(predict(denoiser), plain)


@pytest.mark.parametrize("kind", ["FluxTransformer2DModel", "nothing"])
def test_networks_without_such_layers_are_refused_by_name(kind: str) -> None:
    """None of their processors was replaced, and nobody told."""
    network = flux() if kind != "nothing" else torch.nn.Identity()
    before = dict(getattr(network, "attn_processors", {}))
    with pytest.raises(UserError, match=type(network).__name__) as error, across_rows(network, RING):
        pass
    assert "attention" in error.value.fix
    assert getattr(network, "attn_processors", {}) == before


def flux() -> Any:
    from diffusers import FluxTransformer2DModel

    return FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=24,
        pooled_projection_dim=12,
        axes_dims_rope=(4, 4, 8),
    )


def test_pictures_need_not_be_square() -> None:
    """8 x 4 latents, and the 4 x 2 tokens of the next level: what shows the mesh is offered by its place."""
    places = np.zeros((PICTURES, 8, 4), np.float32)
    places[:, 6:, 2:] = 1
    for tokens, corner in ((32, [26, 27, 30, 31]), (8, [7])):
        for offered in _offered(Links(RING.beside, 0, places), tokens):
            assert offered.tolist() == corner


def test_only_self_attention_of_the_unet_changes(denoiser: Denoiser) -> None:
    unet, controlnet = network(denoiser, "unet"), network(denoiser, "controlnet")
    control = dict(controlnet.attn_processors)
    with across_rows(unet, RING) as processor:
        for name, used in unet.attn_processors.items():
            assert (used is processor) is ("attn1" in name)
        assert controlnet.attn_processors == control


@pytest.mark.parametrize(("t", "used"), [(999, True), (801, True), (800, False), (1, False)])
def test_the_reference_is_seen_in_the_published_window_only(denoiser: Denoiser, t: int, used: bool) -> None:
    """0.2 of the way: while t > 800."""
    other = Links(RING.beside, reference=0)
    outputs = []
    for links in (RING, other):
        with denoiser.attending(links):
            outputs.append(predict(denoiser, t, 1.0))
    assert torch.equal(*outputs) is not used or t == 999  # at pure noise eps is x


def test_passes_of_all_pictures_are_as_good_as_one(denoiser: Denoiser) -> None:
    """Both halves at once, and each half alone: rows of one never see the other's."""
    with denoiser.attending(RING):
        assert len(denoiser._across.passes(10, 10)) == 1
        whole = predict(denoiser, 900)
        denoiser.household.batch = 7
        assert [len(p) for p in denoiser._across.passes(10, 7)] == [5, 5]
        torch.testing.assert_close(predict(denoiser, 900), whole, rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(predict(denoiser, 900, 1.0), predict(denoiser, 900, 1.0), rtol=0, atol=0)


@pytest.mark.parametrize("batch", [1, 2, 3, 4])
def test_short_of_memory_rows_see_what_is_in_their_pass(batch: int) -> None:
    processor = AcrossRows(RING)
    passes = processor.passes(2 * PICTURES, batch)
    assert sorted(torch.cat(passes).tolist()) == list(range(2 * PICTURES))
    for rows in passes:
        assert len(rows) <= batch
        assert len({int(row) // PICTURES for row in rows}) == 1
        processor.begin(rows, True, torch.device("cpu"))
        plan, groups = processor._plan, processor.groups(1, torch.device("cpu"))
        start = int(rows[0]) // PICTURES * PICTURES
        inside = {int(row) - start for row in rows}
        for own, taken in groups:
            for row, keys in zip(own.tolist(), taken.tolist(), strict=True):
                picture = int(rows[row]) - start
                seen = {int(rows[key]) - start for key in keys}
                assert seen == inside & set(RING.beside[picture].tolist())
        assert sorted(torch.cat([own for own, _ in groups]).tolist()) == list(range(len(rows)))
        assert (plan.references is not None) is (RING.reference in inside)


def test_passes_are_made_of_pictures_beside_each_other() -> None:
    """A ring whose numbers are shuffled, in passes of eight: only the ends of an arc miss a neighbour."""
    name = np.random.default_rng(1).permutation(24)
    ring = np.stack([name, np.roll(name, 1), np.roll(name, -1)], axis=1)[np.argsort(name)]
    processor = AcrossRows(Links(ring, reference=0))
    for rows in processor.passes(24, 8):
        processor.begin(rows, False, torch.device("cpu"))
        groups = processor.groups(1, torch.device("cpu"))
        missing = sum(3 * len(own) - taken.numel() for own, taken in groups)
        assert missing <= 4


@pytest.mark.parametrize("batch", [1, 3])
def test_short_of_memory_the_network_still_runs(denoiser: Denoiser, batch: int) -> None:
    denoiser.household.batch = batch
    with denoiser.attending(RING):
        assert torch.isfinite(predict(denoiser, 900)).all()
    if batch == 1:
        plain = predict(denoiser)
        with denoiser.attending(RING):
            torch.testing.assert_close(predict(denoiser), plain, rtol=1e-5, atol=1e-5)


def test_the_order_of_pictures_says_nothing(denoiser: Denoiser) -> None:
    order = np.array([3, 0, 4, 1, 2])
    place = np.append(np.argsort(order), -1)
    x, control = pictures()
    text = denoiser.embed(["gold"])
    with denoiser.attending(UNEVEN):
        straight = denoiser.predict(x, level(denoiser, 900), text, text, control, 1.0)
    with denoiser.attending(Links(place[UNEVEN.beside][order], int(place[UNEVEN.reference]))):
        mixed = denoiser.predict(x[order], level(denoiser, 900), text, text, control[order], 1.0)
    torch.testing.assert_close(mixed, straight[order], rtol=1e-4, atol=1e-5)


def test_half_precision(eps_model: Path) -> None:
    from engine.denoise.loading import load
    from engine.models import sources

    cpu = torch.device("cpu")
    outputs = []
    for dtype in (torch.float16, torch.float32):
        model = Denoiser(load(sources.find(str(eps_model), lambda: None), cpu, dtype, lambda: None))
        with model.attending(UNEVEN):
            outputs.append(predict(model, 900, 3.0))
    assert outputs[0].dtype == torch.float32
    torch.testing.assert_close(*outputs, rtol=0.02, atol=0.03)


def test_the_published_set_up_costs_less_than_half_more() -> None:
    """Arithmetic of Stable Diffusion 1.5 with its ControlNet at 96 x 96, without weights: over the published
    30 steps, five of them with a reference, at most 1.5 times as much as with plain attention."""
    from diffusers import ControlNetModel, UNet2DConditionModel

    meta = torch.device("meta")
    with meta:
        unet = UNet2DConditionModel(cross_attention_dim=768, attention_head_dim=8)
        controlnet = ControlNetModel.from_unet(unet, load_weights_from_unet=False)
    x, text = torch.empty(PICTURES, 4, 96, 96, device=meta), torch.empty(PICTURES, 77, 768, device=meta)
    picture, time = torch.empty(PICTURES, 3, 768, 768, device=meta), torch.tensor(5, device=meta)

    def cost() -> int:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            down, mid = controlnet(x, time, text, picture, return_dict=False)
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": mid}
            unet(x, time, text, **residuals)
        return counter.get_total_flops()

    plain, across = cost(), []
    with across_rows(unet, RING) as processor:
        for with_reference in (False, True):
            processor.begin(torch.arange(PICTURES), with_reference, meta)
            across.append(cost())
    assert 25 * across[0] + 5 * across[1] < 1.5 * 30 * plain


@pytest.mark.parametrize(
    ("tokens", "width", "heads"), [(64, 64, 8), (36, 320, 8), (16, 1280, 8), (64, 128, 4)]
)
def test_shapes_of_larger_models(tokens: int, width: int, heads: int) -> None:
    """Layers of Stable Diffusion's widths: against the loop."""
    from diffusers.models.attention_processor import Attention

    torch.manual_seed(0)
    layer = Attention(query_dim=width, heads=heads, dim_head=width // heads).eval()
    hidden = torch.randn(PICTURES, tokens, width)
    processor = AcrossRows(RING)
    processor.begin(torch.arange(PICTURES), True, torch.device("cpu"))
    with torch.no_grad():
        torch.testing.assert_close(
            processor(layer, hidden), Loop(RING, 1.0)(layer, hidden), rtol=1e-4, atol=1e-5
        )
