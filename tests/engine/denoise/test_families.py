"""Any family goes through the denoiser and the sampler, one that is nothing like Stable Diffusion too; which
networks are in memory when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.denoise.attention import Links
from engine.denoise.denoiser import Denoiser, load_denoiser
from engine.denoise.families.family import Ragged
from engine.denoise.levels import Schedule
from engine.denoise.loading import FAMILIES, Model, prepare
from engine.denoise.references import Reference
from engine.errors import UserError
from engine.models import families, presets, sources
from engine.sync.sampler import sample
from tests.engine.denoise.flow_family import Flow
from tests.engine.denoise.loaded import level
from tests.engine.sync import toys
from tests.engine.sync.runs import agreement, sync_of

PROMPTS = ["red bricks", "old", "a prompt that is too long"]


@pytest.fixture
def flow() -> Denoiser:
    preset = replace(presets.of_family("starter", 8, 8), family="flow")
    return Denoiser(Model(Flow(), preset, None))


def loaded(denoiser: Denoiser) -> list[str]:
    return [name for name, part in denoiser._family.parts.items() if part.is_loaded]


def draw(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def test_every_known_family_can_be_run() -> None:
    assert FAMILIES.keys() == families.PARTS.keys()
    for name, family in FAMILIES.items():
        assert {component.name for component in family.components} == set(families.PARTS[name].networks)


def test_parts_come_when_they_are_needed_and_text_may_go(flow: Denoiser) -> None:
    assert loaded(flow) == []
    text = flow.embed(PROMPTS)
    assert loaded(flow) == ["text_encoder"]
    flow.release()
    assert loaded(flow) == []
    flow.embed(PROMPTS)
    assert loaded(flow) == [], "prompts that were embedded are known"
    x, control = draw(3, 4, 8, 8), torch.rand(3, 1, 64, 64)
    flow.predict_x0(x, flow.schedule(4).levels[0], text, flow.embed([""]), control, 1.0)
    assert loaded(flow) == ["text_encoder", "transformer"]
    flow.decode(x)
    assert "vae" in loaded(flow)


def test_a_family_without_an_adapter_takes_no_references(flow: Denoiser) -> None:
    flow.refer_to([])
    with pytest.raises(UserError, match="takes no reference images") as error:
        flow.refer_to([Reference(np.zeros((8, 8, 3), np.uint8), 1.0)])
    assert "sd15, sdxl" in error.value.fix


def test_text_is_whatever_its_family_makes_of_it(flow: Denoiser) -> None:
    """Rows of different lengths: all at once, in passes, and of the negative prompt."""
    text, empty = flow.embed(PROMPTS), flow.embed([""])
    assert text.truncated == ["", "", "t is too long"]
    assert [len(row) for row in text.rows(3).each] == [10, 3, 12]
    assert [len(row) for row in text.take(torch.tensor([1, 0])).each] == [3, 10]
    x, control, now = draw(3, 4, 8, 8), torch.rand(3, 1, 64, 64), flow.schedule(8).levels[2]
    at_once = flow.predict_x0(x, now, text, empty, control, 3.0)
    flow.household.batch = 2
    torch.testing.assert_close(flow.predict_x0(x, now, text, empty, control, 3.0), at_once)
    assert flow._family.calls == [6, 2, 2, 2]


def test_guidance_is_the_familys(flow: Denoiser) -> None:
    text, empty = flow.embed(PROMPTS), flow.embed([""])
    x, control, now = draw(3, 4, 8, 8), torch.rand(3, 1, 64, 64), flow.schedule(8).levels[0]
    assert now.alpha == 0
    v = {g: x - flow.predict_x0(x, now, text, empty, control, g) for g in (1.0, 4.0)}
    torch.testing.assert_close(v[4.0].norm(), v[1.0].norm())
    assert not torch.allclose(v[4.0], v[1.0], atol=1e-3)


class Told(Flow):
    """Its network is told the guidance: one pass a step, whatever it is."""

    def passes(
        self, without: Ragged[Tensor], prompted: Ragged[Tensor], guidance: Sequence[float]
    ) -> tuple[Ragged[Tensor], ...]:
        rows = zip(guidance, prompted.each, strict=True)
        return (Ragged(tuple(one * row for one, row in rows)),)


def test_how_many_passes_guidance_takes_is_the_familys(flow: Denoiser) -> None:
    told = Denoiser(Model(Told(), flow.preset, None))
    x, control, now = draw(3, 4, 8, 8), torch.rand(3, 1, 64, 64), flow.schedule(8).levels[0]

    def x0(model: Denoiser, guidance: float) -> Tensor:
        return model.predict_x0(x, now, model.embed(PROMPTS), model.embed([""]), control, guidance)

    assert torch.equal(x0(told, 1.0), x0(flow, 1.0))
    assert not torch.allclose(x0(told, 4.0), x0(told, 1.0), atol=1e-3)
    assert told._family.calls == [3, 3, 3]


def test_noise_and_picture_make_up_the_state(flow: Denoiser) -> None:
    text, x, control = flow.embed(PROMPTS), draw(3, 4, 8, 8), torch.rand(3, 1, 64, 64)
    for now in flow.schedule(4).levels:
        x0, eps = (method(x, now, text, text, control, 1.0) for method in (flow.predict_x0, flow.predict))
        torch.testing.assert_close(now.alpha * x0 + now.sigma * eps, x)


@pytest.mark.parametrize("method", ["synctweedies", "case1", "case5", "syncmvd", "syncsde"])
def test_every_method_synchronises_it_in_a_share_of_its_steps(flow: Denoiser, method: str) -> None:
    """Counted by noise, half of eight shifted steps would be six."""
    toy, schedule = toys.many_to_one(width=8), flow.schedule(8)
    network = Network(flow, schedule)
    x = draw(3, 4, 1, 8)
    steps = sample(
        network,
        schedule,
        sync_of(method, toy, share=0.5),
        x,
        lambda i: 0 * x,
        torch.Generator().manual_seed(0),
    )
    states = list(steps)
    assert all(torch.isfinite(state.x).all() for state in states)
    if method == "synctweedies":
        assert [agreement(toy, state.x0) < 1e-5 for state in states] == [True] * 4 + [False] * 4


class Network:
    def __init__(self, denoiser: Denoiser, schedule: Schedule) -> None:
        self.denoiser, self.schedule = denoiser, schedule
        self.text, self.control = denoiser.embed(PROMPTS), torch.rand(3, 1, 8, 64)

    def eps(self, x: Tensor, i: int) -> Tensor:
        return self.denoiser.predict(x, self.schedule.levels[i], self.text, self.text, self.control, 1.0)

    def x0(self, x: Tensor, i: int) -> Tensor:
        return self.denoiser.predict_x0(x, self.schedule.levels[i], self.text, self.text, self.control, 1.0)


def test_attention_across_views_is_refused_where_there_is_none(flow: Denoiser) -> None:
    links = Links(torch.arange(3)[:, None].numpy(), reference=0)
    with pytest.raises(UserError, match="Velocity"), flow.attending(links):
        pass


def test_it_is_decoded_like_any(flow: Denoiser) -> None:
    latents = flow.encode(torch.rand(2, 3, 64, 64))
    assert flow.decode(latents).shape == (2, 3, 64, 64)
    assert flow.decode_linear(latents).shape == (2, 3, 32, 32)


def test_a_prepared_model_loads_its_parts_one_by_one(eps_model: Path) -> None:
    """The same pictures as from one that was loaded at once."""
    found = sources.find(str(eps_model), lambda: None)
    late = Denoiser(prepare(found, torch.device("cpu"), torch.float32, lambda: None))
    whole = load_denoiser(str(eps_model), "cpu", lambda: None)
    assert loaded(late) == []
    assert set(loaded(whole)) == {"text_encoder", "unet", "vae", "controlnet"}
    x, control = draw(2, 4, 8, 8), torch.rand(2, 1, 64, 64)
    pictures = []
    for model in (late, whole):
        text = model.embed(["gold"])
        model.release()
        pictures.append(model.decode(model.predict_x0(x, level(model, 499), text, text, control, 1.0)))
    assert torch.equal(*pictures)
    assert set(loaded(late)) == {"unet", "vae", "controlnet"}
    assert torch.equal(
        late.embed(["gold", "wood"]).rows(2).tensor, whole.embed(["gold", "wood"]).rows(2).tensor
    )


def test_short_of_memory_what_reads_prompts_goes_first(eps_model: Path) -> None:
    model = load_denoiser(str(eps_model), "cpu", lambda: None)
    text = model.embed(["gold"])
    model.household.limit(rows=1, pictures=1)
    assert model.household.step_down()
    assert "text_encoder" not in loaded(model)
    assert torch.equal(model.embed(["gold"]).rows(1).tensor, text.rows(1).tensor)
    assert "text_encoder" not in loaded(model)
    model.embed(["wood"])
    assert "text_encoder" in loaded(model)
